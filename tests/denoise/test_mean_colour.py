"""A result keeps the mean colours of its photo where the noise is not skewed, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from working_results import result_holding

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise.denoiser import prepare
from lgbpn_cli.denoise.mean_colour import SMALLEST_PART, STEPS, keep_mean_colour, mean_shift
from lgbpn_cli.denoise.working import BAND_ROWS

SHAPE = (300, 200, 3)
DARK, BRIGHT = 60 / 255, 180 / 255


def noise(deviation: float = 8 / 255) -> np.ndarray:
    return (deviation * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)


def halves() -> np.ndarray:
    """Dark above, bright below."""
    scene = np.full(SHAPE, DARK, np.float32)
    scene[150:] = BRIGHT
    return scene


def lifted(noisy: np.ndarray, denoised: np.ndarray) -> np.ndarray:
    return keep_mean_colour(noisy, result_holding(denoised)).as_photo().pixels


def test_each_brightness_and_channel_gets_its_mean_back() -> None:
    scene, denoised = halves(), halves()
    denoised[:150, :, 0] += 2 / 255
    denoised[150:, :, 2] -= 1 / 255
    assert np.abs(lifted(scene + noise(), denoised) - scene).max() < 0.1 / 255


def test_what_lies_between_dark_and_bright_gets_its_own_mean_back() -> None:
    scene = halves()
    scene[100:200] = 0.5 * (DARK + BRIGHT)
    denoised = scene.copy()
    denoised[100:200] += 2 / 255
    assert np.abs(lifted(scene + noise(), denoised) - scene).max() < 0.2 / 255


def test_skewed_noise_has_a_mean_of_its_own() -> None:
    """As a shadow that the tone curve made too dark, and the network light again."""
    bent = noise() - 3 * noise() ** 2
    assert bent.mean() < -0.7 / 255
    assert np.array_equal(lifted(halves() + bent, halves()), halves())


@pytest.mark.parametrize(("light", "error"), [(255, -3), (4, 3)])
def test_clipped_noise_does_not_hide_an_error_to_the_other_side(light: int, error: int) -> None:
    """White clips noise to below: an answer that is darker still than its mean is wrong, however skewed it is."""
    scene = np.full(SHAPE, light / 255, np.float32)
    noisy = np.clip(scene + noise(), 0, 1)
    denoised = noisy.mean(dtype=np.float64).astype(np.float32) + np.full(SHAPE, error / 255, np.float32)
    kept = lifted(noisy, denoised)
    assert abs(255 * float((kept - noisy).mean())) < 0.2
    unclipped = scene.copy()
    assert np.array_equal(lifted(noisy, unclipped), unclipped)


def test_noise_that_reaches_down_to_black_is_left_alone() -> None:
    scene = np.full(SHAPE, 12 / 255, np.float32)
    assert np.array_equal(lifted(scene + noise() - np.float32(2 / 255), scene), scene)


def test_noise_that_hardly_reaches_down_to_black_is_trusted_in_part() -> None:
    scene = np.full(SHAPE, 24 / 255, np.float32)
    shift = lifted(scene + noise() - np.float32(2 / 255), scene) - scene
    assert shift == pytest.approx(-1 / 255, abs=0.2 / 255)


def test_what_may_be_chance_is_left_alone() -> None:
    scene = halves()[140:160, 0:80]
    noisy = scene + noise()[:20, :80]
    assert np.array_equal(lifted(noisy, scene), scene)


def test_noise_that_is_left_does_not_grow() -> None:
    """An even area holds most of the pixels, and the network left a tenth of its noise there, in squares of 8 px."""
    scene = np.full((304, 400, 3), 120 / 255, np.float32)
    scene[:, 250:] = 250 / 255
    removable = (8 / 255 * np.random.default_rng(0).standard_normal(scene.shape)).astype(np.float32)
    squares = removable.reshape(38, 8, 50, 8, 3).mean(axis=(1, 3))
    denoised = scene + np.repeat(np.repeat(squares, 8, axis=0), 8, axis=1)
    wall = np.s_[:, :250]
    assert lifted(scene + removable, denoised)[wall].std() < 1.02 * denoised[wall].std()


@pytest.mark.parametrize("middle", [80, 100, 140, 180, 200])
def test_the_shift_of_three_walls_is_not_steep(middle: int) -> None:
    scene = np.full(SHAPE, 60 / 255, np.float32)
    scene[100:200], scene[200:] = middle / 255, 220 / 255
    denoised = scene.copy()
    denoised[100:200] += np.float32(6 / 255)
    shift = mean_shift(scene + noise(), denoised)
    assert shift is not None
    assert np.abs(np.diff(shift.table, axis=1)).max() * (STEPS - 1) < 0.101


def test_black_and_white_stay_neutral() -> None:
    denoised = halves()
    denoised[..., 0] -= np.float32(2 / 255)
    shift = mean_shift(halves() + noise(), denoised)
    assert shift is not None
    assert shift.at(np.ones((1, 1, 3), np.float32)) == pytest.approx(0, abs=0.01 / 255)
    assert shift.at(np.zeros((1, 1, 3), np.float32)) == pytest.approx(0, abs=0.01 / 255)


@pytest.mark.parametrize("denoised", [halves(), halves() + noise()], ids=["clean", "noisy"])
def test_nothing_removed_nothing_shifted(denoised: np.ndarray) -> None:
    assert mean_shift(denoised, denoised) is None


@pytest.mark.parametrize(("pixels", "shifted"), [(SMALLEST_PART - 1, False), (SMALLEST_PART, True)])
def test_few_pixels_tell_no_mean(pixels: int, shifted: bool) -> None:
    scene = np.full((1, pixels, 3), BRIGHT, np.float32)
    assert (mean_shift(scene, scene + np.float32(20 / 255)) is not None) == shifted


def test_a_result_is_lifted_in_its_place_band_by_band() -> None:
    scene = np.full((2 * BAND_ROWS + 3, 40, 3), BRIGHT, np.float32)
    noisy = scene + (8 / 255 * np.random.default_rng(0).standard_normal(scene.shape)).astype(np.float32)
    denoised = scene + np.float32(3 / 255)
    assert np.abs(lifted(noisy, denoised) - scene).max() < 0.3 / 255


def test_the_shipped_student_keeps_the_colours_of_a_coloured_photo() -> None:
    """Its own shift is several tenths of a level here."""
    colours = np.array([150, 100, 60], np.float32) / 255
    noisy = np.clip(np.full(SHAPE, colours) + noise(), 0, 1).astype(np.float32)
    for strength in (None, 0.7):
        clean = prepare(None, "cpu", InferenceConfig(strength=strength)).denoise_array(noisy)
        assert np.abs(255 * (clean - noisy).mean(axis=(0, 1))).max() < 0.1
