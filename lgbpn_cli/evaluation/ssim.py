"""Structural similarity (SSIM) by the three conventions in use, which differ by several hundredths.

Wang, Bovik, Sheikh, Simoncelli: Image quality assessment, IEEE TIP 2004, equation 13, with K1 = 0.01 and
K2 = 0.03. All take pictures in 8-bit levels, (h, w, 3) float64.

    skimage7   7x7 uniform window, sample covariance; scikit-image's default with channel_axis=2
    wang11     11x11 Gaussian window of sigma 1.5; scikit-image with gaussian_weights=True, sigma=1.5,
               use_sample_covariance=False
    matlab3d   11x11x11 Gaussian window over rows, columns and colours, edges repeated: MATLAB's ssim on RGB
               arrays, and the programs of MPRNet and NAFNet; reads far higher
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lgbpn_cli.evaluation.metrics import PEAK
from lgbpn_cli.image.filters import gaussian_weights, weighted_sums

C1 = (0.01 * PEAK) ** 2
C2 = (0.03 * PEAK) ** 2
GAUSSIAN_SIGMA_PX = 1.5
GAUSSIAN_RADIUS_PX = 5
UNIFORM_SIDE_PX = 7

Blur = Callable[[np.ndarray], np.ndarray]


def skimage7(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return SSIM with a 7x7 uniform window; NaN for pictures with a side below 7 px."""
    weights = np.full(UNIFORM_SIDE_PX, 1 / UNIFORM_SIDE_PX)
    window = UNIFORM_SIDE_PX**2
    return _ssim(picture, reference, lambda image: _valid_blur(image, weights), window / (window - 1))


def wang11(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return SSIM with an 11x11 Gaussian window; NaN for pictures with a side below 11 px."""
    return _ssim(picture, reference, lambda image: _valid_blur(image, _gaussian()), 1.0)


def matlab3d(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return SSIM with a Gaussian window that also runs over the colours; edges are repeated on all axes."""
    weights = _gaussian()
    mixing = _colour_mixing(weights, picture.shape[2])
    border = ((GAUSSIAN_RADIUS_PX, GAUSSIAN_RADIUS_PX), (GAUSSIAN_RADIUS_PX, GAUSSIAN_RADIUS_PX), (0, 0))

    def blur(image: np.ndarray) -> np.ndarray:
        return np.asarray(_valid_blur(np.pad(image, border, "edge"), weights) @ mixing)

    return _ssim(picture, reference, blur, 1.0)


CONVENTIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "skimage7": skimage7,
    "wang11": wang11,
    "matlab3d": matlab3d,
}
"""The conventions by the name that every report gives."""


def _ssim(picture: np.ndarray, reference: np.ndarray, blur: Blur, covariance_factor: float) -> float:
    mean_p, mean_r = blur(picture), blur(reference)
    if mean_p.size == 0:
        return math.nan
    energy_p, energy_r, product = blur(picture**2), blur(reference**2), blur(picture * reference)
    variances = covariance_factor * (energy_p + energy_r - mean_p**2 - mean_r**2)
    covariance = covariance_factor * (product - mean_p * mean_r)
    similarity = (2 * mean_p * mean_r + C1) * (2 * covariance + C2)
    similarity /= (mean_p**2 + mean_r**2 + C1) * (variances + C2)
    return float(similarity.mean())


def _gaussian() -> np.ndarray:
    return gaussian_weights(GAUSSIAN_SIGMA_PX, GAUSSIAN_RADIUS_PX)


def _colour_mixing(weights: np.ndarray, channels: int) -> np.ndarray:
    """Return the matrix (channels, channels) of a blur over the colour axis whose ends are repeated."""
    mixing = np.zeros((channels, channels))
    for channel in range(channels):
        for tap, weight in enumerate(weights):
            source = min(max(channel + tap - GAUSSIAN_RADIUS_PX, 0), channels - 1)
            mixing[source, channel] += weight
    return mixing


def _valid_blur(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the image blurred along rows and columns, only where the whole window lies inside it."""
    return weighted_sums(weighted_sums(image, weights, 0), weights, 1)
