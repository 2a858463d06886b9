"""SSIM with a three-dimensional Gaussian window, one window after the other."""

from __future__ import annotations

import numpy as np


def slow_matlab3d(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return SSIM over windows of 11x11x11 values of 0..255, edges repeated on all three axes."""
    steps = np.arange(-5, 6)
    line = np.exp(-(steps**2) / (2 * 1.5**2))
    window = line[:, None, None] * line[None, :, None] * line[None, None, :]
    window /= window.sum()
    first, second = (np.pad(image.astype(float), 5, "edge") for image in (picture, reference))
    total = 0.0
    for place in np.ndindex(picture.shape):
        cut = tuple(slice(start, start + 11) for start in place)
        one, other = first[cut], second[cut]
        mean_one, mean_other = (window * one).sum(), (window * other).sum()
        variance_one = (window * (one - mean_one) ** 2).sum()
        variance_other = (window * (other - mean_other) ** 2).sum()
        covariance = (window * (one - mean_one) * (other - mean_other)).sum()
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        total += ((2 * mean_one * mean_other + c1) * (2 * covariance + c2)) / (
            (mean_one**2 + mean_other**2 + c1) * (variance_one + variance_other + c2)
        )
    return total / picture.size
