"""`lgbpn` itself: help, version, and what it does without a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from small_photos import Lgbpn

from lgbpn_cli import __version__


def test_the_version_is_printed(lgbpn: Lgbpn) -> None:
    result = lgbpn("--version")
    assert (result.exit_code, result.stdout) == (0, f"lgbpn {__version__}\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_help_names_the_commands(option: str, lgbpn: Lgbpn) -> None:
    result = lgbpn(option)
    assert result.exit_code == 0
    assert "denoise" in result.stdout


def test_without_a_command_it_shows_the_help(lgbpn: Lgbpn) -> None:
    result = lgbpn()
    assert result.exit_code in (0, 2)
    assert "Usage: lgbpn" in result.output


def test_an_unknown_command_ends_with_exit_code_2(lgbpn: Lgbpn) -> None:
    result = lgbpn("denoize")
    assert result.exit_code == 2
    assert "denoise" in result.stderr


def test_the_package_runs_as_a_program(repo_root: Path) -> None:
    command = [sys.executable, "-m", "lgbpn_cli", "--version"]
    answer = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, check=True)
    assert answer.stdout == f"lgbpn {__version__}\n"


def test_an_error_about_an_odd_name_is_one_line_without_commands_to_the_terminal(lgbpn: Lgbpn) -> None:
    result = lgbpn("denoise", "a\x1b[31m\nb.jpg")
    assert result.exit_code == 2
    assert (
        result.stderr == "lgbpn: a\\x1b[31m\\nb.jpg: there is no such file or folder. Check the spelling.\n"
    )
