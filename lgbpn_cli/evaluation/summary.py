"""Many photos in a few figures: means with intervals, and two methods compared photo by photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
"""Bootstrap samples behind an interval."""
TIE_DB = 0.005
"""Differences below this are ties: they vanish at two decimals."""


@dataclass(frozen=True)
class Summary:
    """One figure over all photos."""

    mean: float
    low: float
    """Lower end of the mean's 95 % interval."""
    high: float
    """Upper end."""
    median: float
    worst: float
    worst_photo: str


@dataclass(frozen=True)
class Comparison:
    """Two methods on the photos that both have, by PSNR."""

    first: str
    second: str
    wins: int
    """Photos on which `first` is better."""
    losses: int
    ties: int
    """Photos that differ by less than 0.005 dB."""
    mean_difference: float
    """Mean of first - second in dB."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end."""


def summarise(values: dict[str, float], seed: int, *, worst: Callable[..., str] = min) -> Summary:
    """Return mean, 95 % interval, median and worst of the values by photo; `worst` is min or max."""
    numbers = np.array(list(values.values()))
    low, high = bootstrap_interval(numbers, seed)
    photo = worst(values, key=values.__getitem__)
    return Summary(float(numbers.mean()), low, high, float(np.median(numbers)), values[photo], photo)


def compare(
    first: tuple[str, dict[str, float]], second: tuple[str, dict[str, float]], seed: int
) -> Comparison:
    """Return how two methods, each a label and its PSNR by photo, do on the photos they have in common."""
    common = [photo for photo in first[1] if photo in second[1]]
    # Equal pictures have an infinite PSNR: two of them are a tie.
    pairs = [(first[1][photo], second[1][photo]) for photo in common]
    differences = np.array([0.0 if left == right else left - right for left, right in pairs])
    low, high = bootstrap_interval(differences, seed)
    wins, losses = int((differences > TIE_DB).sum()), int((differences < -TIE_DB).sum())
    mean = float(differences.mean())
    return Comparison(first[0], second[0], wins, losses, len(common) - wins - losses, mean, low, high)


def bootstrap_interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean, from 2000 resamples of the photos with replacement.

    The photos are taken as independent. The same values and seed give the same interval; values that are not
    finite give the mean twice.
    """
    mean = float(values.mean())
    if not np.isfinite(values).all():
        return mean, mean
    drawn = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
