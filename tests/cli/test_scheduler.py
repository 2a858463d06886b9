"""`lgbpn denoise --scheduler`: scheduler and workers are programs of their own, and not all as they should be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fake_network
import fake_worker
import pytest
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of

import lgbpn_cli

pytestmark = [
    pytest.mark.slow,
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by a signal"),
]
StartDask = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def start_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartDask]:
    """Start `dask scheduler` or `dask worker` with these words; all of them end with the test."""
    folders = (Path(lgbpn_cli.__file__).parent.parent, Path(fake_network.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    started: list[subprocess.Popen[bytes]] = []

    def start(what: str, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
        with (tmp_path / f"dask-{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    command,
                    cwd=tmp_path,
                    env=os.environ | variables,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):  # it has ended itself, as workers do whose scheduler went away
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def start_scheduler(start_dask: StartDask, address: str) -> Callable[[], subprocess.Popen[bytes]]:
    host, port = address.removeprefix("tcp://").split(":")
    return lambda: start_dask("scheduler", "--host", host, "--port", port, "--no-dashboard")


@pytest.fixture
def start_worker(start_dask: StartDask, address: str) -> StartDask:
    words = (address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--preload", "fake_worker")
    return lambda **variables: start_dask("worker", *words, **variables)


@pytest.fixture
def photos(make_photo: MakePhoto) -> Path:
    for number in range(12):
        folder = make_photo(f"in/{number}.png", (11 if number == 6 else 12, 8)).parent
    return folder


def rows(stdout: str) -> dict[str, Any]:
    found = [json.loads(line) for line in stdout.splitlines()]
    assert len({row["source"] for row in found}) == len(found)  # every photo once
    return {Path(row["source"]).name: row for row in found}


def test_a_scheduler_that_is_killed_and_comes_back(
    start_lgbpn: Lgbpn,
    start_scheduler: Lgbpn,
    start_worker: StartDask,
    photos: Path,
    tmp_path: Path,
    address: str,
) -> None:
    scheduler = start_scheduler()
    start_worker(**{fake_network.ENDLESS_WIDTH: "11"})
    out = tmp_path / "out"
    run = start_lgbpn("denoise", photos, "-o", out, "--scheduler", address, "--json")
    first = run.stdout.readline()
    scheduler.kill()
    scheduler.wait()
    start_scheduler()
    start_worker()  # as the manager of a service starts it again
    stdout, stderr = run.communicate()
    assert run.returncode == 0
    assert "the scheduler went away" in stderr
    assert "the scheduler is back" in stderr
    assert "Traceback" not in stderr
    assert {row["status"] for row in rows(first + stdout).values()} == {"done"}
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in photos.iterdir())
    for path in photos.iterdir():
        assert (pixels_of(out / path.name) == negative_of(path)).all()


def test_a_worker_that_is_not_alike_ends_the_run(
    start_lgbpn: Lgbpn, start_scheduler: Lgbpn, start_worker: StartDask, photos: Path, address: str, tmp_path: Path
) -> None:  # fmt: skip
    start_scheduler()
    start_worker(**{fake_worker.OTHER_CHECKSUM: "1234"})
    run = start_lgbpn("denoise", photos, "-o", tmp_path / "out", "--scheduler", address)
    _, stderr = run.communicate()
    assert run.returncode == 2
    assert f"worker {address.rsplit(':', 1)[0]}" in stderr
    assert "model 'fake' is another one there" in stderr
    assert not list(tmp_path.glob("out/*"))
