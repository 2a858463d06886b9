"""How close a picture is to its reference: errors of single pixels.

All functions take pictures in 8-bit levels as `to_levels` gives them: (h, w, 3) float64, 0..255.
"""

from __future__ import annotations

import math

import numpy as np

PEAK = 255.0
"""The level of white."""


def to_levels(picture: np.ndarray, *, rounded: bool) -> np.ndarray:
    """Return a picture of 0..1 in 8-bit levels, float64, clipped to 0..255.

    `rounded` gives whole levels, as the SIDD protocol and an 8-bit file have them.
    """
    levels = np.clip(picture.astype(np.float64), 0.0, 1.0) * PEAK
    return np.rint(levels) if rounded else levels


def psnr_db(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB over all channels at once; infinite for equal pictures."""
    error = float(np.mean((picture - reference) ** 2))
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def mean_absolute_error(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean absolute error in 8-bit levels."""
    return float(np.mean(np.abs(picture - reference)))


def colour_shift(picture: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of picture - reference for red, green, blue in 8-bit levels: below zero is darker."""
    red, green, blue = (picture - reference).mean(axis=(0, 1))
    return float(red), float(green), float(blue)
