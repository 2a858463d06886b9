"""What was removed and what is left: picture in the one, noise in the other.

All functions take pictures in 8-bit levels, (h, w, 3) float64. `removed` is noisy - denoised; a good result
removes noise alone, which has nothing to do with the picture.
"""

from __future__ import annotations

import math

import numpy as np

from lgbpn_cli.image.filters import box_mean

DETAIL_WINDOW_PX = 9
"""Fine detail is what a mean over a square of this side takes away."""
BLOCK_PX = 16
"""Side of the blocks among which flat areas are sought."""
FLAT_SHARE = 0.2
"""The share of blocks, flattest first, that counts as flat."""
UNCLIPPED_LEVELS = (8.0, 247.0)
"""Blocks whose mean lies outside are left out: black and white clip the noise away."""
CORRELATION_REACH_PX = 8
"""Noise correlation is worked out for distances up to this."""
WHITENESS_REACH_PX = 4
"""Distances that count for the whiteness."""
EDGE_SHARE = 0.2
"""The share of pixels, strongest gradient first, that counts as edges."""


def residual_structure(removed: np.ndarray, guide: np.ndarray) -> float:
    """Return how much picture was removed: the correlation, -1..1, of `removed` with the guide's fine detail.

    `guide` is the reference. Its fine detail is the guide less its mean over 9x9 px. 0: what was removed does
    not follow the picture; above 0: detail was smoothed away with the noise; below 0: detail was made
    stronger than it was. NaN where either has no variation (nothing removed, or a guide without detail).
    """
    detail = guide - box_mean(guide, DETAIL_WINDOW_PX)
    first, second = removed - removed.mean(axis=(0, 1)), detail - detail.mean(axis=(0, 1))
    scale = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else math.nan


def flat_area_noise(picture: np.ndarray, reference: np.ndarray | None) -> float:
    """Return the noise left in flat areas: a standard deviation in 8-bit levels.

    Flat are the 20 % of 16x16 blocks with the least variation in the reference (without one: in the picture
    itself), black and white ones left out. In each, the variance of picture - reference (without one: of the
    picture) about the block's own mean counts, so a colour shift is not noise; the result is the root of
    their mean. A reference with noise of its own adds that. NaN for pictures without such a block.
    """
    guide = _blocks(picture if reference is None else reference)
    error = _blocks(picture if reference is None else picture - reference)
    if not guide.size:
        return math.nan
    level = guide.mean(axis=(1, 2))
    usable = (level > UNCLIPPED_LEVELS[0]) & (level < UNCLIPPED_LEVELS[1])
    if not usable.any():
        return math.nan
    variation = guide.var(axis=1).mean(axis=1)[usable]
    flat = variation <= np.quantile(variation, FLAT_SHARE)
    return math.sqrt(float(error.var(axis=1).mean(axis=1)[usable][flat].mean()))


def noise_correlation(noise: np.ndarray) -> tuple[list[float], list[float]]:
    """Return the correlation of noise with itself 0..8 px to the right, and 0..8 px below.

    The mean over 33x33 px is taken off first, so slow drifts do not count. The lists are shorter where the
    picture is, and hold zeros for noise that is none.
    """
    centred = noise - box_mean(noise, 33)
    energy = float((centred**2).mean())
    sides = []
    for axis in (1, 0):
        reach = min(CORRELATION_REACH_PX, centred.shape[axis] - 1)
        values = []
        for step in range(reach + 1):
            length = centred.shape[axis] - step
            near = centred[:, :length] if axis == 1 else centred[:length]
            far = centred[:, step:] if axis == 1 else centred[step:]
            values.append(float((near * far).mean()) / energy if energy > 0 else 0.0)
        sides.append(values)
    return sides[0], sides[1]


def residual_whiteness(removed: np.ndarray) -> float:
    """Return how white what was removed is: 1 less the root mean square of its correlation at 1..4 px.

    1 is white noise. Camera noise is coarser than that, 0.6 to 0.9; what counts is the difference between
    results of one photo: structure that was removed with the noise makes the value fall.
    """
    right, below = noise_correlation(removed)
    near = np.array(right[1 : WHITENESS_REACH_PX + 1] + below[1 : WHITENESS_REACH_PX + 1])
    return 1 - math.sqrt(float((near**2).mean())) if near.size else math.nan


def edge_structure(removed: np.ndarray, denoised: np.ndarray) -> float:
    """Return how much picture was removed, judged without a reference: 0 is best, 1 is the worst.

    The correlation of `removed` with the coarse detail of the denoised picture (its mean over 5x5 px less
    that over 15x15 px), in the fifth of the pixels with the strongest gradients, less the same in the flatter
    half: noise that was left over is alike in both and falls out, smoothed-away edges show in the first only.
    Blind to fine texture that is gone without a trace. NaN for pictures of a single row or column.
    """
    if min(denoised.shape[:2]) < 2:
        return math.nan
    smooth = box_mean(denoised, 5)
    detail = smooth - box_mean(denoised, 15)
    gradient = np.hypot(*np.gradient(smooth.mean(axis=2)))
    edges, flats = gradient >= np.quantile(gradient, 1 - EDGE_SHARE), gradient <= np.median(gradient)
    return _correlation(removed[edges], detail[edges]) - _correlation(removed[flats], detail[flats])


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of values (pixels, 3) about the mean of each colour; 0 where one is constant."""
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    scale = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def _blocks(picture: np.ndarray) -> np.ndarray:
    """Return the whole blocks of a picture as (blocks, pixels, 3)."""
    rows, columns = picture.shape[0] // BLOCK_PX, picture.shape[1] // BLOCK_PX
    cut = picture[: rows * BLOCK_PX, : columns * BLOCK_PX]
    cut = cut.reshape(rows, BLOCK_PX, columns, BLOCK_PX, 3).transpose(0, 2, 1, 3, 4)
    return cut.reshape(rows * columns, BLOCK_PX**2, 3)
