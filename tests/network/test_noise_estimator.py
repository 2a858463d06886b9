"""The noise estimator's network: what shapes it answers in, and what its answer for a tile depends on."""

from __future__ import annotations

import pytest
import torch

from lgbpn_cli.network.noise_estimator import SPREADS, NoiseEstimator


@pytest.fixture
def network() -> NoiseEstimator:
    torch.manual_seed(0)
    return NoiseEstimator().requires_grad_(False)


def test_each_cell_has_a_level_and_an_error_for_each_channel(network: NoiseEstimator) -> None:
    level, error = network(torch.rand(5, 3, 64, 64))
    assert level.shape == error.shape == (5, 3, 2, 2)
    assert SPREADS[0] <= float(error.min()) <= float(error.max()) <= SPREADS[1]


def test_a_tile_is_answered_for_by_itself(network: NoiseEstimator) -> None:
    tiles = torch.rand(4, 3, 64, 64)
    together, alone = network(tiles), network(tiles[2:3])
    for several, one in zip(together, alone, strict=True):
        torch.testing.assert_close(several[2:3], one, rtol=1e-4, atol=1e-5)


def test_untrained_it_follows_all_that_is_fine(network: NoiseEstimator) -> None:
    torch.nn.init.zeros_(network.head[-1].weight)
    torch.nn.init.zeros_(network.head[-1].bias)
    noise = torch.randn(1, 3, 64, 64)
    levels = [network((0.5 + level / 255 * noise).clamp(0, 1))[0].exp().mean() for level in (2.0, 8.0, 32.0)]
    # The mean over 5x5 px that is taken off has 1/25 of the variance of white noise.
    assert [float(level) for level in levels] == pytest.approx([2 * 0.98, 8 * 0.98, 32 * 0.98], rel=0.05)


def test_black_and_white_pictures_have_finite_answers(network: NoiseEstimator) -> None:
    for value in (0.0, 1.0):
        level, error = network(torch.full((1, 3, 64, 64), value))
        assert torch.isfinite(level).all()
        assert torch.isfinite(error).all()
