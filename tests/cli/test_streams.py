"""Closed, full and broken standard streams, and signals that come twice: one line, the right exit code."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_photos import Lgbpn, MakePhoto

pytest.importorskip("termios", reason="Windows has other streams and signals")
PATIENCE_S = 200
FAKE = Path(__file__).with_name("fake_network.py")
FULL = "/dev/full"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which `lgbpn` is the command with a network that costs nothing."""
    line = f'lgbpn() {{ {shlex.quote(sys.executable)} {shlex.quote(str(FAKE))} "$@"; }}; {command}'
    environment = {**os.environ, "PYTHONPATH": str(FAKE.parents[2])}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE_S, env=environment, check=False
    )


@pytest.mark.parametrize(
    "streams", ["2>&-", ">&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full", "--json 2>&-"]
)
def test_closed_and_full_streams_do_not_stop_the_work(
    make_photo: MakePhoto, tmp_path: Path, streams: str
) -> None:
    photo = make_photo("a.png")
    done = shell(f"lgbpn denoise {photo} -o {tmp_path / 'o'} {streams}")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["a.png"]
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path(FULL).exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", ["denoise {photo} -o {folder} --json", "--version"])
def test_output_that_cannot_be_written_is_told(make_photo: MakePhoto, tmp_path: Path, command: str) -> None:
    line = command.format(photo=make_photo("a.png"), folder=tmp_path / "o")
    done = shell(f"lgbpn {line} > {FULL}")
    assert done.returncode == 1
    assert "cannot be written (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_photo_is_not_to_blame_for_a_reader_that_goes_away(make_photo: MakePhoto, tmp_path: Path) -> None:
    for number in range(6):
        make_photo(f"in/{number}.png")
    done = shell(
        f"lgbpn denoise {tmp_path / 'in'} -o {tmp_path / 'o'} --json | head -1; exit ${{PIPESTATUS[0]}}"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "done"
    assert "the program that reads the --json output has ended" in done.stderr
    assert "failed" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_signal_does_not_disturb_the_end(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        make_photo(f"in/{name}", (640, 64))
    process = start_lgbpn(
        "denoise", tmp_path / "in", "-o", tmp_path / "o", "--tile", 64, "--json", seconds_per_tile=0.3
    )
    assert process.stdout.readline()
    for _ in range(12):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert stderr.count("stopped: ") == 1
    assert "Traceback" not in stderr


def test_a_page_names_photos_whose_name_is_no_text(make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("in/a.png")
    try:
        photo.rename(os.fsdecode(os.fsencode(photo.parent) + b"/bad\xff.png"))
    except OSError:
        pytest.skip("this file system has text for names")
    page = tmp_path / "p.html"
    done = shell(f"lgbpn denoise {photo.parent} -o {tmp_path / 'o'} --html {page}")
    assert done.returncode == 0, done.stderr
    assert "bad?.png" in page.read_text("utf-8")
