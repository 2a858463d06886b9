"""The raw network: the transform and its way back, any size, and what it knows of noise, balance and clipping."""

from __future__ import annotations

import pytest
import torch

from lgbpn_cli.config import RawConfig
from lgbpn_cli.network.raw import RawNetwork, light_following_green, stabilise, unstabilise

TINY_RAW = RawConfig(widths=(4, 6, 8))
NOISE = torch.tensor([[[2.3e-3, 1.3e-5], [2.1e-3, 1.3e-5], [2.2e-3, 1.3e-5]]])
GAINS = torch.tensor([[2.0, 1.0, 1.6]])


def random_raw_network(config: RawConfig = TINY_RAW) -> RawNetwork:
    """A network that does something: its last convolution starts at zero."""
    torch.manual_seed(0)
    network = RawNetwork(config).eval()
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return network


@pytest.mark.parametrize(("a", "b"), [(4e-5, 1e-8), (2e-3, 1.3e-5), (2.5e-2, 5e-4), (0.0, 1e-5), (1e-4, 0.0)])
def test_the_way_back_gives_the_light_again_below_black_too(a: float, b: float) -> None:
    light = torch.linspace(-0.2, 1.5, 3 * 400).reshape(1, 3, 20, 20)
    noise = torch.tensor([a, b]).expand(1, 3, 2)
    back = unstabilise(stabilise(light, noise, GAINS), noise, GAINS)
    torch.testing.assert_close(back, light, rtol=1e-4, atol=2e-5)


def test_noise_of_red_and_blue_goes_where_green_has_none_and_edges_stay() -> None:
    torch.manual_seed(0)
    deviation = 2.1e-3**0.5 / 2
    green = torch.full((1, 1, 40, 60), 0.3)
    green[..., 30:] = 0.7
    clean = torch.cat([0.8 * green + 0.1, green, 0.9 - green], dim=1)
    noisy = clean + deviation * torch.tensor([0.3, 0.0, 0.3])[:, None, None] * torch.randn(clean.shape)
    found = stabilise(light_following_green(noisy, NOISE, GAINS), NOISE, GAINS)
    torch.testing.assert_close(found[:, 1], clean[:, 1])
    before, after = ((each - clean)[:, ::2].square().mean().sqrt().item() for each in (noisy, found))
    assert after < 0.4 * before
    at_edge = (found - clean)[:, ::2, :, 28:32].abs().max().item()
    assert at_edge < deviation


def test_what_has_no_noise_and_follows_green_stays() -> None:
    green = torch.rand(1, 1, 20, 20)
    values = torch.cat([0.5 * green + 0.2, green, 0.9 - 0.3 * green], dim=1)
    noise = torch.zeros(1, 3, 2)
    found = light_following_green(values, noise, GAINS)
    torch.testing.assert_close(found, unstabilise(values, noise, GAINS), rtol=0, atol=1e-4)


@pytest.mark.parametrize("window", [(slice(0, 50), slice(0, 5)), (slice(7, 60), slice(3, 41))], ids=str)
def test_a_window_follows_green_as_it_does_in_the_whole(window: tuple[slice, slice]) -> None:
    values = torch.rand(2, 3, 60, 41, generator=torch.Generator().manual_seed(0))
    noise, gains = NOISE.expand(2, -1, -1), GAINS.expand(2, -1)
    whole, part = (light_following_green(values, noise, gains, *each) for each in ((), (window,)))
    torch.testing.assert_close(part[..., *window], whole[..., *window])


@pytest.mark.parametrize("light", [0.005, 0.05, 0.3, 0.9])
def test_noise_is_as_strong_in_the_dark_as_in_the_light(light: float) -> None:
    a, b = 2.1e-3, 1.3e-5
    torch.manual_seed(1)
    measured = torch.poisson(torch.full((1, 1, 300, 300), light / a)) * a + b**0.5 * torch.randn(
        1, 1, 300, 300
    )
    values = stabilise(measured, torch.tensor([[[a, b]]]), torch.ones(1, 1))
    assert values.std().item() == pytest.approx(a**0.5 / 2, rel=0.06)


def test_an_untrained_network_repeats_each_site_for_its_square() -> None:
    planes = torch.rand(1, 4, 3, 5)
    red, green, blue = RawNetwork(TINY_RAW)(planes, NOISE, GAINS)[0]
    torch.testing.assert_close(red, planes[0, 0].repeat_interleave(2, 0).repeat_interleave(2, 1))
    torch.testing.assert_close(blue, planes[0, 3].repeat_interleave(2, 0).repeat_interleave(2, 1))
    torch.testing.assert_close(green[::2, 1::2], planes[0, 1])
    torch.testing.assert_close(green[1::2, ::2], planes[0, 2])


@pytest.mark.parametrize("size", [(1, 1), (1, 25), (3, 2), (17, 31)], ids=str)
def test_every_size_comes_out_twice_as_large(size: tuple[int, int]) -> None:
    result = random_raw_network()(torch.rand(2, 4, *size), NOISE.expand(2, -1, -1), GAINS.expand(2, -1))
    assert result.shape == (2, 3, 2 * size[0], 2 * size[1])
    assert result.dtype == torch.float32
    assert bool(torch.isfinite(result).all())


def test_a_tile_on_the_grid_with_its_reach_gives_what_the_whole_gives() -> None:
    network, reach = random_raw_network(), TINY_RAW.reach_px // 2
    planes = torch.rand(1, 4, 8 + 2 * reach, 28 + 2 * reach)
    with torch.no_grad():
        tile = network(planes[..., : 8 + 2 * reach], NOISE, GAINS)
        whole = network(planes, NOISE, GAINS)
    inner = slice(2 * reach, 2 * reach + 16)
    torch.testing.assert_close(tile[..., inner, inner], whole[..., inner, inner], rtol=0, atol=1e-6)


@pytest.mark.parametrize("changed", ["noise", "gains", "clipping"])
def test_the_network_is_told_noise_balance_and_what_is_clipped(changed: str) -> None:
    network, planes = random_raw_network(), torch.full((1, 4, 16, 16), 0.5)
    before = network(planes, NOISE, GAINS)
    noise = NOISE * 4 if changed == "noise" else NOISE
    gains = GAINS * torch.tensor([1.3, 1, 1]) if changed == "gains" else GAINS
    if changed == "clipping":
        bright = planes.clone()
        bright[:, 1:3] = 1.0  # only green: red learns of it through the convolutions
        assert not torch.allclose(network(bright, NOISE, GAINS)[:, 0], before[:, 0], atol=1e-4)
        return
    assert not torch.allclose(network(planes, noise, gains), before, atol=1e-4)
