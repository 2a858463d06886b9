"""`lgbpn` as a process of its own that carries out a recipe in a folder, with the folder's data and models."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def _heed_ctrl_c() -> None:
    # A test run in the background of a shell ignores Ctrl-C, and its children would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start_in(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `lgbpn` with these arguments in `folder`."""
    environment = {
        **os.environ,
        "LGBPN_DATA": str(folder),
        "XDG_DATA_HOME": str(folder / "own"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "lgbpn_cli", *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stderr=subprocess.PIPE,
        preexec_fn=_heed_ctrl_c,
    )
