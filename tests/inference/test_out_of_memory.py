"""Memory that runs out: smaller tiles from the same tile on, then the CPU."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from reference.devices import CpuAsGpu
from torch import Tensor

from lgbpn_cli.batch.outcome import Job, RunFacts
from lgbpn_cli.batch.pipeline import Steps, run_jobs
from lgbpn_cli.cli.progress import Reporter
from lgbpn_cli.config import InferenceConfig, StudentConfig
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.working import photo_of_array
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.student import Student

CONFIG = InferenceConfig(quality="fast", tile_px=256, halo_px=16, precision="float32")


@dataclass(frozen=True)
class SmallGpu(CpuAsGpu):
    """The CPU under another name, which refuses tiles of more pixels than it has room for."""

    room_px: int = 0
    seen: list[tuple[int, ...]] = field(default_factory=list)
    refused: list[tuple[int, ...]] = field(default_factory=list)

    def upload(self, pixels: np.ndarray) -> Tensor:
        if pixels.shape[0] * pixels.shape[1] > self.room_px:
            self.refused.append(pixels.shape[:2])
            raise torch.OutOfMemoryError("out of memory")
        self.seen.append(pixels.shape[:2])
        return super().upload(pixels)


def small_gpu(room_px: int, *, automatic: bool = False) -> SmallGpu:
    return SmallGpu("cuda:0", "Small GPU (cuda:0)", False, automatic=automatic, room_px=room_px)


def model_on(device: Device) -> Model:
    torch.manual_seed(0)
    network = Student(StudentConfig(widths=(4, 4))).eval()
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return Model("student", "0" * 64, "sidd", network, device)


IMAGE = np.random.default_rng(0).random((256, 512, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    result = run_network(IMAGE, model_on(Device("cpu", "CPU", False)), replace(CONFIG, halo_px=64))
    assert result is not None
    return result


def test_a_tile_that_does_not_fit_is_halved_until_it_does(expected: np.ndarray) -> None:
    gpu = small_gpu(60_000)
    notes: list[str] = []
    result = run_network(IMAGE, model_on(gpu), replace(CONFIG, halo_px=64), watch=Watch(note=notes.append))
    assert gpu.refused == [(256, 320)]
    assert set(gpu.seen) == {(192, 192), (192, 256)}
    assert result is not None
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
    assert notes == []


def test_the_tiles_that_are_done_are_not_done_again() -> None:
    @dataclass(frozen=True)
    class GetsFull(SmallGpu):
        def upload(self, pixels: np.ndarray) -> Tensor:
            if len(self.seen) == 3 and not self.refused:
                self.refused.append(pixels.shape[:2])
                raise torch.OutOfMemoryError("out of memory")
            return super().upload(pixels)

    gpu = GetsFull("cuda:0", "Small GPU (cuda:0)", False, room_px=10**9)
    run_network(IMAGE, model_on(gpu), replace(CONFIG, tile_px=128, halo_px=0))
    # Eight tiles of 128 px: three done, the other five in quarters.
    assert gpu.seen == [(128, 128)] * 3 + [(64, 64)] * 20


def test_where_nothing_fits_and_the_device_was_chosen_automatically_the_cpu_goes_on(
    expected: np.ndarray,
) -> None:
    model, notes = model_on(small_gpu(10, automatic=True)), list[str]()
    result = run_network(IMAGE, model, replace(CONFIG, halo_px=64), watch=Watch(note=notes.append))
    assert result is not None
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
    assert notes == ["Small GPU (cuda:0) has too little free memory: going on with the CPU"]
    # The model stays there, so the next photo neither tries again nor says so again.
    assert model.device.name == "cpu"
    run_network(IMAGE, model, CONFIG, watch=Watch(note=notes.append))
    assert len(notes) == 1


def test_json_names_the_device_that_went_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_on(small_gpu(10, automatic=True))
    denoiser = Denoiser(model, replace(CONFIG, halo_px=64, strength=1.0))
    reporter = Reporter(quiet=True, verbose=False, json_lines=True)
    reporter.prepared(RunFacts.of(denoiser), 2)
    photo = photo_of_array(IMAGE)
    steps = Steps(
        read=lambda path: photo,
        run=lambda noisy, on_tile: denoiser.denoise(noisy),
        write=lambda denoised, target: None,
    )
    run_jobs([Job(Path("a"), Path("b")), Job(Path("c"), Path("d"))], steps, reporter)
    assert reporter.close(interrupted=False) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["status"], line["device"]) for line in lines] == [("done", "cpu")] * 2


def test_where_nothing_fits_on_a_device_asked_for_by_name_the_error_goes_through() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        run_network(IMAGE, model_on(small_gpu(10)), CONFIG)


def test_another_error_is_not_mistaken_for_a_lack_of_memory() -> None:
    class Broken(Student):
        def forward(self, image: Tensor) -> Tensor:
            raise RuntimeError("the tensors disagree")

    model = model_on(small_gpu(10**9, automatic=True))
    model.network = Broken(StudentConfig(widths=(4, 4)))
    with pytest.raises(RuntimeError, match="disagree"):
        run_network(IMAGE, model, CONFIG)


def test_the_count_of_tiles_ends_at_its_total_all_the_same() -> None:
    heard: list[tuple[int, int]] = []
    config = replace(CONFIG, halo_px=64)
    gpu = small_gpu(60_000)
    run_network(IMAGE, model_on(gpu), config, watch=Watch(lambda done, total: heard.append((done, total))))
    assert heard[-1] == (8, 8)
    assert [done for done, _ in heard] == list(range(1, 9))
