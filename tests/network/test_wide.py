"""A convolution by spectra gives what the plain one gives."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lgbpn_cli.network import wide
from lgbpn_cli.network.wide import convolve_wide


@pytest.mark.parametrize("size", [(31, 47), (64, 33), (17, 17)])
@pytest.mark.parametrize("taps", [13, 17])
def test_spectra_give_what_products_give(
    taps: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "FEWEST_PIXELS", 0)
    monkeypatch.setattr(wide, "TILES_AT_A_TIME", 2)
    monkeypatch.setattr(wide, "CHANNELS_AT_A_TIME", 2)
    torch.manual_seed(0)
    features = torch.randn(2, 3, size[0] + taps, size[1] + taps).contiguous(memory_format=torch.channels_last)
    kernel, bias = torch.randn(5, 3, taps, taps), torch.randn(5)
    expected = F.conv2d(features, kernel, bias)
    with torch.inference_mode():
        monkeypatch.setattr(F, "conv2d", None)  # it is not asked
        found = convolve_wide(features, kernel, bias)
    assert found.shape == expected.shape
    assert found.is_contiguous(memory_format=torch.channels_last) or found.stride(1) == 1
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


def test_what_is_learned_from_has_its_gradient() -> None:
    features, kernel = torch.randn(1, 2, 160, 160), torch.randn(2, 2, 17, 17, requires_grad=True)
    convolve_wide(features, kernel, torch.zeros(2)).sum().backward()  # type: ignore[no-untyped-call]
    assert kernel.grad is not None
