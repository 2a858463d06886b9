"""The line a x + b that a mosaic's noise follows, from the mean and the variance of its patches.

A patch varies by its noise and by what it shows, so its true variance lies on the line or above it. Which true
variances there are is told from those measured, by the likelihood: measured ones scatter about the true one as those of
white noise do. The line lies where the lowest of them begin. That holds with few flat patches among much texture, where
a mean or a quantile of the patches that vary least takes some of the texture for noise.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP, REACH, MOST_SHIFT = 0.05, 1.0, 0.6
"""Logarithms of variance over the line: their step, how far they are looked at, how far the line moves in a round."""
LEVELS = np.arange(-REACH, REACH + STEP / 2, STEP)
SHIFTS = np.arange(-MOST_SHIFT, MOST_SHIFT + STEP / 2, STEP)
BINS, PATCHES_OF_BIN = 8, 10
"""Of brightness, with equally many patches each: so many at most, and so many patches in each at least."""
FIRST_QUANTILE = 0.05
"""The rounds begin with the line through this quantile of the variances."""
ROUNDS, SETTLED = 8, 0.01
"""At most, and the change of the line below which they end."""
ITERATIONS = 60
STRAY_SHARE = 0.005
"""Share of the patches that may lie anywhere: those of a black border or of dead rows vary less than noise."""
UNLIKELY = 0.5
"""A line that makes what was measured less likely than this, in the logarithm, lies too high."""
NEAR = 0.15
"""Patches whose true variance is so near the line (logarithm) bear it out: a bin weighs by how many these are."""
LEAST = 1e-15


def noise_line(means: Floats, variances: Floats, freedom: float) -> tuple[float, float]:
    """Return a and b, neither below zero, of the line a x + b on which the patches without texture lie.

    `means` and `variances` are of patches, in any order; variances have `freedom` degrees of freedom.
    """
    means, variances = np.maximum(means, 0), np.maximum(variances, LEAST)
    count = max(1, min(BINS, len(means) // PATCHES_OF_BIN))
    bins = np.array_split(np.argsort(means), count)
    centres = np.array([means[part].mean() for part in bins])
    lowest = np.array([np.quantile(variances[part], FIRST_QUANTILE) for part in bins])
    shot, read = fitted_line(centres, lowest, 1 / lowest)
    for _ in range(ROUNDS):
        ratios = np.log(variances / np.maximum(shot * means + read, LEAST))
        found = [_lowest_level(ratios[part], freedom) for part in bins]
        shifts, near = np.array(found).T
        levels = np.exp(shifts) * np.maximum(shot * centres + read, LEAST)
        shot, read = fitted_line(centres, levels, np.sqrt(near) / levels)
        if np.abs(shifts).max() < SETTLED:
            break
    return shot, read


def fitted_line(x: Floats, y: Floats, weights: Floats) -> tuple[float, float]:
    """Return the line a x + b, neither below zero, that is nearest in least weighted squares."""
    squares = weights**2
    total = squares.sum()
    mean_x, mean_y = (float((squares * each).sum() / total) for each in (x, y))
    spread = float((squares * (x - mean_x) ** 2).sum())
    shot = float((squares * (x - mean_x) * (y - mean_y)).sum() / spread) if spread > 0 else 0.0
    if shot > 0 and mean_y - shot * mean_x >= 0:
        return shot, mean_y - shot * mean_x
    if shot <= 0:
        return 0.0, mean_y
    return float((squares * x * y).sum() / max(1e-300, float((squares * x * x).sum()))), 0.0


def _lowest_level(ratios: Floats, freedom: float) -> tuple[float, float]:
    """Return where true variances begin (logarithm, over the line), and about how many patches are there.

    For each place where they may begin, the likeliest distribution above it is found (by expectation maximisation, all
    places at once); the answer is the highest place that is about as likely as any.
    """
    scatter = _scatter(freedom)
    edges = np.append(LEVELS - STEP / 2, LEVELS[-1] + STEP / 2)
    seen = np.histogram(ratios, edges)[0].astype(np.float64)
    stray = STRAY_SHARE * STEP / (2 * REACH)
    shares = (SHIFTS[:, None] - STEP / 2 <= LEVELS).astype(np.float64) / len(LEVELS)
    for _ in range(ITERATIONS):
        expected = (1 - STRAY_SHARE) * (shares @ scatter.T) + stray
        shares = shares * ((seen / expected) @ scatter) * ((1 - STRAY_SHARE) / len(ratios))
    within = shares @ scatter.T
    beyond = np.maximum(1 - within.sum(axis=1), 1e-9)
    likely = (seen * np.log((1 - STRAY_SHARE) * within + stray)).sum(axis=1)
    likely += (len(ratios) - seen.sum()) * np.log(beyond)
    least = likely.max() - UNLIKELY
    place = int(np.nonzero(likely >= least)[0][-1])
    shift = float(SHIFTS[place])
    if place + 1 < len(SHIFTS):
        shift += STEP * float((likely[place] - least) / (likely[place] - likely[place + 1]))
    near = float(shares[place][shift + NEAR > LEVELS].sum()) * len(ratios)
    return shift, max(near, 1e-3)


@lru_cache(maxsize=4)
def _scatter(freedom: float) -> Floats:
    """Return how likely each measured level is (rows) for each true one (columns): chi-squared, in logarithms."""
    half = freedom / 2
    over = LEVELS[:, None] - LEVELS
    log_density = half * (over - np.exp(over) + math.log(half)) - math.lgamma(half)
    return np.asarray(np.exp(log_density) * STEP)
