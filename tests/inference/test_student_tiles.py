"""A whole photo through a student: exact tiles, eight views, photos of any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lgbpn_cli.config import InferenceConfig, StudentConfig
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.inference.student import VIEWS, mean_of_views
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import Hardware, choose_device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.student import Student

SHAPE = StudentConfig(widths=(4, 6, 8))
EXACT = InferenceConfig(tile_px=64, halo_px=SHAPE.reach_px)


def random_student(seed: int = 0) -> Model:
    """A student that changes the picture: its last convolution starts at zero."""
    torch.manual_seed(seed)
    network = Student(SHAPE).eval()
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return Model("student", "0" * 64, "sidd", network, choose_device("cpu", Hardware()))


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def run(image: np.ndarray, model: Model, config: InferenceConfig) -> np.ndarray:
    result = run_network(image, model, config)
    assert result is not None
    return result


@pytest.mark.parametrize("quality", ["fast", "best"])
@pytest.mark.parametrize("size", [(64, 330), (201, 150), (97, 203)], ids=str)
def test_tiles_with_the_networks_reach_as_halo_equal_the_whole_photo(
    quality: str, size: tuple[int, int]
) -> None:
    image, model, config = photo(*size), random_student(), replace(EXACT, quality=quality)
    whole = run(image, model, replace(config, tile_px=512))
    assert np.abs(whole - image).mean() > 0.01  # the network does something
    np.testing.assert_allclose(run(image, model, config), whole, rtol=0, atol=2e-6)


def test_tiles_without_a_halo_differ_from_the_whole_photo() -> None:
    image, model = photo(128, 128), random_student()
    config = InferenceConfig(tile_px=64, halo_px=0)
    assert np.abs(run(image, model, config) - run(image, model, EXACT)).max() > 1e-3


@pytest.mark.parametrize("quality", ["fast", "best"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (17, 31), (7, 300)], ids=str)
def test_photos_of_any_size_keep_it(quality: str, size: tuple[int, int]) -> None:
    result = run(photo(*size), random_student(), replace(EXACT, quality=quality))
    assert result.shape == (*size, 3)
    assert np.isfinite(result).all()


def test_best_is_the_mean_of_all_turned_and_mirrored_pictures() -> None:
    image, model = photo(48, 80), random_student()
    results = []
    for mirrored in (False, True):
        for turns in range(4):
            seen = np.rot90(image[:, ::-1] if mirrored else image, turns)
            back = np.rot90(run(np.ascontiguousarray(seen), model, replace(EXACT, quality="fast")), -turns)
            results.append(back[:, ::-1] if mirrored else back)
    assert np.abs(results[0] - results[5]).max() > 1e-3  # the network is not symmetric itself
    np.testing.assert_allclose(
        run(image, model, replace(EXACT, quality="best")), np.mean(results, axis=0), rtol=0, atol=1e-6
    )


def test_views_that_share_a_call_give_what_they_give_alone() -> None:
    network: Student = random_student().network  # type: ignore[assignment]
    tile = torch.from_numpy(photo(48, 80)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        alone, together = (mean_of_views(network, tile, VIEWS, batch) for batch in (1, 4))
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


def test_a_photo_that_a_turn_leaves_as_it_is_is_its_own_best() -> None:
    image = np.full((48, 48, 3), 0.25, np.float32)
    network = random_student()
    best = run(image, network, replace(EXACT, quality="best"))
    for turned in (np.rot90(best), best[::-1]):
        np.testing.assert_allclose(turned, best, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("quality", "calls"), [("fast", 4), ("best", 32)])
def test_progress_counts_every_view_of_every_tile(quality: str, calls: int) -> None:
    heard: list[tuple[int, int]] = []
    config = replace(EXACT, quality=quality)
    run_network(
        photo(128, 96), random_student(), config, watch=Watch(lambda done, total: heard.append((done, total)))
    )
    assert heard == [(done, calls) for done in range(1, calls + 1)]
