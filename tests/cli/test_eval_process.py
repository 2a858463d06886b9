"""`lgbpn eval` as a process of its own: its bar on a terminal, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from small_photos import Lgbpn, MakePhoto
from terminal import read_terminal

termios = pytest.importorskip("termios", reason="Windows has no pseudo-terminals and no SIGINT to send")

PATIENCE_S = 300


@pytest.fixture
def folders(make_photo: MakePhoto, tmp_path: Path) -> tuple[Path, Path]:
    for name in ("n/a.png", "n/b.png", "r/a.png", "r/b.png"):
        make_photo(name, (320, 64))
    return tmp_path / "n", tmp_path / "r"


def test_a_terminal_shows_how_many_results_are_measured(
    start_lgbpn: Lgbpn, folders: tuple[Path, Path]
) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    options = ["-m", "fake", "-m", "other"]
    process = start_lgbpn("eval", *folders, *options, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    told = read_terminal(ours)
    assert process.wait(PATIENCE_S) == 0
    assert [f"{done}/4" in told for done in range(5)] == [True] * 5


@pytest.mark.parametrize(
    ("columns", "first_words"),
    [(80, ["method", "photos", "PSNR", "[95", "median"]), (200, ["method", "noisy", "fake"])],
)
def test_a_table_that_is_wider_than_the_terminal_is_turned(
    columns: int, first_words: list[str], start_lgbpn: Lgbpn, folders: tuple[Path, Path]
) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    process = start_lgbpn("eval", *folders, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    told = read_terminal(ours)
    assert process.wait(PATIENCE_S) == 0
    table = told[told.index("method") :].splitlines()[: len(first_words)]
    assert [line.split()[0] for line in table] == first_words
    assert all(len(line) <= columns for line in table)


def test_ctrl_c_ends_with_130_and_without_a_report(
    start_lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    options = ["--csv", tmp_path / "figures.csv", "--html", tmp_path / "page.html"]
    process = start_lgbpn("eval", *folders, *options, seconds_per_tile=PATIENCE_S, stderr=theirs)
    os.close(theirs)
    told = ""
    while "0/2" not in told:  # the network is at work on the first photo
        told += os.read(ours, 65536).decode()
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=PATIENCE_S)
    told += read_terminal(ours)
    assert (process.returncode, stdout) == (130, "")
    assert "stopped; no report was written" in told
    assert "Traceback" not in told
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
