"""`lgbpn` as a process of its own: exit codes, Ctrl-C, a reader that goes away, a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_photos import Lgbpn, MakePhoto
from terminal import read_terminal

termios = pytest.importorskip("termios", reason="Windows has no pseudo-terminals and no SIGINT to send")

PATIENCE_S = 300


def wait_for(path: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.02)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_all_done_ends_with_0(start_lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    process = start_lgbpn("denoise", make_photo("a.png"))
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, stdout) == (0, "")
    assert "1 photo denoised" in stderr


def test_some_failed_ends_with_1(start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a.png")
    (tmp_path / "b.png").write_bytes(b"")
    process = start_lgbpn("denoise", tmp_path)
    assert "1 photo failed" in process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 1


@pytest.mark.parametrize("options", [["missing.png"], ["--model", "missing"], ["--nonsense"]])
def test_a_wrong_command_ends_with_2(options: list[str], start_lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    process = start_lgbpn("denoise", make_photo("a.png"), *options)
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, stdout) == (2, "")
    assert "Traceback" not in stderr


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_ends_with_130_a_summary_and_whole_files_only(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, name: str
) -> None:
    for photo in ("a.png", "b.png", "c.png"):
        make_photo(f"in/{photo}", (640, 64))
    options = ["--tile", "64", "--halo", "0", "-o", tmp_path / "out"]
    process = start_lgbpn("denoise", tmp_path / "in", *options, seconds_per_tile=0.1)
    wait_for(tmp_path / "out" / "a.png")
    process.send_signal(signal.Signals[name])
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, stdout) == (130, "")
    assert "stopped: 1 photo denoised in " in stderr
    assert "Traceback" not in stderr
    assert files(tmp_path / "out") == {"a.png"}


def test_a_run_that_was_stopped_goes_on_where_it_was(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, lgbpn: Lgbpn
) -> None:
    for name in ("a.png", "b.png"):
        make_photo(f"in/{name}", (640, 64))
    options = ["--tile", "64", "--halo", "0", "-o", tmp_path / "out"]
    process = start_lgbpn("denoise", tmp_path / "in", *options, seconds_per_tile=0.1)
    wait_for(tmp_path / "out" / "a.png")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    result = lgbpn("denoise", tmp_path / "in", *options)
    assert "1 photo denoised" in result.stderr
    assert "(1 skipped)" in result.stderr
    assert files(tmp_path / "out") == {"a.png", "b.png"}


def test_a_reader_that_goes_away_is_no_reason_for_a_traceback(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        make_photo(name)
    process = start_lgbpn("denoise", tmp_path, "--json", seconds_per_tile=0.1)
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(PATIENCE_S) != 0
    assert "the program that reads the --json output has ended" in stderr
    assert "Traceback" not in stderr
    assert "Exception" not in stderr


def test_ctrl_c_that_no_command_answers_ends_with_130() -> None:
    program = """
import lgbpn_cli.__main__, lgbpn_cli.cli.main
def stop(): raise KeyboardInterrupt
lgbpn_cli.cli.main.main = stop
lgbpn_cli.__main__.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_terminal_shows_photos_and_tiles_and_quiet_shows_nothing(
    start_lgbpn: Lgbpn, make_photo: MakePhoto
) -> None:
    photo = make_photo("a.png", (320, 64))
    shown = []
    for options in (["--overwrite"], ["--overwrite", "--quiet"]):
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        arguments = ["denoise", photo, "--tile", "64", "--halo", "0", *options]
        process = start_lgbpn(*arguments, seconds_per_tile=0.15, stderr=theirs, stdout=subprocess.DEVNULL)
        os.close(theirs)
        shown.append(read_terminal(ours))
        assert process.wait(PATIENCE_S) == 0
    assert "a.png" in shown[0]
    assert "0/1" in shown[0]
    assert "3/5" in shown[0]
    assert shown[1] == ""


def test_a_terminal_that_is_closed_ends_a_run_with_its_page(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        make_photo(f"in/{name}", (640, 64))
    ours, theirs = os.openpty()
    page = tmp_path / "page.html"
    options = ["--tile", "64", "--halo", "0", "-o", tmp_path / "out", "--html", page]
    process = start_lgbpn(
        "denoise", tmp_path / "in", *options, seconds_per_tile=0.1, stderr=theirs, stdout=theirs
    )
    os.close(theirs)
    wait_for(tmp_path / "out" / "a.png")
    os.close(ours)
    process.send_signal(signal.SIGHUP)  # the kernel sends it to the terminal's own processes alone
    assert process.wait(PATIENCE_S) == 130
    assert page.exists()
    assert files(tmp_path / "out") == {"a.png"}
