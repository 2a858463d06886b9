"""`lgbpn` as a process of its own that carries out a recipe in a folder, with the folder's data and models."""

from __future__ import annotations

import subprocess
from pathlib import Path

from warm_processes import start_lgbpn_cli


def start_in(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `lgbpn` with these arguments in `folder`."""
    environment = {"LGBPN_DATA": str(folder), "XDG_DATA_HOME": str(folder / "own")}
    process: subprocess.Popen[str] = start_lgbpn_cli(*arguments, environment=environment, folder=folder)
    return process
