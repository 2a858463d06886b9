"""What a student is asked for: the estimate, with detail given back and shadows lifted where noise was skewed."""

from __future__ import annotations

import numpy as np

from lgbpn_cli.denoise.working import encode_light
from lgbpn_cli.training.noise.camera import Camera, photograph
from lgbpn_cli.training.student.targets import NOISY_SHARE, make_target, shadow_shift


def gaussian_photo(level: float, sigma: float, side: int = 160) -> np.ndarray:
    """Return a flat picture with symmetric noise, (side, side, 3) uint8."""
    noise = np.random.default_rng(0).normal(level, sigma, (side, side, 3))
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


def test_a_perfect_estimate_of_a_flat_picture_comes_back_with_a_trace_of_the_noise() -> None:
    noisy = gaussian_photo(120, 10)
    estimate = np.full(noisy.shape, 120, np.float16)
    target = make_target(noisy, [estimate, estimate])
    expected = 120 + NOISY_SHARE * (noisy - 120.0)
    assert np.abs(target - expected).mean() < 0.5


def test_the_mean_of_the_estimates_counts() -> None:
    noisy = gaussian_photo(120, 0)
    target = make_target(noisy, [np.full(noisy.shape, value, np.float16) for value in (118, 122)])
    assert np.array_equal(target, np.full(noisy.shape, 120, np.float32))


def test_texture_that_the_estimate_lost_is_given_back_and_noise_is_not() -> None:
    noisy = gaussian_photo(120, 4).astype(np.float32)
    stripes = 40 * np.sin(np.arange(60) * 2)[None, :, None]
    noisy[50:110, 50:110] += stripes
    noisy = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    target = make_target(noisy, [np.full(noisy.shape, 120, np.float16)])
    inside, outside = target[70:90, 70:90] - 120, target[:30, :30] - 120
    assert inside.std() > 0.9 * stripes.std()
    assert outside.std() < 0.3 * 4


def test_symmetric_noise_lifts_nothing() -> None:
    noisy = gaussian_photo(120, 12).astype(np.float32)
    assert shadow_shift(noisy, np.full(noisy.shape, 120, np.float32)).mean() < 0.15


def test_the_shift_brings_the_mean_of_a_cameras_noise_nearer_to_the_scene() -> None:
    scene = encode_light(np.full((192, 192, 3), 0.1, np.float32))
    noisy = 255 * photograph(scene, Camera(shot=1.5e-2, read=5e-4, saturation=0), np.random.default_rng(0))
    mean = np.broadcast_to(noisy.mean(axis=(0, 1)), noisy.shape).astype(np.float32)
    missing, shift = (255 * scene - mean).mean(), shadow_shift(noisy, mean).mean()
    assert missing > 2
    assert 0.3 * missing < shift < 1.3 * missing


def test_the_shift_is_bounded() -> None:
    random = np.random.default_rng(0)
    noisy = np.where(random.random((80, 80, 3)) < 0.5, 0, 255).astype(np.float32)
    assert shadow_shift(noisy, np.full(noisy.shape, 20, np.float32)).max() <= 6.0
