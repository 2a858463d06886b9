"""Convolutions with so many taps that they cost less as products of spectra, tile by tile (overlap-save)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

FEWEST_TAPS = 13
"""On a side; with fewer, spectra bring nothing (7x7 taps took 1.2 times as long, 17x17 a fifth)."""
FEWEST_PIXELS = 128 * 128
"""For less the spectrum of the kernel would cost most."""
TILE_TO_TAPS = 2.5
"""Side of the tiles that are transformed, in taps; the smaller they are, the more of each is overlap."""
TILE_STEP_PX = 16
"""Such sides are transformed fast."""
TILES_AT_A_TIME, CHANNELS_AT_A_TIME = 64, 32
"""Enough for products of matrices; each channel of a tile takes about 0.03 MB meanwhile."""


def convolve_wide(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Return F.conv2d(features, kernel, bias), of float32, without padding; by spectra where that is faster."""
    taps = kernel.shape[-1]
    height, width = features.shape[-2] - taps + 1, features.shape[-1] - taps + 1
    is_wide = kernel.shape[-2] == taps >= FEWEST_TAPS and height * width >= FEWEST_PIXELS
    is_possible = features.device.type == "cpu" and kernel.dtype == torch.float32
    if not (is_wide and is_possible) or torch.is_grad_enabled():
        return F.conv2d(features, kernel, bias)
    return convolve_by_spectra(features, kernel, bias)


def convolve_by_spectra(
    features: Tensor,
    kernel: Tensor,
    bias: Tensor,
    *,
    tiles_at_a_time: int = TILES_AT_A_TIME,
    channels_at_a_time: int = CHANNELS_AT_A_TIME,
) -> Tensor:
    """Return F.conv2d(features, kernel, bias) of a square kernel, without padding and without a gradient."""
    taps = kernel.shape[-1]
    height, width = features.shape[-2] - taps + 1, features.shape[-1] - taps + 1
    side = -(-int(TILE_TO_TAPS * taps) // TILE_STEP_PX) * TILE_STEP_PX
    step = side - taps + 1
    down, across = -(-height // step), -(-width // step)
    whole = (down * step + taps - 1, across * step + taps - 1)
    features = F.pad(features, (0, whole[1] - features.shape[-1], 0, whole[0] - features.shape[-2]))
    spectra = [
        _as_matrices(torch.fft.rfft2(some, (side, side)).conj_physical(), (1, 0))
        for some in torch.split(kernel, channels_at_a_time)
    ]
    result = features.new_empty(len(features), down * step, across * step, len(kernel))
    rows = max(1, tiles_at_a_time // across)
    for image, into in zip(features, result, strict=True):
        for first in range(0, down, rows):
            strip = image[:, first * step : (first + rows) * step + taps - 1]
            tiles = torch.fft.rfft2(strip.unfold(1, side, step).unfold(2, side, step))
            parts = torch.split(into[first * step : (first + rows) * step], channels_at_a_time, dim=-1)
            for part, spectrum in zip(parts, spectra, strict=True):
                part.copy_(_answer(tiles, spectrum, side, step))
    result += bias
    return result[:, :height, :width].permute(0, 3, 1, 2)


def _answer(tiles: Tensor, spectrum: Tensor, side: int, step: int) -> Tensor:
    """Return some channels of the convolution of rows of tiles (c, rows, columns, ...), (h, w, channels)."""
    down, across = tiles.shape[1:3]
    products = _as_matrices(tiles, (1, 2, 0)) @ spectrum
    products = products.reshape(side, -1, down, across, spectrum.shape[-1]).permute(2, 3, 4, 0, 1)
    # What lies behind wraps round the tile; the next one has it.
    answers: Tensor = torch.fft.irfft2(products, (side, side))[..., :step, :step]
    return answers.permute(0, 3, 1, 4, 2).reshape(down * step, across * step, -1)


def _as_matrices(spectra: Tensor, order: tuple[int, ...]) -> Tensor:
    """Return a matrix for each frequency, (frequencies, rows, columns); columns are the last axis of `order`."""
    by_frequency = spectra.permute(-2, -1, *order)
    return by_frequency.reshape(spectra.shape[-2] * spectra.shape[-1], -1, by_frequency.shape[-1])
