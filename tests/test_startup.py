"""Asking for help costs little: no PyTorch, no photo libraries, nothing but what the command line itself needs.

How long it takes is measured by `benchmarks/speed.py commands`.
"""

from __future__ import annotations

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
HEAVY = {"torch", "numpy", "PIL", "tifffile", "imagecodecs", "rawpy"}
OF_THE_COMMAND_LINE = "import psutil, pydantic.dataclasses, shellingham, sys, typer.main; print(*sys.modules)"
"""What help may import besides Python's own library and the program: these, with what they import themselves."""

SHOW_MODULES = """
import sys
from lgbpn_cli.cli.main import main
try:
    main()
except SystemExit as end:
    print("MODULES", end.code, *sys.modules)
"""


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
    expected = ask([sys.executable, "-c", OF_THE_COMMAND_LINE], repo_root).stdout.split()
    assert packages(modules) - packages(expected) == {"lgbpn_cli"}


def packages(modules: list[str]) -> set[str]:
    """Return the packages that do not belong to Python itself; underlined names are of its start and of installers."""
    return {
        name for name in (each.split(".")[0] for each in modules) if name[0] != "_"
    } - sys.stdlib_module_names


def test_importing_the_package_imports_no_heavy_library(repo_root: Path) -> None:
    code = "import sys, lgbpn_cli; print(lgbpn_cli.__version__, *sys.modules)"
    version, *modules = ask([sys.executable, "-c", code], repo_root).stdout.split()
    assert version.count(".") == 2
    assert HEAVY.intersection(modules) == set()
