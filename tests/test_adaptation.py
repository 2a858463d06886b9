"""What the measured noise decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_noise import scene, white

from lgbpn_cli import adaptation
from lgbpn_cli.adaptation import choose_preset, give_detail_back
from lgbpn_cli.noise import NO_NOISE, NoiseMeasurement, measure_noise


def with_detail(noisy: np.ndarray, denoised: np.ndarray, noise: NoiseMeasurement) -> np.ndarray:
    """The result, written over the denoised picture as the command does it."""
    result = denoised.copy()
    give_detail_back(noisy, result, result, noise, 1.5)
    return result


def test_what_was_noise_stays_removed() -> None:
    clean = scene()
    noisy = clean + white(10, clean.shape)
    result = with_detail(noisy, clean, measure_noise(noisy))
    assert ((result - clean) ** 2).mean() < 0.02 * ((noisy - clean) ** 2).mean()


def test_texture_that_was_smoothed_away_comes_back() -> None:
    clean = scene()
    texture = white(25, clean.shape, seed=5)
    texture[: clean.shape[0] // 2] = 0  # flat ground of every brightness is left
    noisy = clean + texture + white(4, clean.shape)
    result = with_detail(noisy, clean, measure_noise(noisy))
    textured = np.s_[clean.shape[0] // 2 + 30 :]
    assert abs((result - clean - texture)[textured]).mean() < 0.3 * abs(texture[textured]).mean()


def test_a_photo_without_noise_is_left_as_it_is() -> None:
    photo = scene()
    assert np.array_equal(with_detail(photo, np.zeros_like(photo), NO_NOISE), photo)


def everywhere_textured(seed: int = 5) -> np.ndarray:
    """A scene with texture all over it, of 3 to 20 levels: there is no flat patch in it."""
    picture = scene()
    strength = (
        np.linspace(3, 20, picture.shape[0] * picture.shape[1]).reshape(picture.shape[:2])[..., None] / 255
    )
    random = np.random.default_rng(seed)
    return np.asarray(picture + strength * random.choice([-1.0, 1.0], picture.shape), np.float32)


def test_texture_that_is_everywhere_is_told_from_noise_by_where_least_was_removed() -> None:
    clean = everywhere_textured()
    noisy = clean + white(1, clean.shape)
    noise = measure_noise(noisy)
    assert noise.level > 3  # it takes the weakest texture for noise
    plain = scene()  # a network that takes it for noise, too
    strips = (np.arange(len(clean)) // 40) % 4
    plain[strips == 0] = clean[strips == 0]  # but for a quarter of the photo
    result = with_detail(noisy, plain, noise)
    rest = strips == 2
    assert abs((result - noisy)[rest]).mean() < 0.15 * abs((plain - noisy)[rest]).mean()


@pytest.mark.parametrize("untouched", [1.0, 0.5])
def test_frames_are_no_places_where_least_was_removed(untouched: float) -> None:
    clean = scene()
    noisy = clean + white(10, clean.shape)
    noise = measure_noise(noisy)  # of the photo alone: how it takes frames is another matter
    clean[:40], noisy[:40] = untouched, untouched
    result = with_detail(noisy, clean, noise)
    assert ((result - clean) ** 2).mean() < 0.02 * ((noisy - clean) ** 2).mean()


@pytest.mark.parametrize("side", [1, 20, 28])
def test_photos_too_small_to_look_for_it_have_no_least(side: int) -> None:
    clean = scene()[:side, :side]
    noisy = clean + white(10, clean.shape)
    noise = measure_noise(scene() + white(10, scene().shape))
    result = with_detail(noisy, clean, noise)
    assert abs(result - clean).mean() < 0.3 * abs(noisy - clean).mean()


def test_the_result_does_not_depend_on_the_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = scene()
    noisy = clean + white(10, clean.shape) * (1 + clean)
    noise = measure_noise(noisy)
    whole = with_detail(noisy, 0.9 * clean, noise)
    monkeypatch.setattr(adaptation, "BAND_ROWS", 50)
    assert with_detail(noisy, 0.9 * clean, noise) == pytest.approx(whole, abs=1e-6)


def test_pictures_given_are_not_changed() -> None:
    noisy, denoised = scene() + white(9, scene().shape), scene()
    before = noisy.copy()
    give_detail_back(noisy, denoised, np.empty_like(noisy), measure_noise(noisy), 1.5)
    assert np.array_equal(noisy, before)
    assert np.array_equal(denoised, scene())


def test_fine_noise_gets_the_preset_for_it_and_coarse_noise_the_other() -> None:
    picture = scene()
    fine = white(12, picture.shape)
    coarse = fine + np.roll(fine, 1, axis=0) + np.roll(fine, 1, axis=1)
    assert choose_preset(measure_noise(picture + fine)) == "dnd"
    assert choose_preset(measure_noise(picture + coarse)) == "sidd"
    assert choose_preset(replace(NO_NOISE)) == "dnd"


def test_a_photo_of_one_brightness_has_one_least() -> None:
    clean = np.full((200, 200, 3), 0.5, np.float32)
    noisy = clean + white(10, clean.shape)
    removed = noisy.copy()
    removed[:100] = noisy[:100] - 0.5 * (noisy - clean)[:100]  # in the upper half only half of it
    removed[100:] = clean[100:]
    least = adaptation._least_removed(noisy, removed)
    assert least.at(np.array([100.0, 127.5, 200.0])) == pytest.approx(25, rel=0.3)
