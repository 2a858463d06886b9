"""The mean of a camera's noise, told from how skewed noise is and how it grows with brightness.

A tone curve g bends the noise n of a sensor: g(x + n) = g + g'n + g''n²/2. For noise of variance s² at light x the
mean of that is g''s²/2, which no noisy photo shows by itself; but its other moments do. The variance of the bent noise
is V = g'²s², which grows with brightness by V' = 2g''s² + g'a, where a is by how much s² grows with light. Its third
moment is T = 3g'²g''s⁴ + g'³as², the second term being the skewness of Poisson noise itself. So T/V - V' = g''s², and
the mean is half of that.

It is a rule of thumb. Read noise of variance r² has no skewness, which makes it too low by g'ar²/2s²; clipping at black
skews noise the other way; a colour matrix mixes channels. For a single photo it is off by up to several levels, in the
mean over the photos of a set by 0.1 to 0.8 (docs/history.md). So it is for sets whose colours the
student shifts by more, and says one thing of all their photos: that the mean is off in proportion to the variance, so
that photos with little noise stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.training.noise.brightness import brightness_bins
from lgbpn_cli.training.student.targets import mean_round

BRIGHTNESS_PX = 5
"""Side of the squares over which the brightness of a pixel is taken."""
BRIGHTNESS_BINS = 12
FEWEST_PIXELS = 50
"""A bin with fewer says nothing."""
BENT_FROM_LEVELS = 40
"""Over so many levels of brightness variance is fitted by a parabola, else by a line."""
LEAST_VARIANCE = 0.1
"""Squared levels; noise below rounding has no skewness."""

Colours = tuple[float, float, float]


def missing_mean(noisy: Sequence[NDArray[np.uint8]], cleaned: Sequence[NDArray[np.uint8]]) -> Colours:
    """Return by how much the mean of the noise of photos (h, w, 3) lies above the mean of what was removed from them.

    As a share of the noise's variance, in 1/levels, for red, green and blue.
    """
    above, variances = np.zeros(3), np.zeros(3)
    for photo, clean in zip(noisy, cleaned, strict=True):
        picture = clean.astype(np.float32)
        removed, brightness = photo.astype(np.float32) - picture, mean_round(picture, BRIGHTNESS_PX)
        for channel in range(3):
            sums = _of_channel(removed[..., channel].ravel(), brightness[..., channel].ravel())
            above[channel] += sums[0]
            variances[channel] += sums[1]
    red, green, blue = np.divide(above, variances, out=np.zeros(3), where=variances > 0).tolist()
    return red, green, blue


def _of_channel(removed: NDArray[np.float32], brightness: NDArray[np.float32]) -> tuple[float, float]:
    """Return the sums over pixels of what the mean lies above that of `removed`, and of its variance."""
    bins = brightness_bins(brightness, BRIGHTNESS_BINS)
    rows = []
    for index in range(BRIGHTNESS_BINS):
        members = bins == index
        values = removed[members].astype(np.float64)
        if values.size >= FEWEST_PIXELS and values.var() > LEAST_VARIANCE:
            third = ((values - values.mean()) ** 3).mean()
            rows.append((brightness[members].mean(), values.size, values.mean(), values.var(), third))
    if len(rows) <= 2:  # a parabola needs three points
        return 0.0, 0.0
    at, count, mean, variance, third = np.array(rows).T
    degree = 2 if at.max() - at.min() >= BENT_FROM_LEVELS else 1
    slope = np.polyval(np.polyder(np.polyfit(at, variance, degree, w=np.sqrt(count))), at)
    told = (third / variance - slope) / 2
    return float((count * (told - mean)).sum()), float((count * variance).sum())
