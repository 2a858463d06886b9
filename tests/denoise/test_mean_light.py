"""Linear light keeps its mean, place by place, whatever a network made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise import mean_light
from lgbpn_cli.denoise.denoiser import prepare
from lgbpn_cli.denoise.mean_light import CELL_PX, keep_mean_light
from lgbpn_cli.photos.photo import Photo

TALL = 67 * CELL_PX + 5
"""No whole number of squares."""


def linear(pixels: np.ndarray) -> Photo:
    return Photo(Path("photo.tif"), pixels, None, "tiff", 1, linear=True)


def kept(noisy: np.ndarray, denoised: np.ndarray) -> np.ndarray:
    result = linear(denoised.copy())
    keep_mean_light(linear(noisy), result)
    return result.pixels


def noise(shape: tuple[int, ...], deviation: float) -> np.ndarray:
    return (deviation * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


def test_a_result_too_dark_in_one_place_gets_its_light_back_there() -> None:
    scene = np.full((TALL, 203, 3), 0.01, np.float32)
    denoised = scene.copy()
    denoised[:, 100:, 1] *= 0.7
    result = kept(scene + noise(scene.shape, 0.01), denoised)
    far = np.s_[:, 180:, 1]
    assert result[far].mean() == pytest.approx(0.01, rel=0.02)
    assert np.abs(result - scene)[far].max() < 0.1 * 0.01
    assert result[:, :30].mean() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("squares", [3, 67], ids=["many bands", "a last band below a square"])
def test_bands_change_nothing(monkeypatch: pytest.MonkeyPatch, squares: int) -> None:
    scene = np.full((TALL, 64, 1), 0.01, np.float32)
    noisy = scene + noise(scene.shape, 0.01)
    at_once = kept(noisy, 0.5 * scene)
    monkeypatch.setattr(mean_light, "BAND_PIXELS", 64 * CELL_PX * squares)
    assert np.array_equal(kept(noisy, 0.5 * scene), at_once)


@pytest.mark.parametrize("bright", [0.8, 10.0])
def test_bright_places_do_not_leak_into_dark_ones(bright: float) -> None:
    """The network is off by a thousandth of the light, which is more than all light of the dark half."""
    scene = np.full((128, 256, 3), 0.0005, np.float32)
    scene[:, :128] = bright
    denoised = scene.copy()
    denoised[:, :128] *= np.array([1.001, 0.999, 1.0], np.float32)
    denoised[:, 128:] *= 0.9
    result = kept(scene + noise(scene.shape, 1.0) * (0.3 * scene), denoised)
    for near in (np.s_[:, 128:136], np.s_[:, 140:160]):
        assert result[near].mean(axis=(0, 1)) == pytest.approx(np.full(3, 0.0005), rel=0.05)


def test_a_hot_pixel_that_was_removed_does_not_shine() -> None:
    scene = np.full((128, 128, 3), 0.002, np.float32)
    noisy = scene + noise(scene.shape, 0.001)
    with_hot_one = noisy.copy()
    with_hot_one[64, 64] = 1.0
    assert kept(with_hot_one, scene) == pytest.approx(kept(noisy, scene), abs=2e-6)


def test_where_noise_was_clipped_at_black_its_mean_is_not_kept() -> None:
    scene = np.full((128, 256, 1), 0.02, np.float32)
    scene[:, 128:] = 0
    clipped = np.maximum(0, scene + noise(scene.shape, 0.004))
    result = kept(clipped, 0.9 * scene)
    assert clipped[:, 200:].mean() > 0.001
    assert np.abs(result[:, 200:]).max() < 1e-4
    assert result[:, :40].mean() == pytest.approx(0.02, rel=0.01)


def test_noise_that_was_clipped_in_part_is_thought_back() -> None:
    scene = np.full((256, 256, 1), 0.004, np.float32)
    clipped = np.maximum(0, scene + noise(scene.shape, 0.004))
    assert clipped.mean() > 1.07 * 0.004
    assert 0.7 * 0.004 < kept(clipped, 0.7 * scene).mean() < 0.004
    assert kept(clipped, scene).mean() == pytest.approx(0.004, rel=0.02)


def test_what_nothing_was_removed_from_stays_exactly_as_it_is() -> None:
    photo = np.maximum(0, 0.004 + noise((96, 96, 3), 0.004))
    assert np.array_equal(kept(photo, photo), photo)


def test_integers_are_rounded_and_stay_in_their_range() -> None:
    noisy, denoised = np.zeros((160, 160, 3), np.uint16), np.zeros((160, 160, 3), np.uint16)
    noisy[:, :128], denoised[:, :128] = (1003, 1, 65535), (1000, 3, 65534)  # the rest is the darkest there is
    denoised[32, 32] = (1000, 0, 65535)  # would leave the range
    result = kept(noisy, denoised)
    assert result.dtype == np.uint16
    assert (result[:48, :48, 0] == 1003).all()
    assert np.unique(result[:48, :48, 1]).tolist() == [0, 1]
    assert (result[:48, :48, 2] == 65535).all()
    assert (result[:, 128:] == 0).all()


@pytest.mark.parametrize("shape", [(CELL_PX - 1, 40, 3), (1, 1, 1), (CELL_PX, CELL_PX, 1)])
def test_pictures_hardly_larger_than_a_square_are_no_error(shape: tuple[int, int, int]) -> None:
    denoised = np.full(shape, 0.5, np.float32)
    assert np.isfinite(kept(denoised + 0.1, denoised)).all()


@pytest.mark.parametrize(("mean", "deviation"), [(0.002, 0.002), (0.02, 0.01)])
def test_denoised_shadows_are_as_light_as_they_were(mean: float, deviation: float) -> None:
    noisy = mean + noise((160, 160, 3), deviation)
    clean = prepare(None, "cpu", InferenceConfig()).denoise(linear(noisy)).photo.pixels
    assert clean.std() < 0.3 * deviation
    assert clean.mean(axis=(0, 1)) == pytest.approx(noisy.mean(axis=(0, 1)), rel=0.02)


def test_encoded_values_are_left_to_the_network() -> None:
    """Noise has a mean under a tone curve: that of an encoded photo is no truth."""
    noisy = np.clip(10 + 255 * noise((160, 160, 3), 0.1), 0, 255).astype(np.uint8)
    photo = Photo(Path("photo.png"), noisy, None, "png", 1)
    denoiser = prepare(None, "cpu", InferenceConfig(strength=1.0))
    expected = np.rint(255 * np.clip(denoiser.denoise_array((noisy / 255).astype(np.float32)), 0, 1))
    assert np.abs(denoiser.denoise(photo).photo.pixels - expected).max() <= 1
