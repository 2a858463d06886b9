"""A convolution by spectra gives what the plain one gives."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lgbpn_cli.network.wide import convolve_by_spectra, convolve_wide


@pytest.mark.parametrize("size", [(31, 47), (64, 33), (17, 17)])
@pytest.mark.parametrize("taps", [13, 17])
def test_spectra_give_what_products_give(taps: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 3, size[0] + taps, size[1] + taps).contiguous(memory_format=torch.channels_last)
    kernel, bias = torch.randn(5, 3, taps, taps), torch.randn(5)
    expected = F.conv2d(features, kernel, bias)
    with torch.inference_mode():
        found = convolve_by_spectra(features, kernel, bias, tiles_at_a_time=2, channels_at_a_time=2)
    assert found.shape == expected.shape
    assert found.is_contiguous(memory_format=torch.channels_last) or found.stride(1) == 1
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize(
    ("side_px", "taps", "by_spectra"), [(128, 13, True), (127, 13, False), (128, 11, False)]
)
def test_large_pictures_under_wide_kernels_go_through_spectra(
    side_px: int, taps: int, by_spectra: bool
) -> None:
    torch.manual_seed(0)
    features, kernel = (
        torch.randn(1, 2, side_px + taps - 1, side_px + taps - 1),
        torch.randn(2, 2, taps, taps),
    )
    with torch.inference_mode():
        found = convolve_wide(features, kernel, torch.zeros(2))
        spectral = convolve_by_spectra(features, kernel, torch.zeros(2))
    assert torch.equal(found, spectral) == by_spectra


def test_what_is_learned_from_has_its_gradient() -> None:
    features, kernel = torch.randn(1, 2, 160, 160), torch.randn(2, 2, 17, 17, requires_grad=True)
    convolve_wide(features, kernel, torch.zeros(2)).sum().backward()  # type: ignore[no-untyped-call]
    assert kernel.grad is not None
