"""A result keeps the mean colours of its photo where the noise is not skewed, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoiser import prepare
from lgbpn_cli.mean_colour import BAND_ROWS, SMALLEST_PART, Lifted, mean_shift

SHAPE = (300, 200, 3)
DARK, BRIGHT = 60 / 255, 180 / 255


def noise(deviation: float = 8 / 255) -> np.ndarray:
    return (deviation * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)


def halves() -> np.ndarray:
    """Dark above, bright below."""
    scene = np.full(SHAPE, DARK, np.float32)
    scene[150:] = BRIGHT
    return scene


def lifted(noisy: np.ndarray, denoised: np.ndarray, strength: float = 1.0) -> np.ndarray:
    shift = mean_shift(noisy, denoised, strength)
    result = denoised.copy()
    if shift is not None:
        Lifted(denoised, shift).put(result)
    return result


def test_each_brightness_and_channel_gets_its_mean_back() -> None:
    scene, denoised = halves(), halves()
    denoised[:150, :, 0] += 2 / 255
    denoised[150:, :, 2] -= 1 / 255
    assert np.abs(lifted(scene + noise(), denoised) - scene).max() < 0.1 / 255


def test_skewed_noise_has_a_mean_of_its_own() -> None:
    """As a shadow that the tone curve made too dark, and the network light again."""
    bent = noise() - 3 * noise() ** 2
    assert bent.mean() < -0.7 / 255
    assert np.array_equal(lifted(halves() + bent, halves()), halves())


def test_noise_that_reaches_down_to_black_is_left_alone() -> None:
    scene = np.full(SHAPE, 12 / 255, np.float32)
    assert np.array_equal(lifted(scene + noise() - np.float32(2 / 255), scene), scene)


def test_what_may_be_chance_is_left_alone() -> None:
    scene = halves()[140:160, 0:80]
    noisy = scene + noise()[:20, :80]
    assert np.array_equal(lifted(noisy, scene), scene)


@pytest.mark.parametrize(
    "denoised",
    [halves(), halves() + noise(), halves()[:5, : SMALLEST_PART // 5 - 1]],
    ids=["same", "noisy", "tiny"],
)
def test_nothing_removed_nothing_shifted(denoised: np.ndarray) -> None:
    assert mean_shift(denoised, denoised) is None


def test_half_strength_shifts_half_as_much() -> None:
    scene, denoised = halves(), halves() + np.float32(2 / 255)
    noisy = scene + noise()
    half = (denoised + noisy) / 2
    assert lifted(noisy, half, 0.5) == pytest.approx((lifted(noisy, denoised) + noisy) / 2, abs=0.05 / 255)


def test_a_result_is_lifted_in_its_place_band_by_band() -> None:
    scene = np.full((2 * BAND_ROWS + 3, 40, 3), BRIGHT, np.float32)
    noisy = scene + (8 / 255 * np.random.default_rng(0).standard_normal(scene.shape)).astype(np.float32)
    denoised = scene + np.float32(3 / 255)
    shift = mean_shift(noisy, denoised)
    assert shift is not None
    Lifted(denoised, shift).put(denoised)
    assert np.abs(denoised - scene).max() < 0.3 / 255


def test_the_shipped_student_keeps_the_colours_of_a_coloured_photo() -> None:
    """Its own shift is several tenths of a level here."""
    colours = np.array([150, 100, 60], np.float32) / 255
    noisy = np.clip(np.full(SHAPE, colours) + noise(), 0, 1).astype(np.float32)
    for strength in (None, 0.7):
        clean = prepare(None, "cpu", InferenceConfig(strength=strength)).run(noisy)
        assert np.abs(255 * (clean - noisy).mean(axis=(0, 1))).max() < 0.1
