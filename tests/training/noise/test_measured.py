"""The noise of a camera: measured over many photos as it was made, and laid on scenes as it was measured."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.noise.measured import PATCH_PX, CameraNoise, _without_outliers, measure_camera

MIX = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, -0.5, 0.9]], np.float32)
"""Red goes with green, and green against blue."""
LEVELS = (6.0, 12.0)
"""At black and at white."""


def camera_noise(scene: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Noise of two pixels' size, which grows with brightness."""
    drawn = blur(random.standard_normal(scene.shape).astype(np.float32), 0.7)
    noise = (drawn / drawn.std()) @ MIX.T
    return np.asarray(noise * np.interp(scene, (0, 255), LEVELS), np.float32)


def photo(seed: int) -> np.ndarray:
    """A slope with an edge and a corner full of texture, with that noise."""
    random = np.random.default_rng(seed)
    scene = np.repeat(np.linspace(30 + 20 * seed, 150 + 15 * seed, 200)[:, None, None], 200, axis=1)
    scene = np.repeat(scene, 3, axis=2)
    scene[:, 150:] -= 25
    scene[:90, :90] += random.choice([-40.0, 40.0], (90, 90, 1))
    return np.clip(np.rint(scene + camera_noise(scene, random)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def measured() -> CameraNoise:
    return measure_camera([photo(seed) for seed in range(6)], None)


def test_the_level_at_each_brightness_is_that_of_the_camera(measured: CameraNoise) -> None:
    at = np.repeat(np.array([70.0, 120.0, 170.0], np.float32)[:, None, None], 3, axis=2)
    true = np.interp(at, (0, 255), LEVELS) * np.sqrt((MIX**2).sum(axis=1))
    np.testing.assert_allclose(measured.level_at(at), true, rtol=0.15)
    assert measured.patches > 20


def test_noise_that_is_laid_has_the_colours_and_the_grain_of_the_camera(measured: CameraNoise) -> None:
    scene, random = np.full((256, 256, 3), 120, np.float32), np.random.default_rng(9)
    laid, true = measured.laid_on(scene, random) - scene, camera_noise(scene, random)
    for noise in (laid, true):
        noise -= noise.mean(axis=(0, 1))
    np.testing.assert_allclose(
        np.corrcoef(laid.reshape(-1, 3).T), np.corrcoef(true.reshape(-1, 3).T), atol=0.1
    )
    for offset in (1, 2, 3, 8):
        first, second = (
            (noise[:, offset:] * noise[:, :-offset]).mean() / (noise**2).mean() for noise in (laid, true)
        )
        assert first == pytest.approx(second, abs=0.07), offset
    assert laid.std() == pytest.approx(true.std(), rel=0.15)


def test_a_level_that_stands_out_from_its_neighbours_is_none() -> None:
    assert _without_outliers([5.0, 6.0, 11.0, 7.0, 8.0, 14.0]) == (5.0, 6.0, 7.0, 8.0, 8.0, 8.0)
    assert _without_outliers([4.0, 5.0, 6.0, 7.0]) == (4.0, 5.0, 6.0, 7.0)
    assert _without_outliers([1.0, 5.0, 6.0, 7.0]) == (1.0, 5.0, 6.0, 7.0)  # near black noise is weak
    assert _without_outliers([4.0, 9.0]) == (4.0, 9.0)


def test_soft_grey_shades_are_no_noise() -> None:
    random, photos = np.random.default_rng(4), []
    for _ in range(4):
        shades = blur(random.standard_normal((256, 256, 1)).astype(np.float32), 10)
        shades *= 3 / shades.std()
        shades[:, :96] = 0
        noisy = 128 + shades + random.normal(0, 8, (256, 256, 3))
        photos.append(np.rint(noisy.clip(0, 255)).astype(np.uint8))
    density = np.fft.fft2(measure_camera(photos, None).covariance, axes=(0, 1)).real
    for channel in range(3):
        coarse, fine = (density[rows, :8, channel, channel].mean() for rows in (slice(1, 5), slice(16, 48)))
        assert coarse == pytest.approx(fine, rel=0.4)


def test_noise_of_rows_is_laid_as_rows() -> None:
    random = np.random.default_rng(3)
    rows = [random.normal(0, 8, (192, 1, 1)) + random.normal(0, 3, (192, 192, 3)) for _ in range(4)]
    noise = measure_camera([np.rint(128 + each).clip(0, 255).astype(np.uint8) for each in rows], None)
    laid = noise.laid_on(np.full((128, 128, 3), 128, np.float32), random) - 128
    along, across = laid[:, :32].mean(axis=1).std(), laid[:32].mean(axis=0).std()
    assert along > 4 * across


def test_what_is_laid_is_clipped_and_in_whole_levels(measured: CameraNoise) -> None:
    laid = measured.laid_on(np.full((PATCH_PX, PATCH_PX, 3), 3, np.float32), np.random.default_rng(0))
    assert laid.min() == 0
    assert np.array_equal(laid, np.rint(laid))


def test_where_all_is_black_noise_is_taken_to_be_white() -> None:
    noise = measure_camera([np.zeros((192, 192, 3), np.uint8)], None)
    assert noise.patches == 0
    laid = noise.laid_on(np.full((16, 16, 3), 100, np.float32), np.random.default_rng(0))
    assert np.isfinite(laid).all()
