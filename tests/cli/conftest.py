"""The command with a fake network, in this process and in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import fake_network
import numpy as np
import pytest
from small_photos import PAIR_NAMES, PAIR_SIZE, Lgbpn, MakePhoto, negative_of, save_photo, save_pixels
from typer.testing import CliRunner

import lgbpn_cli
from lgbpn_cli.cli.main import app


@pytest.fixture
def fake_rooms(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The fake network's rooms in the place of the real ones; tests may change what is in them."""
    rooms: dict[str, ModuleType] = {}

    def put(name: str, room: ModuleType) -> None:
        rooms[name] = room
        monkeypatch.setitem(sys.modules, name, room)

    fake_network.install(put)
    return rooms


@pytest.fixture
def network_fails_at_5_px(fake_rooms: dict[str, ModuleType]) -> None:
    """A defect in the network, which photos of 5 x 5 pixels come upon."""
    room: Any = fake_rooms["lgbpn_cli.inference.run"]
    real = room.run_network

    def run_network(image: Any, *arguments: Any, **options: Any) -> Any:
        if image.shape[:2] == (5, 5):
            raise RuntimeError("the tensors disagree")
        return real(image, *arguments, **options)

    room.run_network = run_network


@pytest.fixture
def lgbpn(fake_rooms: dict[str, ModuleType]) -> Lgbpn:
    """Run `lgbpn` with these arguments in this process; the result has exit_code, stdout and stderr."""

    def run(*arguments: object) -> Any:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="lgbpn")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start_lgbpn() -> Iterator[Lgbpn]:
    """Start `lgbpn` with these arguments as a process of its own; what is left of it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, seconds_per_tile: float = 0.0, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(fake_network.__file__)), *map(str, arguments)]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = str(Path(lgbpn_cli.__file__).parent.parent)
        environment[fake_network.SECONDS_PER_TILE] = str(seconds_per_tile)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        # A test run in the background of a shell ignores signals, and its children would inherit that.
        process = subprocess.Popen(
            command, env=environment, text=True, preexec_fn=_heed_signals, start_new_session=True, **streams
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process, suppress(ProcessLookupError):  # leaving it closes its pipes
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def make_photo(tmp_path: Path) -> MakePhoto:
    """Make a small photo at this place below tmp_path; every name gets pixels of its own."""

    def make(name: str, size: tuple[int, int] = (12, 8)) -> Path:
        save_photo(tmp_path / name, size)
        return tmp_path / name

    return make


@pytest.fixture
def folders(make_photo: MakePhoto, tmp_path: Path) -> tuple[Path, Path]:
    """Noisy photos, and references a few levels away from their negatives: photo a is the nearest."""
    for step, name in enumerate(PAIR_NAMES, start=1):
        negative = negative_of(make_photo(f"noisy/{name}", PAIR_SIZE)).astype(int)
        save_pixels(tmp_path / "clean" / name, np.clip(negative + step, 0, 255))
    return tmp_path / "noisy", tmp_path / "clean"
