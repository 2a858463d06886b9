"""How close a picture is to its reference."""

from __future__ import annotations

import math

import numpy as np


def psnr_8bit(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB after rounding both to 8 bits, as the SIDD protocol does.

    Both are (h, w, 3) float in 0..1, of the same shape; the peak is 255. Infinite for equal pictures.
    """
    difference = to_8bit(picture).astype(np.float64) - to_8bit(reference)
    error = float(np.mean(difference**2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def to_8bit(picture: np.ndarray) -> np.ndarray:
    """Return (h, w, 3) uint8 for a picture of 0..1, rounded to nearest, clipped."""
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def mean_shift_8bit(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean difference picture - reference in 8-bit levels: below zero is darker than the reference."""
    return float(np.mean(picture.astype(np.float64) - reference) * 255)
