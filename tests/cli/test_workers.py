"""`lgbpn denoise --workers`: photos in several processes, of which some die."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_network import DEADLY_WIDTH
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of


def rows(stdout: str) -> dict[str, Any]:
    found = [json.loads(line) for line in stdout.splitlines()]
    assert len({row["source"] for row in found}) == len(found)  # every photo once
    return {Path(row["source"]).name: row for row in found}


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that denoise; each has one below it, which reads, and others only keep house."""
    try:
        children = psutil.Process(process.pid).children()
        return [child for child in children if child.children()]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def photos(make_photo: MakePhoto) -> Path:
    for number in range(24):
        folder = make_photo(f"in/{number % 3}/{number}.png").parent.parent
    return folder


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="kills processes by a signal")
def test_killed_workers_and_a_killed_run_lose_nothing(
    start_lgbpn: Lgbpn, photos: Path, tmp_path: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEADLY_WIDTH, "13")
    (photos / "0" / "0.png").unlink()
    make_photo("in/0/poison.png", (13, 8))
    out = tmp_path / "out"
    command = ("denoise", photos, "-r", "-o", out, "--workers", "2", "--json")
    first = start_lgbpn(*command, seconds_per_tile=0.3)
    for number, _ in enumerate(iter(first.stdout.readline, ""), start=1):
        if number in (2, 5):
            workers_of(first)[0].send_signal(signal.SIGKILL)
        if number == 8:
            first.kill()
            break
    first.communicate()
    done = {path.name for path in out.rglob("*.png")}
    assert 8 <= len(done) < 24
    second = start_lgbpn(*command)
    stdout, stderr = second.communicate()
    found = rows(stdout)
    assert second.returncode == 1
    assert {name for name, row in found.items() if row["status"] == "failed"} == {"poison.png"}
    assert "the process that worked on it died, 3 times" in found["poison.png"]["error"]
    assert "Traceback" not in stderr
    assert {name for name, row in found.items() if row["status"] == "skipped"} >= done
    results = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    assert len(results) == 23  # and no half one
    for name, path in results.items():
        assert (pixels_of(path) == negative_of(photos / name)).all()


@pytest.mark.slow
@pytest.mark.process
def test_bad_photos_fail_alone_and_workers_go_on(start_lgbpn: Lgbpn, photos: Path, tmp_path: Path) -> None:
    (photos / "1" / "1.png").write_bytes(b"no photo")
    process = start_lgbpn("denoise", photos, "-r", "-o", tmp_path / "out", "--workers", "1", "--json")
    stdout, stderr = process.communicate()
    found = rows(stdout)
    assert process.returncode == 1
    assert [name for name, row in found.items() if row["status"] == "failed"] == ["1.png"]
    assert found["2.png"]["device"] == "cpu"
    assert "23 photos denoised" in stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--workers", "0"), "--workers 0: not a number of processes"),
        (("--workers", "2", "--scheduler", "tcp://a:1"), "cannot be combined with --scheduler"),
        (("--scheduler", "nowhere"), "--scheduler nowhere: not an address"),
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
