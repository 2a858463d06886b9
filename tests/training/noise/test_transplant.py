"""Noise from another place of a photo: as strong, as correlated, as skewed as there, and coarse where it was not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lgbpn_cli.training.noise.transplant import lay_noise, learn_noise

SIDE = 128


def two_greys() -> np.ndarray:
    """Return a clean picture, (256, 256, 3) uint8: its left half dark, its right half bright."""
    clean = np.full((256, 256, 3), 60, np.uint8)
    clean[:, 128:] = 180
    return clean


def laid_on(grey: float, noisy: np.ndarray, clean: np.ndarray, count: int = 6) -> np.ndarray:
    """Return what the noise of the photo adds to a grey picture, (count, side, side, 3) in levels."""
    noise, scene = learn_noise(noisy, clean), np.full((SIDE, SIDE, 3), grey, np.float32)
    return np.stack([lay_noise(noise, scene, np.random.default_rng(n)) - scene for n in range(count)])


def taken(clean: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("grey", "deviation", "mean"), [(60, 10, -3), (180, 4, 0)])
def test_noise_is_as_strong_and_as_shifted_as_at_that_brightness(
    grey: float, deviation: float, mean: float
) -> None:
    clean, random = two_greys(), np.random.default_rng(0)
    dark = clean < 100
    noise = np.where(dark, 10, 4) * random.standard_normal(clean.shape) - 3 * dark
    laid = laid_on(grey, taken(clean, noise), clean)
    assert laid.std() == pytest.approx(deviation, rel=0.06)
    assert laid.mean() == pytest.approx(mean, abs=0.35)


def test_noise_keeps_its_correlation_its_colours_and_its_skewness() -> None:
    random = np.random.default_rng(1)
    grey = random.gamma(4, size=(256, 256, 1)) - 4
    noise = gaussian_filter(np.repeat(grey, 3, 2), (0.7, 0.7, 0)) * (6, 6, -6)
    laid = laid_on(100, taken(two_greys() // 200 + 100, noise), two_greys() // 200 + 100)
    fine = laid - gaussian_filter(laid, (0, 2, 2, 0))
    before = noise - gaussian_filter(noise, (2, 2, 0))
    assert neighbours(fine[..., 0]) == pytest.approx(neighbours(before[None, ..., 0]), abs=0.05)
    assert np.corrcoef(fine[..., 0].ravel(), fine[..., 2].ravel())[0, 1] < -0.9
    assert (fine[..., 0] ** 3).mean() > 0.5 * (before[..., 0] ** 3).mean() > 0


def neighbours(pictures: np.ndarray) -> float:
    return float((pictures[:, :, 1:] * pictures[:, :, :-1]).mean() / (pictures**2).mean())


def coarse_energy(pictures: np.ndarray) -> float:
    """Return the energy between 1/64 and 1/16 cycles a pixel of (n, h, w, 3)."""
    side = pictures.shape[1]
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    spectrum = np.abs(np.fft.fft2(pictures, axes=(1, 2))) ** 2 / side**4
    return float(spectrum[:, (frequency > 1 / 64) & (frequency < 1 / 16)].sum(axis=1).mean())


def test_coarse_noise_that_the_cleaned_picture_kept_is_laid_all_the_same() -> None:
    clean = np.full((256, 256, 3), 100, np.float64)
    noise = 12 * np.random.default_rng(2).standard_normal(clean.shape)
    kept = gaussian_filter(noise, (5, 5, 0))
    noisy, cleaned = taken(clean, noise), taken(clean, kept)
    removed = noisy.astype(float) - cleaned
    assert coarse_energy(removed[None]) < 0.65 * coarse_energy(noise[None])
    assert coarse_energy(laid_on(100, noisy, cleaned)) == pytest.approx(coarse_energy(noise[None]), rel=0.2)


def test_places_that_hold_more_than_noise_are_passed_over() -> None:
    clean = np.full((256, 512, 3), 100, np.uint8)
    noise = 5 * np.random.default_rng(3).standard_normal(clean.shape)
    noise[:, 400:] *= 6  # texture that was removed
    laid = laid_on(100, taken(clean, noise), clean, count=10)
    assert laid.std(axis=(1, 2, 3)) == pytest.approx(5, rel=0.3)


def test_the_same_draw_lays_the_same_noise() -> None:
    clean = two_greys()
    noisy = taken(clean, 9 * np.random.default_rng(4).standard_normal(clean.shape))
    assert np.array_equal(laid_on(90, noisy, clean, 1), laid_on(90, noisy, clean, 1))
    first, second = laid_on(90, noisy, clean, 2)
    assert not np.array_equal(first, second)


def test_a_photo_without_noise_gets_none() -> None:
    assert abs(laid_on(90, two_greys(), two_greys())).max() <= 1
