"""The estimator that ships, asked for tiles of a photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lgbpn_cli.noise.estimator import BATCH, CellLevels, cell_levels
from lgbpn_cli.noise.network import NoiseEstimator


def noisy_tiles(count: int, sigma_8bit: float) -> np.ndarray:
    random = np.random.default_rng(int(sigma_8bit))
    brightness = random.uniform(0.3, 0.7, (count, 1, 1, 3))
    noisy = brightness + random.normal(0, sigma_8bit / 255, (count, 64, 64, 3))
    return (np.rint(255 * noisy) / 255).clip(0, 1).astype(np.float32)


@pytest.mark.parametrize("sigma", [2.0, 6.0, 20.0])
def test_white_noise_on_even_tiles_is_told(sigma: float) -> None:
    levels, errors = cell_levels()(noisy_tiles(12, sigma))
    assert levels.shape == errors.shape == (12, 4, 3)
    assert float(np.median(levels)) == pytest.approx(sigma, rel=0.3)
    assert float(np.median(errors)) < 0.4


def test_even_tiles_without_noise_have_hardly_any() -> None:
    levels, _ = cell_levels()(np.full((3, 64, 64, 3), 0.5, np.float32))
    assert levels.max() < 1.0


def test_each_cell_of_a_tile_has_its_place() -> None:
    tile = np.full((1, 64, 64, 3), 0.5, np.float32)
    tile[:, 32:, :32] = noisy_tiles(1, 20.0)[:, 32:, :32]
    levels, _ = cell_levels()(tile)
    assert int(levels.mean(axis=2).argmax()) == 2  # row by row: below, left


def test_more_tiles_than_one_batch_are_answered_in_order_and_compared() -> None:
    torch.manual_seed(0)
    network = NoiseEstimator().eval()
    tiles = noisy_tiles(BATCH + 3, 9.0)
    with torch.inference_mode():
        at_once = network(torch.from_numpy(tiles).permute(0, 3, 1, 2))
    for values, expected in zip(CellLevels(network, "")(tiles), at_once, strict=True):
        for cell in range(4):
            there = expected[:, :, cell // 2, cell % 2].exp()
            np.testing.assert_allclose(values[:, cell], there, rtol=1e-3)


def test_it_is_read_once() -> None:
    assert cell_levels() is cell_levels()
    assert len(cell_levels().sha256) == 64
