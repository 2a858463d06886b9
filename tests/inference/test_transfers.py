"""Tiles on their way to a device and back, with CUDA that is only described."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lgbpn_cli.config import InferenceConfig, Precision, StudentConfig
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.machine import device
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.student import Student


@dataclass(frozen=True)
class Recording(Device):
    """The CPU, which notes when tiles come and when results are waited for."""

    events: list[str] = field(default_factory=list)

    def upload(self, pixels: np.ndarray) -> Tensor:
        self.events.append("upload")
        return super().upload(pixels)

    def download(self, estimate: Tensor) -> Callable[[], np.ndarray]:
        fetch = super().download(estimate)

        def wait() -> np.ndarray:
            self.events.append("wait")
            return fetch()

        return wait


def test_the_next_tile_is_under_way_before_a_result_is_waited_for() -> None:
    device = Recording("cpu", "CPU", fast_bfloat16=False)
    model = Model("student", "0" * 64, "sidd", Student(StudentConfig(widths=(4, 4))).eval(), device)
    run_network(np.zeros((64, 256, 3), np.float32), model, InferenceConfig(tile_px=64, halo_px=0))
    assert device.events == ["upload", "upload", "wait", "upload", "wait", "upload", "wait", "wait"]


def test_the_cpu_takes_and_gives_pixels_as_they_are() -> None:
    device, pixels = Device("cpu", "CPU", False), np.random.default_rng(0).random((5, 7, 3), np.float32)
    tensor = device.upload(pixels)
    assert tensor.shape == (1, 3, 5, 7)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(device.download(tensor)(), pixels)


def test_pixels_that_may_not_be_written_to_are_taken_too() -> None:
    pixels = np.zeros((5, 7, 3), np.float32)
    pixels.flags.writeable = False
    assert Device("cpu", "CPU", False).upload(pixels).shape == (1, 3, 5, 7)


class FakeCuda:
    """Stands for torch.cuda; everything stays on the CPU and is noted in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self._in_stream = "computing"
        empty = torch.empty
        monkeypatch.setattr(Device, "torch_device", property(lambda _: torch.device("cpu")))
        self.streams: list[torch.device] = []
        monkeypatch.setattr(torch.cuda, "Stream", self._new_stream)
        monkeypatch.setattr(device, "_copying_stream", cache(device._copying_stream.__wrapped__))
        monkeypatch.setattr(torch.cuda, "stream", self._stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda _: self)
        monkeypatch.setattr(torch.cuda, "Event", lambda: self)
        monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: self._note("pin", tensor))
        monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: self._note("record", tensor))
        monkeypatch.setattr(torch, "empty", lambda *args, pin_memory, **options: empty(*args, **options))

    def _note(self, event: str, value: Any = None) -> Any:
        self.events.append(f"{event} in {self._in_stream}")
        return value

    def _new_stream(self, of_device: torch.device) -> str:
        self.streams.append(of_device)
        return "copying"

    @contextmanager
    def _stream(self, name: str) -> Iterator[None]:
        self._in_stream, before = name, self._in_stream
        yield
        self._in_stream = before

    def wait_stream(self, name: str) -> None:
        self._note(f"wait for {name}")

    def record(self, _: object) -> None:
        self._note("event")

    def synchronize(self) -> None:
        self._note("synchronize")


def test_cuda_copies_from_pinned_memory_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, pixels = FakeCuda(monkeypatch), np.ones((5, 7, 3), np.float32)
    tensor = Device("cuda:0", "GPU", True).upload(pixels)
    assert cuda.events == ["pin in copying", "wait for copying in computing", "record in computing"]
    assert tensor.shape == (1, 3, 5, 7)
    for name in ("cuda:0", "cuda:1"):
        Device(name, "GPU", True).upload(pixels)
    assert cuda.streams == [torch.device("cuda:0"), torch.device("cuda:1")]


@pytest.mark.parametrize(("precision", "rounds"), [("float32", False), ("bfloat16", True)])
def test_float32_on_cuda_is_float32_in_convolutions_too(
    monkeypatch: pytest.MonkeyPatch, precision: Precision, rounds: bool
) -> None:
    FakeCuda(monkeypatch)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", not rounds)
    with Device("cuda:0", "GPU", True).autocast(precision):
        assert torch.backends.cudnn.allow_tf32 is rounds


def test_cuda_fetches_a_result_without_waiting_until_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch)
    fetch = Device("cuda:0", "GPU", True).download(torch.ones(1, 3, 5, 7))
    assert cuda.events == ["event in computing"]
    assert np.array_equal(fetch(), np.ones((5, 7, 3), np.float32))
    assert cuda.events[1:] == ["synchronize in computing"]
