"""The noise estimator's network: what shapes it answers in, and what its answer for a tile depends on."""

from __future__ import annotations

import pytest
import torch

from lgbpn_cli.noise.network import SPREADS, NoiseEstimator


@pytest.fixture
def network() -> NoiseEstimator:
    torch.manual_seed(0)
    return NoiseEstimator().requires_grad_(False)


def test_each_cell_has_a_level_and_an_error_for_each_channel(network: NoiseEstimator) -> None:
    level, error = network(torch.rand(5, 3, 64, 64))
    assert level.shape == error.shape == (5, 3, 2, 2)
    assert SPREADS[0] <= float(error.min()) <= float(error.max()) <= SPREADS[1]


def test_what_is_said_of_a_tile_depends_on_the_other_tiles_of_its_photo_alone(
    network: NoiseEstimator,
) -> None:
    tiles = torch.rand(6, 3, 64, 64)
    several = network(tiles, torch.tensor([0, 1, 0, 1, 1, 2]))
    for photo in ([0, 2], [1, 3, 4], [5]):
        for answer, alone in zip(several, network(tiles[photo]), strict=True):
            torch.testing.assert_close(answer[photo], alone, rtol=1e-4, atol=1e-5)
    without = network(tiles[[1, 4]])[0]
    assert float((several[0][[1, 4]] - without).abs().max()) > 1e-3


def test_the_order_of_the_tiles_does_not_matter(network: NoiseEstimator) -> None:
    tiles, order = torch.rand(4, 3, 64, 64), [2, 0, 3, 1]
    for answer, turned in zip(network(tiles), network(tiles[order]), strict=True):
        torch.testing.assert_close(answer[order], turned, rtol=1e-4, atol=1e-5)


def test_tiles_may_be_looked_at_a_few_at_a_time(network: NoiseEstimator) -> None:
    tiles = torch.rand(5, 3, 64, 64)
    parts = zip(network.look(tiles[:2]), network.look(tiles[2:]), strict=True)
    for answer, whole in zip(network.compare(*map(torch.cat, parts)), network(tiles), strict=True):
        torch.testing.assert_close(answer, whole, rtol=1e-4, atol=1e-5)


def test_each_answer_is_that_of_its_cell(network: NoiseEstimator) -> None:
    torch.nn.init.zeros_(network.answer.weight)
    torch.nn.init.zeros_(network.answer.bias)
    tiles = torch.full((2, 3, 64, 64), 0.5)
    tiles[1, 2, 32:, :32] += 0.1 * torch.randn(32, 32)
    level = network(tiles)[0]
    assert [int(place) for place in torch.unravel_index(level.argmax(), level.shape)] == [1, 2, 1, 0]


def test_untrained_it_follows_all_that_is_fine(network: NoiseEstimator) -> None:
    torch.nn.init.zeros_(network.answer.weight)
    torch.nn.init.zeros_(network.answer.bias)
    noise = torch.randn(1, 3, 64, 64)
    levels = [network((0.5 + level / 255 * noise).clamp(0, 1))[0].exp().mean() for level in (2.0, 8.0, 32.0)]
    # The mean over 5x5 px that is taken off has 1/25 of the variance of white noise.
    assert [float(level) for level in levels] == pytest.approx([2 * 0.98, 8 * 0.98, 32 * 0.98], rel=0.05)


def test_black_and_white_pictures_have_finite_answers(network: NoiseEstimator) -> None:
    for value in (0.0, 1.0):
        level, error = network(torch.full((1, 3, 64, 64), value))
        assert torch.isfinite(level).all()
        assert torch.isfinite(error).all()
