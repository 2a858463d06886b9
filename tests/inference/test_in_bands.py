"""A photo that goes through the student in bands: nothing of it shows, and where it cannot, tiles do it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from lgbpn_cli.config import InferenceConfig, StudentConfig
from lgbpn_cli.inference.plan import BAND_PX, Plan
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.network import fused
from lgbpn_cli.network.student import Student, StudentInBands

SHAPE = StudentConfig(widths=(4, 6, 8), blocks=2)
CPU = choose_device("cpu", Hardware())
WHOLE_PX = 4096


def random_student(shape: StudentConfig = SHAPE, device: Device = CPU) -> Model:
    torch.manual_seed(0)
    network = Student(shape).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return Model("student", "0" * 64, "sidd", network, device)


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32)


def run(
    image: np.ndarray, model: Model, config: InferenceConfig
) -> tuple[np.ndarray, Plan, list[tuple[int, int]]]:
    plans: list[Plan] = []
    heard: list[tuple[int, int]] = []
    watch = Watch(lambda done, total: heard.append((done, total)), plans.append)
    result = run_network(image, model, config, watch=watch)
    assert result is not None
    return result, plans[0], heard


@pytest.mark.parametrize("size", [(1025, 64), (1300, 17), (8 * BAND_PX + 8, 33), (10, 1500)], ids=str)
def test_a_photo_in_bands_is_that_in_one_piece(size: tuple[int, int]) -> None:
    image, model, config = photo(*size), random_student(), InferenceConfig(precision="float32")
    whole, plan, _ = run(image, model, replace(config, tile_px=WHOLE_PX))
    assert plan.band_px is None
    banded, plan, heard = run(image, model, config)
    assert plan.band_px == BAND_PX
    assert np.abs(whole - image).mean() > 0.01  # the network does something
    np.testing.assert_allclose(banded, whole, rtol=0, atol=3e-6)
    assert heard == [(done, len(heard)) for done in range(1, len(heard) + 1)]


@pytest.mark.parametrize("is_fused", [True, False])
@pytest.mark.parametrize("blocks", [1, 3, (2, 1, 3)], ids=str)
@pytest.mark.parametrize("heights", [[8] * 30, [16, 8, 64, 32, 8, 112], [232, 8]], ids=str)
def test_bands_of_any_heights_make_the_same(
    heights: list[int], blocks: int | tuple[int, ...], is_fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_fused:
        monkeypatch.setattr(fused, "_is_right", lambda dtype: False)
    network = random_student(replace(SHAPE, blocks=blocks)).network
    image = torch.from_numpy(photo(sum(heights), 24)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        whole = network(image)
        banded = StudentInBands(network, torch.float32)  # type: ignore[arg-type]
        bands = torch.split(image, heights, dim=2)
        pieces = [banded.push(band, last=band is bands[-1]) for band in bands]
    found = torch.cat([piece for piece in pieces if piece is not None], dim=2)
    torch.testing.assert_close(found, whole, rtol=0, atol=3e-6)


def test_bands_of_the_student_that_ships_are_as_near_to_float32_as_one_piece_in_bfloat16() -> None:
    model = load_model("lgbpn-base", part="student", device=CPU)
    scene = np.kron(np.random.default_rng(1).random((70, 3, 3), np.float32), np.ones((16, 16, 1), np.float32))
    noisy = (0.2 + 0.6 * scene + np.random.default_rng(2).normal(0, 0.04, scene.shape)).astype(np.float32)
    exact, *_ = run(noisy, model, InferenceConfig(precision="float32", tile_px=WHOLE_PX))

    def distance(config: InferenceConfig) -> float:
        return float(np.sqrt(np.square(run(noisy, model, config)[0] - exact).mean()))

    banded, whole = (
        distance(config)
        for config in (
            InferenceConfig(precision="bfloat16"),
            InferenceConfig(precision="bfloat16", tile_px=WHOLE_PX),
        )
    )
    assert 0 < banded < 1.3 * whole


def test_where_memory_runs_out_tiles_go_on() -> None:
    @dataclass(frozen=True)
    class GetsFull(Device):
        seen: list[tuple[int, ...]] = field(default_factory=list)

        def upload(self, pixels: np.ndarray) -> torch.Tensor:
            self.seen.append(pixels.shape[:2])
            if len(self.seen) == 3:
                raise MemoryError
            return super().upload(pixels)

    full = GetsFull("cpu", "CPU", False)
    image = photo(1100, 48)
    expected, *_ = run(image, random_student(), InferenceConfig(precision="float32", tile_px=WHOLE_PX))
    found, plan, _ = run(image, random_student(device=full), InferenceConfig(precision="float32"))
    assert plan.band_px == BAND_PX
    assert [width for _, width in full.seen[:3]] == [48] * 3
    assert full.seen[3][0] > BAND_PX
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6)


def test_another_error_is_not_mistaken_for_a_lack_of_memory() -> None:
    class Broken(Device):
        def upload(self, pixels: np.ndarray) -> torch.Tensor:
            raise RuntimeError("the tensors disagree")

    with pytest.raises(RuntimeError, match="disagree"):
        run(photo(1100, 48), random_student(device=Broken("cpu", "CPU", False)), InferenceConfig())
