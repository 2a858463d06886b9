"""`lgbpn` itself: help, version, and what it does without a command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from small_photos import Lgbpn, save_photo
from warm_processes import run_lgbpn_cli

import lgbpn_cli
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


def test_help_is_a_command_too(lgbpn: Lgbpn) -> None:
    assert lgbpn("help").stdout == lgbpn("--help").stdout
    assert lgbpn("help", "denoise").stdout == lgbpn("denoise", "--help").stdout
    assert lgbpn("help", "models", "export").stdout == lgbpn("models", "export", "--help").stdout
    assert (lgbpn("help", "nonsense").exit_code, lgbpn("help").exit_code) == (2, 0)


@pytest.mark.parametrize("arguments", [["photo.jpg"], ["my photo.NEF", "-o", "out"], ["m" * 300 + ".png"]])
def test_a_photo_in_the_place_of_a_command_is_answered_with_the_command_to_type(
    lgbpn: Lgbpn, arguments: list[str]
) -> None:
    result = lgbpn(*arguments)
    assert result.exit_code == 2
    command = shlex.join(["lgbpn", "denoise", *arguments])
    assert result.stderr == f"lgbpn: {arguments[0]}: this is not a command. To denoise it: {command}\n"


def test_a_folder_in_the_place_of_a_command_is_answered_alike(
    lgbpn: Lgbpn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2026").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "To denoise it: lgbpn denoise 2026" in lgbpn("2026").stderr
    assert "No such command" in lgbpn("2027").stderr


def test_a_word_that_the_disk_cannot_hold_is_an_unknown_command(lgbpn: Lgbpn) -> None:
    result = lgbpn("x" * 5000)
    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "a.png", "--min-iso", "1e9"], "--min-iso 1e9: not a whole number."),
        (["denoise", "a.png", "--jpeg-quality", "9.5"], "--jpeg-quality 9.5: not a whole number."),
        (["eval", "a", "--report-size", "big"], "--report-size big: not a number."),
    ],
)
def test_what_is_no_number_is_told_in_our_own_words(lgbpn: Lgbpn, arguments: list[str], message: str) -> None:
    result = lgbpn(*arguments)
    assert result.exit_code == 2
    assert result.stderr == f"lgbpn: {message} Write it in digits, such as 400.\n"


LONG = "x" * 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "a.png", "-o", LONG], f"{LONG}: cannot be used (File name too long)"),
        (["denoise", "a.png", "-o", "loop"], "-o loop: is a broken link"),
        (["denoise", "loop"], "loop: cannot be reached (Too many levels of symbolic links)"),
        (["denoise", "a.png", "-m", 9 * LONG], f"model '{9 * LONG}': there is no model with this name"),
        (["denoise", "a.png", "-m", LONG + ".safetensors"], f"{LONG}.safetensors: there is no such file"),
        (["denoise", "a.png", "--html", LONG + ".html"], f"--html: {LONG}.html cannot be written (File name"),
        (["models", "export", "lgbpn-base", "-o", LONG], f"{LONG}: cannot be used (File name too long)"),
        (["denoise", "a.png/b"], "a.png/b: cannot be reached (Not a directory)"),
    ],
    ids=["-o", "-o loop", "loop", "-m", "-m file", "--html", "export", "below a file"],
)
def test_a_name_that_the_disk_refuses_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    save_photo(tmp_path / "a.png", (12, 8))
    (tmp_path / "loop").symlink_to("loop")
    answer = lgbpn_in(tmp_path, *arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"lgbpn: {message}")
    assert len(answer.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "loop"}


@pytest.mark.parametrize("arguments", [["denoise", "/a.png"], ["models", "list"], ["devices"]])
def test_in_a_folder_that_is_gone_the_answer_says_so(arguments: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    script = "import os, sys; os.rmdir(os.getcwd()); from lgbpn_cli.cli.main import main; main()"
    answer = lgbpn_in(folder, *arguments, script=script)
    assert answer.returncode == 2
    assert answer.stderr.startswith("lgbpn: the current folder: it cannot be used (No such file")


def test_where_the_folder_of_own_models_cannot_be_entered_the_shipped_one_works(tmp_path: Path) -> None:
    answer = lgbpn_in(tmp_path, "models", "list", environment={"XDG_DATA_HOME": f"/tmp/{LONG}"})
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "lgbpn-base" in answer.stdout


def lgbpn_in(
    folder: Path,
    *arguments: str,
    script: str | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the real command in that folder."""
    if script is None:
        return run_lgbpn_cli(*arguments, environment=environment, folder=folder)
    package = Path(lgbpn_cli.__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(package), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
