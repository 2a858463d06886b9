"""The mean of linear light is that of the scene, whatever its noise: a result is brought back to it, place by place.

Networks see light through a tone curve, under which noise has a mean of its own, and one that no network can tell
exactly: in shadows as weak as their noise, results lay a quarter too dark, and each channel by another share. In linear
light noise has no mean, so the truth is known there: that of the noisy photo over a place large enough to have hardly
any noise left.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.image.filters import between_cells, gaussian_weights, weighted_sums
from lgbpn_cli.photos.photo import Photo

CELL_PX = 8
"""Side of the squares whose means are compared."""
SIGMA_CELLS = 3.0
"""Standard deviation of the blur over them: white noise is then 85 times weaker than in a pixel."""
REACH_CELLS = int(3 * SIGMA_CELLS)
REACH_PX = (REACH_CELLS + 1) * CELL_PX
"""No pixel farther away decides about what is changed at a pixel, but for the darkest sample of the photo."""
MOST_AT_BLACK = 0.4
"""Where so large a share of the samples is as dark as any, noise was clipped at black and says too little: nothing is
changed there; with a smaller share, less than elsewhere."""
DEVIATIONS = np.linspace(-1, 5, 121)
"""Light in deviations of its noise, for which it is known what clipping at black does to it."""
_NORMAL = NormalDist()
_CLIPPED_SHARE = np.array([_NORMAL.cdf(-z) for z in DEVIATIONS])
_CLIPPED_MEAN = np.array([_NORMAL.pdf(z) - z * _NORMAL.cdf(-z) for z in DEVIATIONS])
"""By how many deviations the mean of normal noise rises when it is clipped."""
_DEVIATION_OF_MEDIAN = 1.4826
"""The standard deviation of normal noise, over the median of its size."""
BAND_PIXELS = 2_000_000
"""Most pixels worked on at a time: temporary arrays stay small beside the photo. A pixel takes about 100 bytes."""
OUTLIER = 6.0
"""Differences of more than so many median ones, about four standard deviations, are hot pixels and edges; they count
as that much, or each would shine on its surroundings."""
SMALLEST_LIGHT = 1e-6
"""Of all that a sample can hold; darker squares count as much as this one."""


def keep_mean_light(noisy: Photo, denoised: Photo, darkest: np.ndarray | None = None) -> None:
    """Change the pixels of `denoised`, linear as those of `noisy` and of the same shape, until their local means agree.

    Integers are rounded, and clipped to what their type holds. `darkest` is the lowest sample of each channel where
    `noisy` is a part of a photo; None: it is all of it.
    """
    height, width, _ = noisy.pixels.shape
    if min(height, width) < CELL_PX:
        return
    dtype = denoised.pixels.dtype
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0
    zero = 0 if noisy.camera is None else noisy.camera.black
    lowest = noisy.pixels.min(axis=(0, 1)) if darkest is None else darkest
    band_rows = CELL_PX * max(1, BAND_PIXELS // (CELL_PX * width))
    parted = bands(height, band_rows)
    parts = [differences(noisy.pixels[band], denoised.pixels[band], lowest, zero, white) for band in parted]
    weighted, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
    missing = blurred(weighted) / blurred(weights)
    for band in parted:
        values = denoised.pixels[band] + at_pixels(missing, band, width)
        if np.issubdtype(dtype, np.integer):
            values = np.clip(np.rint(values), 0, white)
        if noisy.camera is not None:  # where all colours are clipped nothing is known, and nothing is noisy
            blown = (noisy.pixels[band] >= noisy.camera.white).all(axis=-1, keepdims=True)
            values = np.where(blown, noisy.pixels[band], values)
        denoised.pixels[band] = values


def differences(
    noisy: np.ndarray, denoised: np.ndarray, black: np.ndarray, zero: int, white: float, power: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of noisy - denoised over each whole square, times its weight, and the weights.

    Both are (rows, columns, channels) float32. What clipping at `black` gave noise is taken off; `zero` is no light.
    Squares weigh as their light to the minus `power`: a difference that is nothing in a bright one is more than all
    light of a dark one beside it.
    """
    whole = (slice(0, noisy.shape[0] // CELL_PX * CELL_PX), slice(0, noisy.shape[1] // CELL_PX * CELL_PX))
    clean = denoised[whole].astype(np.float32)
    squares = _squares(noisy[whole].astype(np.float32) - clean)
    usual = _median(np.abs(squares))
    at_black = _squares(noisy[whole] == black).mean(axis=-1, dtype=np.float32)
    means = np.clip(squares, -np.float32(OUTLIER) * usual, np.float32(OUTLIER) * usual).mean(axis=-1)
    cleaned = _squares(clean).mean(axis=-1)
    deviation = np.maximum(_DEVIATION_OF_MEDIAN * usual[..., 0], 1e-12 * white)
    means = means - _gained_by_clipping(cleaned + means - black, deviation, at_black)
    means = means * np.clip(1 - at_black / np.float32(MOST_AT_BLACK), 0, 1)
    light = np.abs(cleaned - zero) + usual[..., 0]
    weights = (np.maximum(light, SMALLEST_LIGHT * white) / np.float32(white)) ** np.float32(-power)
    return (weights * means).astype(np.float32), weights.astype(np.float32)


def _median(squares: np.ndarray) -> np.ndarray:
    """Return the median of each square's values, (..., 1): NumPy's own would sort a part only, and slowly."""
    ordered = np.sort(squares, axis=-1)
    middle = ordered.shape[-1] // 2
    return np.asarray(ordered[..., middle - 1 : middle + 1].mean(axis=-1, keepdims=True))


def _gained_by_clipping(means: np.ndarray, deviation: np.ndarray, at_black: np.ndarray) -> np.ndarray:
    """Return by how much clipping at black raised the mean of noise, for means above black and its deviation.

    A square with fewer samples at black than such noise would leave there was clipped the less, or not at all.
    """
    gained = np.zeros_like(means)
    for _ in range(3):  # what was gained changes the light that it is told from
        light = (means - gained) / deviation
        gained = deviation * np.interp(light, DEVIATIONS, _CLIPPED_MEAN, right=0)
    share = np.interp(light, DEVIATIONS, _CLIPPED_SHARE)
    return np.asarray(gained * np.minimum(1, at_black / np.maximum(share, 1e-6)))


def _squares(values: np.ndarray) -> np.ndarray:
    """Return (h, w, channels) as (rows, columns, channels, pixels of a square)."""
    height, width, channels = values.shape
    parted = values.reshape(height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX, channels)
    return parted.transpose(0, 2, 4, 1, 3).reshape(height // CELL_PX, width // CELL_PX, channels, CELL_PX**2)


def blurred(squares: np.ndarray) -> np.ndarray:
    """Return (rows, columns, channels) under a Gaussian of SIGMA_CELLS, edges repeated."""
    weights = gaussian_weights(SIGMA_CELLS, REACH_CELLS).astype(np.float32)
    padded = np.pad(squares, ((REACH_CELLS, REACH_CELLS), (REACH_CELLS, REACH_CELLS), (0, 0)), "edge")
    return weighted_sums(weighted_sums(padded, weights, 0), weights, 1)


def at_pixels(squares: np.ndarray, rows: slice, width: int, cell_px: int = CELL_PX) -> np.ndarray:
    """Return the values of squares between their middles, linearly, for the pixels of some rows; edges repeated."""
    first = max(0, rows.start // cell_px - 1)
    near = squares[first : rows.stop // cell_px + 2]
    # Along the rows first, where there are few: single values are picked there, and whole rows afterwards.
    by_column = between_cells(near, 1, np.arange(width), cell_px)
    return between_cells(by_column, 0, np.arange(rows.start, rows.stop) - first * cell_px, cell_px)
