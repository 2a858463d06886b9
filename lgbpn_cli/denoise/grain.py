"""Grain laid on a result: even over the photo, seeded, strongest in the middle tones as on film.

Its size is measured as it shows: the standard deviation is that asked for, and the spectrum that of a Gaussian blur.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lgbpn_cli.config.look import Grain
from lgbpn_cli.denoise.working import ResultPixels
from lgbpn_cli.image.filters import gaussian_weights, weighted_sums

BLOCK_ROWS = 128
"""Rows that are drawn at a time, from a seed of their own: grain does not depend on what else is done."""
REACH = 3.0
"""Standard deviations at which the blur's kernel ends."""


def lay_grain(clean: ResultPixels, grain: Grain | None, seed: int) -> ResultPixels:
    """Return the picture, in its place, with grain; None is none.

    Grain is the same in all three channels unless `grain.colour` gives each its own. At a brightness v its standard
    deviation is 2 sqrt(v (1 - v)) of `grain.amount_levels`, in levels of 255: all of it at half, none at the ends.
    """
    if grain is None:
        return clean
    height, width = clean.shape[:2]
    field = GrainField(width, grain, seed)
    result = clean.unchanged()
    for top in range(0, height, BLOCK_ROWS):
        band = slice(top, min(top + BLOCK_ROWS, height)), slice(None)
        pixels = clean[band]
        brightness = np.clip(pixels.mean(axis=2, keepdims=True), 0, 1)
        depth = 2 * np.sqrt(brightness * (1 - brightness)) * np.float32(grain.amount_levels / 255)
        result[band] = pixels + depth * field.rows(band[0].start, band[0].stop)
    return result


class GrainField:
    """The grain of a photo of one width: rows of it, drawn when they are asked for."""

    def __init__(self, width: int, grain: Grain, seed: int) -> None:
        """`seed` alone decides about it, beside the width, the size and the number of channels."""
        self._width, self._seed = width, seed
        self._channels = 3 if grain.colour else 1
        self._kernel = _kernel(grain.size_px)
        self._white = lru_cache(maxsize=3)(self._drawn)

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Return the rows from `top` to `bottom`, (rows, width, channels) float32 of mean 0 and deviation 1."""
        reach = self._kernel.size // 2
        first = (top - reach) // BLOCK_ROWS
        blocks = [self._white(number) for number in range(first, (bottom + reach - 1) // BLOCK_ROWS + 1)]
        begin = top - reach - first * BLOCK_ROWS
        white = np.concatenate(blocks)[begin : begin + bottom - top + 2 * reach]
        return weighted_sums(weighted_sums(white, self._kernel, 0), self._kernel, 1)

    def _drawn(self, number: int) -> np.ndarray:
        """Return the block of that number, from -1 on: white noise with a margin on both sides for the blur."""
        random = np.random.default_rng([self._seed, number + 1])
        width = self._width + self._kernel.size - 1
        return random.standard_normal((BLOCK_ROWS, width, self._channels), np.float32)


def _kernel(size_px: float) -> np.ndarray:
    """Return a Gaussian's weights, whose squares sum to one: white noise keeps its deviation."""
    sigma = size_px / 2
    reach = int(np.ceil(REACH * sigma)) if sigma > 0 else 0
    weights = gaussian_weights(sigma, reach) if sigma > 0 else np.ones(1)
    return np.asarray(weights / np.sqrt(np.square(weights).sum()), np.float32)
