"""Asking for help costs nothing: no PyTorch, no photo libraries, less than half a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

QUESTIONS = [
    ["--help"],
    ["--version"],
    ["denoise", "--help"],
    ["eval", "--help"],
    ["bench", "--help"],
    ["devices", "--help"],
]
TIME_LIMIT_S = 0.5
RUNS = 5
"""The best of these counts: other programs on the machine only ever make a run slower."""
HEAVY = {"torch", "numpy", "PIL", "tifffile", "imagecodecs", "rawpy"}

SHOW_MODULES = """
import sys
from lgbpn_cli.cli.main import main
try:
    main()
except SystemExit as end:
    print("MODULES", end.code, *sys.modules)
"""


def processor_seconds() -> float:
    """The time that finished child processes have computed: what a user waits for on an idle machine.

    The clock on the wall would also count other programs' turns on a busy one.
    """
    used = os.times()
    return used.children_user + used.children_system


def ask(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_help_and_version_import_no_heavy_library(question: list[str], repo_root: Path) -> None:
    answer = ask([sys.executable, "-c", SHOW_MODULES, *question], repo_root)
    *_, last = answer.stdout.splitlines()
    marker, code, *modules = last.split()
    assert (marker, code) == ("MODULES", "0")
    assert "lgbpn_cli.cli.denoise" in modules
    assert HEAVY.intersection(modules) == set()


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_help_and_version_answer_in_under_half_a_second(question: list[str], repo_root: Path) -> None:
    times = []
    for _ in range(RUNS):
        start = processor_seconds()
        answer = ask([sys.executable, "-m", "lgbpn_cli", *question], repo_root)
        times.append(processor_seconds() - start)
        assert answer.returncode == 0
    assert 0 < min(times) < TIME_LIMIT_S


def test_importing_the_package_imports_no_heavy_library(repo_root: Path) -> None:
    code = "import sys, lgbpn_cli; print(lgbpn_cli.__version__, *sys.modules)"
    version, *modules = ask([sys.executable, "-c", code], repo_root).stdout.split()
    assert version.count(".") == 2
    assert HEAVY.intersection(modules) == set()
