"""The mean of linear light is that of the scene, whatever its noise: a result is brought back to it, place by place.

Networks see light through a tone curve, under which noise has a mean of its own, and one that no network can tell
exactly: in shadows as weak as their noise, results lay a quarter too dark, and each channel by another share. In linear
light noise has no mean, so the truth is known there: that of the noisy photo over a place large enough to have hardly
any noise left.
"""

from __future__ import annotations

import numpy as np

from lgbpn_cli.photos.photo import Photo

CELL_PX = 8
"""Side of the squares whose means are compared."""
SIGMA_CELLS = 3.0
"""Standard deviation of the blur over them: white noise is then 85 times weaker than in a pixel."""
MOST_AT_BLACK = 0.1
"""Where so large a share of the samples is exactly 0, noise was clipped at black and has a mean: nothing is changed
there; with a smaller share, less than elsewhere."""
BAND_CELLS = 64
"""Rows of squares worked on at a time: temporary arrays stay small beside the photo."""
OUTLIER = 6.0
"""Differences of more than so many median ones, about four standard deviations, are hot pixels and edges; they count
as that much, or each would shine on its surroundings."""


def keep_mean_light(noisy: Photo, denoised: Photo) -> None:
    """Change the pixels of `denoised`, linear as those of `noisy` and of the same shape, until their local means agree.

    Integers are rounded, and clipped to what their type holds.
    """
    height, width, _ = noisy.pixels.shape
    if min(height, width) < CELL_PX:
        return
    rows = range(0, height // CELL_PX, BAND_CELLS)
    bands = [slice(CELL_PX * top, CELL_PX * min(top + BAND_CELLS, height // CELL_PX)) for top in rows]
    means = [_mean_differences(noisy.pixels[band], denoised.pixels[band]) for band in bands]
    missing = _blurred(np.concatenate(means))
    for top in range(0, height, CELL_PX * BAND_CELLS):
        band = slice(top, min(top + CELL_PX * BAND_CELLS, height))
        values = denoised.pixels[band] + _at_pixels(missing, band, width)
        if np.issubdtype(denoised.pixels.dtype, np.integer):
            values = np.clip(np.rint(values), 0, np.iinfo(denoised.pixels.dtype).max)
        denoised.pixels[band] = values


def _mean_differences(noisy: np.ndarray, denoised: np.ndarray) -> np.ndarray:
    """Return the mean of noisy - denoised over each whole square, (rows, columns, channels) float32.

    It is less, down to 0, where noise was clipped at black.
    """
    whole = (slice(None), slice(0, noisy.shape[1] // CELL_PX * CELL_PX))
    difference = noisy[whole].astype(np.float32) - denoised[whole].astype(np.float32)
    squares = _squares(difference)
    most = np.float32(OUTLIER) * np.median(np.abs(squares), axis=-1, keepdims=True)
    at_black = _squares(noisy[whole] == 0).mean(axis=-1, dtype=np.float32)
    means = np.clip(squares, -most, most).mean(axis=-1) * np.clip(
        1 - at_black / np.float32(MOST_AT_BLACK), 0, 1
    )
    return np.asarray(means, np.float32)


def _squares(values: np.ndarray) -> np.ndarray:
    """Return (h, w, channels) as (rows, columns, channels, pixels of a square)."""
    height, width, channels = values.shape
    parted = values.reshape(height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX, channels)
    return parted.transpose(0, 2, 4, 1, 3).reshape(height // CELL_PX, width // CELL_PX, channels, CELL_PX**2)


def _blurred(squares: np.ndarray) -> np.ndarray:
    """Return (rows, columns, channels) under a Gaussian of SIGMA_CELLS, edges repeated."""
    reach = int(3 * SIGMA_CELLS)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SIGMA_CELLS) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        border = [(0, 0), (0, 0), (0, 0)]
        border[axis] = (reach, reach)
        padded, length = np.pad(squares, border, "edge"), squares.shape[axis]
        squares = np.zeros_like(squares)
        for start, weight in enumerate(weights):
            squares += weight * padded.take(range(start, start + length), axis)
    return squares


def _at_pixels(squares: np.ndarray, rows: slice, width: int) -> np.ndarray:
    """Return the values of squares between their middles, linearly, for the pixels of some rows; edges repeated."""
    for axis, places in ((0, np.arange(rows.start, rows.stop)), (1, np.arange(width))):
        last = squares.shape[axis] - 1
        at = np.clip((places + 0.5) / CELL_PX - 0.5, 0, last)
        before = np.floor(at).astype(np.intp)
        share = (at - before).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        after = np.minimum(before + 1, last)
        squares = (1 - share) * squares.take(before, axis) + share * squares.take(after, axis)
    return squares
