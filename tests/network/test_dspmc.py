"""The patch-masked convolution against its slow twin."""

from __future__ import annotations

import pytest
import torch
from reference.networks import random_image
from reference.slow_lgbpn import Masked, kept_taps, masked_convolution

from lgbpn_cli.config import PRESETS
from lgbpn_cli.network.dspmc import PatchMaskedConv2d

LOCAL_RATIOS = sorted({sampling.local_shift for p in PRESETS.values() for sampling in (p.first, p.refine)})
GLOBAL_RATIOS = sorted({sampling.global_shift for p in PRESETS.values() for sampling in (p.first, p.refine)})
SIZES = [(12, 14), (13, 17), (20, 11)]


def layer(kernel_px: int, spacing_px: int, hole_radius_px: int = 4) -> PatchMaskedConv2d:
    torch.manual_seed(3)
    return PatchMaskedConv2d(
        3, 2, kernel_px=kernel_px, spacing_px=spacing_px, hole_radius_px=hole_radius_px
    ).double()


def twin_of(convolution: PatchMaskedConv2d, hole_radius_px: int = 4) -> Masked:
    spacing, side = convolution.spacing_px, 2 * convolution.reach_px + 1
    kernel = torch.ones(2, 3, side, side, dtype=torch.float64)
    kernel[..., ::spacing, ::spacing] = convolution.weight.detach()
    return Masked(kernel, kept_taps(side, hole_radius_px, step=spacing), convolution.bias.detach())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ratio", [*LOCAL_RATIOS, 1.0])
def test_the_folded_local_kernel_samples_bilinearly(ratio: float, size: tuple[int, int]) -> None:
    convolution, features = layer(9, 1), random_image(2, 3, *size)
    expected = masked_convolution(features, twin_of(convolution), ratio)
    torch.testing.assert_close(convolution(features, ratio).detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ratio", [*GLOBAL_RATIOS, 1.0])
def test_the_folded_global_kernel_samples_bilinearly(ratio: float, size: tuple[int, int]) -> None:
    convolution, features = layer(21, 2), random_image(2, 3, *size)
    expected = masked_convolution(features, twin_of(convolution), ratio)
    torch.testing.assert_close(convolution(features, ratio).detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kernel_px", "hole_radius_px"), [(17, 3), (13, 2)])
def test_the_kernels_of_smaller_holes_lie_where_their_offsets_say(
    kernel_px: int, hole_radius_px: int
) -> None:
    convolution, features = layer(kernel_px, 2, hole_radius_px), random_image(1, 3, 15, 18)
    expected = masked_convolution(features, twin_of(convolution, hole_radius_px), 1.0)
    torch.testing.assert_close(convolution(features).detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kernel_px", "spacing_px"), [(9, 1), (21, 2)])
@pytest.mark.parametrize("ratio", [1.0, 0.43])
def test_hidden_taps_can_hold_anything(kernel_px: int, spacing_px: int, ratio: float) -> None:
    convolution, features = layer(kernel_px, spacing_px), random_image(1, 3, 14, 14)
    before = convolution(features, ratio)
    with torch.no_grad():
        convolution.weight[..., ~convolution.kept] = 1e6
    assert torch.equal(convolution(features, ratio), before)


def test_hidden_taps_get_no_gradient() -> None:
    convolution = layer(9, 1)
    convolution(random_image(1, 3, 14, 14)).square().sum().backward()
    gradient = convolution.weight.grad
    assert gradient is not None
    assert (gradient[..., ~convolution.kept] == 0).all()
    assert (gradient[..., convolution.kept] != 0).all()


def test_the_initial_weights_count_kept_taps_alone() -> None:
    torch.manual_seed(0)
    convolution = PatchMaskedConv2d(24, 64, kernel_px=9, spacing_px=1, hole_radius_px=4)
    bound = (24 * 40) ** -0.5
    assert convolution.weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert convolution.bias.abs().max().item() <= bound
