"""The mean of noise told from its skewness: right where a tone curve bends it, nothing where none does."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.noise.mean import missing_mean
from lgbpn_cli.training.noise.transplant import lay_noise, learn_noise

GAINS = (0.016, 0.008, 0.004)
"""Variance of the shot noise of red, green and blue at full scale."""
READ = 1e-4
"""Variance of the read noise."""


def photo(exponent: float, seed: int = 0, read: float = READ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the scene (levels), its noisy photo through the curve x ** exponent, and the noise's true mean (3,)."""
    random = np.random.default_rng(seed)
    light = np.repeat(np.linspace(0.15, 0.6, 400)[None, :, None], 300, axis=0).repeat(3, axis=2)
    electrons = random.poisson(light / GAINS) * np.array(GAINS)
    taken = np.maximum(electrons + np.sqrt(read) * random.standard_normal(light.shape), 1e-4)
    scene, noisy = (np.rint(255 * each**exponent).clip(0, 255).astype(np.uint8) for each in (light, taken))
    return scene, noisy, (noisy.astype(float) - scene).mean(axis=(0, 1))


def told(noisy: np.ndarray, cleaned: np.ndarray) -> np.ndarray:
    """Return the mean of the noise in levels by its skewness."""
    found = np.array(missing_mean([noisy], [cleaned]))
    variance = (noisy.astype(float) - cleaned).var(axis=(0, 1))
    return (noisy.astype(float) - cleaned).mean(axis=(0, 1)) + found * variance


@pytest.mark.parametrize("exponent", [1.0, 0.45, 1.6])
@pytest.mark.parametrize("lifted", [0, 2])
def test_the_mean_is_told_whatever_was_removed(exponent: float, lifted: int) -> None:
    """As far as the curve bends, which must be told from Poisson noise's own skewness."""
    scene, noisy, mean = photo(exponent)
    cleaned = scene + np.uint8(lifted)
    np.testing.assert_allclose(told(noisy, cleaned), mean, atol=0.25)


def test_a_cleaned_picture_that_is_too_bright_leaves_a_mean_missing_and_photos_are_pooled() -> None:
    scene, noisy, _ = photo(0.45)
    red, green, blue = missing_mean([noisy], [scene + np.uint8(2)])
    assert min(red, green, blue) > 0
    np.testing.assert_allclose(missing_mean([noisy] * 2, [scene + np.uint8(2)] * 2), (red, green, blue))


def test_read_noise_makes_the_mean_too_low() -> None:
    scene, noisy, mean = photo(0.45, read=2e-3)
    short = told(noisy, scene) - mean
    assert (short < -0.1).all()
    assert (short > -1.5).all()


def test_a_photo_without_noise_misses_nothing() -> None:
    scene, _, _ = photo(0.45)
    assert missing_mean([scene], [scene]) == (0, 0, 0)
    assert missing_mean([], []) == (0, 0, 0)


def test_noise_is_laid_with_the_mean_that_was_told() -> None:
    scene, noisy, _ = photo(0.45)
    cleaned = scene + np.uint8(2)
    missing = missing_mean([noisy], [cleaned])
    place = scene[100:228, 136:264].astype(np.float32)

    def laid(noise_of: tuple[float, float, float], strength: float = 1.0) -> np.ndarray:
        noise = learn_noise(noisy, cleaned, noise_of)
        draws = [lay_noise(noise, place, np.random.default_rng(n), strength) - place for n in range(8)]
        return np.mean(draws, axis=(0, 1, 2))

    true = (noisy[100:228, 136:264].astype(float) - scene[100:228, 136:264]).mean(axis=(0, 1))
    np.testing.assert_allclose(laid(missing), true, atol=0.5)
    np.testing.assert_allclose(laid((0, 0, 0)), true - 2, atol=0.5)
    np.testing.assert_allclose(laid(missing, 0.5), true / 4, atol=0.3)
