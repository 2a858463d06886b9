"""Where noise is not skewed, its mean is zero: a result is brought back to the mean of its photo there.

Encoded noise is skewed where the tone curve bends or black clips it, and noisy shadows are then too dark; networks
learn to make up for that, but shift the colours of other photos, too. How skewed the noise is, and to which side,
tells where they may. Linear light is `mean_light`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt

import numpy as np

from lgbpn_cli.denoise.working import ResultPixels
from lgbpn_cli.image.tables import look_up
from lgbpn_cli.image.types import Picture

SAMPLES = 500_000
"""Pixels looked at, at most: evenly spaced ones."""
PARTS = 4
"""As wide each, from dark to bright."""
STEEPEST = 0.1
"""Parts whose shifts differ by more than this share of their distance are taken together: else noise that is left in an
even area between them would grow."""
SMALLEST_PART = 200
"""Fewer pixels tell no mean."""
LARGEST_SKEWNESS = 0.4
"""Noise as skewed as that has a mean of its own; with less skewness, the mean is trusted in part."""
SMALLEST_LIGHT = 2.0
"""In deviations of the noise: darker parts stay as they are, for black clips their noise, which the tone curve may make
look symmetric again."""
FULL_LIGHT = 4.0
"""From here on nothing of the noise is clipped at black."""
ALIKE = 9
"""Neighbours have like noise: the mean of so many samples scatters as much as one sample does."""
STEPS = 4096
"""Brightnesses for which the shift is known."""


@dataclass(frozen=True)
class MeanShift:
    """By how much a result is to be lifted, for each brightness and channel."""

    table: np.ndarray
    """(3, STEPS) float32, in the working range: black is first, 1.0 is last."""

    def at(self, denoised: np.ndarray) -> np.ndarray:
        """Return the shift of pixels (h, w, 3), float32."""
        steps = np.clip(denoised, 0, 1)
        steps *= np.float32(STEPS - 1)
        steps += np.float32(0.5)
        return look_up(self.table, steps)


def keep_mean_colour(noisy: Picture, clean: ResultPixels) -> ResultPixels:
    """Return the result as it is after what `mean_shift` asks for, which is done where it is read."""
    shift = mean_shift(noisy, clean)
    return clean if shift is None else clean.changed_by(lambda pixels: pixels + shift.at(pixels))


def mean_shift(noisy: Picture, denoised: Picture) -> MeanShift | None:
    """Return what brings the denoised picture back to the mean of the noisy one where its noise is not skewed.

    Pictures are (h, w, 3) float32 in 0..1. None where nothing is to be done.
    """
    height, width = noisy.shape[:2]
    every = slice(None, None, max(1, ceil(sqrt(height * width / SAMPLES))))
    before = noisy[every, every].reshape(-1, 3)
    removed = before - denoised[every, every].reshape(-1, 3)
    # Rounded, or rounding would sort the pixels by itself.
    after = np.rint((before - removed) * np.float32(STEPS)) / np.float32(STEPS)
    brightness = np.linspace(0, 1, STEPS)
    table = np.zeros((3, STEPS), np.float32)
    for channel in range(3):
        knots = _knots(after[:, channel], removed[:, channel])
        if knots:
            lights, shifts = zip(*knots, strict=True)
            table[channel] = np.interp(brightness, lights, shifts)
    return MeanShift(table) if table.any() else None


def _knots(after: np.ndarray, removed: np.ndarray) -> list[tuple[float, float]]:
    """Return brightness and shift of each part of a channel, from dark to bright."""
    darkest, brightest = np.quantile(after, (0.05, 0.95))
    bounds = list(np.linspace(darkest, brightest, PARTS + 1)[1:-1])
    while True:
        numbers, knots = _knots_of_parts(after, removed, bounds)
        steepness = [abs(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(knots)]
        if max(steepness, default=0.0) <= STEEPEST:
            return _faded(knots)
        steepest = steepness.index(max(steepness))
        del bounds[numbers[steepest] : numbers[steepest + 1]]


def _faded(knots: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the knots with one before and one behind them: towards black and white, of which nothing is known."""
    if not knots:
        return []
    (first, lowest), (last, highest) = knots[0], knots[-1]
    black = min(0.0, first - abs(lowest) / STEEPEST)
    white = max(1.0, last + abs(highest) / STEEPEST)
    return [(black, 0.0), *knots, (white, 0.0)]


def _knots_of_parts(
    after: np.ndarray, removed: np.ndarray, bounds: list[float]
) -> tuple[list[int], list[tuple[float, float]]]:
    """Return the numbers of the parts between these bounds that have enough pixels, and their knots."""
    part = np.searchsorted(np.array(bounds), after, side="right")
    numbers, knots = [], []
    for number in range(len(bounds) + 1):
        inside = part == number
        if np.count_nonzero(inside) >= SMALLEST_PART:
            light = float(after[inside].mean(dtype=np.float64))
            numbers.append(number)
            knots.append((light, _unskewed_mean(removed[inside].astype(np.float64), light)))
    return numbers, knots


def _unskewed_mean(removed: np.ndarray, light: float) -> float:
    """Return as much of the mean of what was removed at that brightness as cannot be the mean of noise.

    Black, white and tone curves move the mean of noise to the side on which its long tail is: a mean on the other side
    is the network's error however dark the place is.
    """
    mean, deviation = float(removed.mean()), float(removed.std())
    if deviation == 0 or mean == 0:
        return mean
    away = removed - mean
    skewness = float((away * away * away).mean()) / deviation**3
    certain = max(0.0, 1 - ALIKE * deviation**2 / (removed.size * mean**2))
    skewed = min(1.0, abs(skewness) / LARGEST_SKEWNESS)
    lit = (light / deviation - SMALLEST_LIGHT) / (FULL_LIGHT - SMALLEST_LIGHT)
    symmetric = (1 - skewed) * min(1.0, max(0.0, lit))
    if skewness * mean < 0:
        certainly_skewed = max(0.0, 1 - 6 * ALIKE / (removed.size * skewness**2))
        return mean * certain * max(symmetric, skewed * certainly_skewed)
    return mean * certain * symmetric
