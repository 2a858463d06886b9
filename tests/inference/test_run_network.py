"""A whole photo through a network: tiles, frozen attention, refinement and blending."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from reference.networks import TINY, random_network
from torch import Tensor

from lgbpn_cli.config import PRESETS, InferenceConfig, PassConfig
from lgbpn_cli.inference.attention import calibration_windows
from lgbpn_cli.inference.refine import replacement_mask
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.lgbpn import LGBPN

CPU = choose_device("cpu", Hardware())
SMALL = replace(TINY, global_blocks=1, value_range=1.0)
QUICK = InferenceConfig(quality="teacher-r3", refine_passes=2, tile_px=64, halo_px=12)
"""Refinement in few passes over small tiles."""


class PassesThrough(LGBPN):
    """A network that gives back what it gets, and notes it."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)  # it has no layers
        self.config = SMALL
        self.regions: list[Tensor] = []
        self.tiles: list[tuple[int, ...]] = []

    def freeze(self, regions: Tensor, sampling: PassConfig) -> str:
        self.regions.append(regions.clone())
        return "frozen"

    def forward(self, image: Tensor, sampling: PassConfig, *, frozen: str = "live") -> Tensor:
        self.tiles.append(tuple(image.shape))
        return image


def model_of(network: torch.nn.Module, device: Device = CPU) -> Model:
    return Model("tiny", "0" * 64, "sidd", network, device)  # type: ignore[arg-type]


def denoised(image: np.ndarray, model: Model, config: InferenceConfig) -> np.ndarray:
    """What the network makes of the image, in memory."""
    result = run_network(image, model, config)
    assert result is not None
    return result


@pytest.fixture(scope="module")
def tiny() -> Model:
    return model_of(random_network(SMALL, dtype=torch.float32))


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def test_a_network_that_changes_nothing_survives_tiling_bit_for_bit() -> None:
    image = photo(150, 201)
    config = InferenceConfig(tile_px=64, halo_px=20)
    assert np.array_equal(run_network(image, model_of(PassesThrough()), config), image)


def test_a_network_that_changes_nothing_survives_refinement_but_for_the_rounding_of_the_first_pass() -> None:
    image = photo(90, 101)
    result = run_network(image, model_of(PassesThrough()), QUICK)
    assert 0 < np.abs(result - image).max() <= 2**-12 + 1e-6  # half of the last place of float16 below 1


WIDE = InferenceConfig(refine_passes=1, tile_px=96, halo_px=48)
"""Kernel (8 px) and three dilated steps (3 px, sub-images of PD 4) reach 44 px."""


def largest_difference(image: np.ndarray, model: Model, config: InferenceConfig) -> np.ndarray:
    """Return how far the tiled photo is from the one in a single tile, (h, w), relative to its spread."""
    whole = run_network(image, model, replace(config, tile_px=512))
    assert whole is not None
    return np.abs(run_network(image, model, config) - whole).max(axis=2) / whole.std()


@pytest.mark.parametrize("size", [(48, 396), (396, 48)], ids=str)
@pytest.mark.parametrize("quality", ["teacher", "teacher-r3"])
def test_tiles_with_a_wide_halo_equal_the_whole_photo(
    tiny: Model, quality: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if quality == "teacher-r3":
        # Tiles and the whole photo convolve alike, or more values would lie between two of float16.
        monkeypatch.setattr("lgbpn_cli.network.wide.FEWEST_PIXELS", 10**9)
    # Every PD factor divides both sides and the tile.
    difference = largest_difference(photo(*size), tiny, replace(WIDE, quality=quality))
    assert np.quantile(difference, 0.99) < 1e-4
    # R3 keeps its first pass as float16: a value between two of them may fall to either side.
    assert difference.max() < (1e-4 if quality == "teacher" else 2**-11)


def test_where_pd_does_not_divide_tiles_equal_the_whole_photo_too(tiny: Model) -> None:
    assert largest_difference(photo(97, 371), tiny, WIDE).max() < 1e-4


def test_tiles_without_a_halo_do_not_equal_the_whole_photo(tiny: Model) -> None:
    config = InferenceConfig(tile_px=96, halo_px=0)
    assert largest_difference(photo(192, 192), tiny, config).max() > 1e-2


@pytest.mark.parametrize("tile_px", [64, 512])
def test_attention_is_frozen_from_the_photos_regions_whatever_the_tiles(tile_px: int) -> None:
    image, network = photo(600, 696), PassesThrough()
    run_network(image, model_of(network), InferenceConfig(tile_px=tile_px, halo_px=8))
    expected = np.stack([image[window] for window in calibration_windows(600, 696)])
    (regions,) = network.regions
    assert np.array_equal(regions.permute(0, 2, 3, 1).numpy(), expected)


def test_live_attention_is_that_of_each_tile(tiny: Model) -> None:
    image, live = photo(72, 96), InferenceConfig(attention="live", tile_px=512)
    noisy = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = tiny.network(noisy, PRESETS["sidd"].first)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(run_network(image, tiny, live), expected, atol=1e-6)
    assert largest_difference(photo(240, 480), tiny, replace(WIDE, attention="live")).max() > 1e-2


@pytest.mark.parametrize("quality", ["teacher", "teacher-r3"])
def test_live_attention_computes_no_maps_beforehand(quality: str) -> None:
    network = PassesThrough()
    run_network(photo(500, 500), model_of(network), InferenceConfig(quality=quality, attention="live"))
    assert network.regions == []
    assert len(network.tiles) == (1 if quality == "teacher" else 9)


def test_the_refinement_pass_gets_a_border_of_two_pixels() -> None:
    network = PassesThrough()
    run_network(photo(36, 48), model_of(network), replace(QUICK, refine_passes=1))
    assert network.tiles == [(1, 3, 36, 48), (1, 3, 40, 52)]


def test_teacher_r3_is_the_mean_of_passes_over_randomly_replaced_copies(tiny: Model) -> None:
    image = photo(48, 60)
    config = InferenceConfig(quality="teacher-r3", refine_passes=3, seed=4)
    noisy = torch.from_numpy(image).permute(2, 0, 1)[None]
    network: Any = tiny.network
    with torch.no_grad():
        first = network(noisy, PRESETS["sidd"].first).half().float()
        frozen, results = None, []
        for copy in range(3):
            replaced = replacement_mask(
                (slice(0, 48), slice(0, 60)), seed=4, copy=copy, probability=0.16, device=torch.device("cpu")
            )
            mixed = torch.nn.functional.pad(torch.where(replaced, noisy, first), (2, 2, 2, 2), mode="reflect")
            frozen = frozen or network.freeze(mixed, PRESETS["sidd"].refine)
            results.append(network(mixed, PRESETS["sidd"].refine, frozen=frozen)[0, :, 2:-2, 2:-2])
    expected = torch.stack(results).mean(0).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(run_network(image, tiny, config), expected, rtol=0, atol=1e-5 * expected.std())


@pytest.mark.parametrize("quality", ["teacher", "teacher-r3"])
def test_the_same_photo_gives_the_same_result(tiny: Model, quality: str) -> None:
    image, config = photo(90, 101), replace(QUICK, quality=quality)
    assert np.array_equal(run_network(image, tiny, config), run_network(image, tiny, config))


def test_another_seed_gives_another_result_with_refinement(tiny: Model) -> None:
    image = photo(60, 61)
    one, other = denoised(image, tiny, QUICK), denoised(image, tiny, replace(QUICK, seed=1))
    assert 0 < np.abs(one - other).max() < 5 * one.std()


def test_the_seed_does_not_matter_for_a_single_pass(tiny: Model) -> None:
    image, config = photo(60, 61), replace(QUICK, quality="teacher")
    assert np.array_equal(run_network(image, tiny, config), run_network(image, tiny, replace(config, seed=1)))


def test_the_models_preset_is_used_unless_another_is_named(tiny: Model) -> None:
    image = photo(60, 61)
    own = run_network(image, tiny, InferenceConfig())
    assert np.array_equal(run_network(image, tiny, InferenceConfig(preset="sidd")), own)
    assert not np.array_equal(run_network(image, tiny, InferenceConfig(preset="dnd")), own)


@pytest.mark.parametrize("quality", ["teacher", "teacher-r3"])
def test_the_photo_is_left_as_it_is(tiny: Model, quality: str) -> None:
    image = photo(60, 61)
    before = image.copy()
    run_network(image, tiny, replace(QUICK, quality=quality))
    assert np.array_equal(image, before)


@pytest.mark.parametrize(("quality", "calls"), [("teacher", 4), ("teacher-r3", 4 * 3)])
def test_progress_counts_every_network_call_up_to_the_total(tiny: Model, quality: str, calls: int) -> None:
    heard: list[tuple[int, int]] = []
    config = replace(QUICK, quality=quality)
    run_network(photo(84, 96), tiny, config, watch=Watch(lambda done, total: heard.append((done, total))))
    assert heard == [(done, calls) for done in range(1, calls + 1)]


@pytest.mark.parametrize("quality", ["teacher", "teacher-r3"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (2, 2), (3, 3), (50, 2), (7, 300)], ids=str)
def test_small_photos_keep_their_size(tiny: Model, quality: str, size: tuple[int, int]) -> None:
    result = run_network(photo(*size), tiny, replace(QUICK, quality=quality))
    assert result.shape == (*size, 3)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


def test_a_device_with_fast_bfloat16_gives_nearly_the_same() -> None:
    network, image = random_network(SMALL, dtype=torch.float32), photo(60, 61)
    exact = denoised(image, model_of(network), InferenceConfig())
    fast = choose_device("cpu", Hardware(cpu_bfloat16=True))
    rounded = denoised(image, model_of(network, fast), InferenceConfig())
    assert 0 < np.abs(rounded - exact).max() < 0.2 * exact.std()


def test_what_is_put_into_a_canvas_is_what_is_returned_without_one(tiny: Model) -> None:
    image, canvas = photo(90, 101), np.zeros((90, 101, 3), np.float32)
    assert run_network(image, tiny, QUICK, into=canvas) is None
    assert np.array_equal(canvas, run_network(image, tiny, QUICK))
