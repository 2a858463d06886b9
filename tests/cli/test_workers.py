"""`lgbpn denoise --workers`: photos in several processes, of which some die."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_network import DEADLY_WIDTH, ENDLESS_WIDTH
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of

PATIENCE_S = 300


def rows(stdout: str) -> dict[str, Any]:
    found = [json.loads(line) for line in stdout.splitlines()]
    assert len({row["source"] for row in found}) == len(found)  # every photo once
    return {Path(row["source"]).name: row for row in found}


def worker_of(process: subprocess.Popen[str]) -> psutil.Process:
    """A process that denoises: it has one below it, which reads; others only keep house. Waits for the first."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children():
                if child.children():
                    return child
        time.sleep(0.05)
    raise AssertionError("no worker denoises")


@pytest.fixture
def photos(make_photo: MakePhoto) -> Path:
    for number in range(23):
        folder = make_photo(f"in/{number % 3}/{number}.png").parent.parent
    make_photo("in/2/23.png", (11, 8))
    make_photo("in/0/0.png", (13, 8))
    return folder


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="kills processes by a signal")
def test_killed_workers_and_a_killed_run_lose_nothing(
    start_lgbpn: Lgbpn, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    command = ("denoise", photos, "-r", "-o", out, "--workers", "2", "--json")
    monkeypatch.setenv(ENDLESS_WIDTH, "11")
    first = start_lgbpn(*command, seconds_per_tile=0.1)
    for number, _ in enumerate(iter(first.stdout.readline, ""), start=1):
        if number in (2, 5):
            worker_of(first).send_signal(signal.SIGKILL)
        if number == 8:
            first.kill()
            break
    first.communicate()
    done = {path.name for path in out.rglob("*.png")}
    assert 8 <= len(done) < 24
    monkeypatch.delenv(ENDLESS_WIDTH)
    monkeypatch.setenv(DEADLY_WIDTH, "13")
    (out / "0" / "0.png").unlink(missing_ok=True)
    (photos / "2" / "23.png").write_bytes(b"no photo")
    second = start_lgbpn(*command)
    stdout, stderr = second.communicate()
    found = rows(stdout)
    assert second.returncode == 1
    assert {name for name, row in found.items() if row["status"] == "failed"} == {"0.png", "23.png"}
    assert "the process that worked on it died, 3 times" in found["0.png"]["error"]
    assert "Traceback" not in stderr
    assert {name for name, row in found.items() if row["status"] == "skipped"} == done - {"0.png"}
    assert {row["device"] for row in found.values() if row["status"] == "done"} == {"cpu"}
    assert f"{22 - len(done - {'0.png'})} photo" in stderr
    results = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    assert len(results) == 22  # and no half one
    for name, path in results.items():
        assert (pixels_of(path) == negative_of(photos / name)).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--workers", "0"), "--workers 0: not a number of processes"),
        (("--workers", "2", "--scheduler", "tcp://a:1"), "cannot be combined with --scheduler"),
        (("--workers", "1000000"), "--workers 1000000: there is memory for"),
        (("--scheduler", "nowhere"), "--scheduler nowhere: not an address"),
        (("--scheduler", "tcp//host:8786"), "not an address"),
        (("--scheduler", "tcp://host"), "not an address"),
        (("--scheduler", "tcp://host:port"), "not an address"),
        (("--scheduler", "http://host:8786"), "not an address"),
        (("--workers", "2", "--html", "page.html"), "--html: does not work with workers"),
        (("--workers", "2", "-d", "cuda:0"), "each worker here gets one of its own"),
        (("--workers", "2", "-m", "unknown"), "there is no such model"),
    ],
)
def test_what_cannot_work_is_refused(
    lgbpn: Lgbpn, make_photo: MakePhoto, options: tuple[str, ...], words: str
) -> None:
    result = lgbpn("denoise", make_photo("a.png"), *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
