"""What the measured noise decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from noisy_scenes import scene, white
from working_results import result_holding

from lgbpn_cli.denoise import detail as adaptation
from lgbpn_cli.denoise.detail import give_detail_back
from lgbpn_cli.noise.measure import NO_NOISE, NoiseMeasurement, measure_noise
from lgbpn_cli.noise.summary import choose_preset


def with_detail(noisy: np.ndarray, denoised: np.ndarray, noise: NoiseMeasurement) -> np.ndarray:
    """The result, written over the denoised picture as the command does it."""
    return give_detail_back(noisy, result_holding(denoised), noise, 1.5).as_photo().pixels


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


def test_a_lower_tolerance_gives_more_back() -> None:
    clean = scene()
    noisy = clean + white(10, clean.shape)
    noise = measure_noise(noisy)
    kept = {}
    for tolerance in (0.5, 0.8):
        result = give_detail_back(noisy, result_holding(clean), noise, tolerance).as_photo().pixels
        kept[tolerance] = float(((result - clean) * (noisy - clean)).mean() / ((noisy - clean) ** 2).mean())
    assert kept == {0.5: pytest.approx(0.5, abs=0.08), 0.8: pytest.approx(0.2, abs=0.08)}


def left_of_noise(level: float, *, measured: float) -> tuple[float, float]:
    """Which share of removed noise comes back in an even half of a photo and in a busy one."""
    clean = np.full((200, 400, 3), 0.5, np.float32)
    clean[:, 200:] += white(20, clean[:, 200:].shape, seed=3)
    noise = white(level, clean.shape, seed=4)
    known = replace(NO_NOISE, brightness_8bit=((0.0, 255.0),) * 3, level_8bit=((measured, measured),) * 3)
    result = give_detail_back(clean + noise, result_holding(clean), known, 2.0).as_photo().pixels
    kept = ((result - clean) * noise).reshape(200, 2, 200, 3).mean(axis=(0, 2, 3)) / (noise**2).mean()
    return float(kept[0]), float(kept[1])


@pytest.mark.parametrize(("level", "least", "most"), [(1.0, 0.3, 0.4), (3.0, 0.15, 0.2), (20.0, 0.005, 0.03)])
def test_noise_that_nobody_sees_stays_where_the_picture_is_busy(
    level: float, least: float, most: float
) -> None:
    even, busy = left_of_noise(level, measured=1.25 * level)
    assert even < 0.05
    assert least < busy < most


def test_where_more_was_removed_than_measured_nothing_stays() -> None:
    assert max(left_of_noise(2.0, measured=2.0 / 1.2)) < 0.05


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = scene()
    noisy = clean + white(10, clean.shape) * (1 + clean)
    noise = measure_noise(noisy)
    whole = with_detail(noisy, 0.9 * clean, noise)
    monkeypatch.setattr(adaptation, "BAND_CELLS", 5)
    assert with_detail(noisy, 0.9 * clean, noise) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("height", [101, 104, 25, 3])
def test_bands_may_end_anywhere(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = scene()[:height, : 100 + height]
    noisy = clean + white(10, clean.shape)
    noise = measure_noise(scene() + white(10, scene().shape))
    whole = with_detail(noisy, 0.9 * clean, noise)
    monkeypatch.setattr(adaptation, "BAND_CELLS", 5)
    assert with_detail(noisy, 0.9 * clean, noise) == pytest.approx(whole, abs=1e-6)
    assert np.isfinite(whole).all()


def test_the_result_does_not_depend_on_the_order_in_memory() -> None:
    clean = scene()
    noisy = clean + white(10, clean.shape) + white(25, clean.shape, seed=5)
    noise = measure_noise(clean + white(10, clean.shape))

    def planes(picture: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(picture.transpose(2, 0, 1)).transpose(1, 2, 0)

    expected = with_detail(noisy, clean.copy(), noise)
    np.testing.assert_allclose(with_detail(planes(noisy), planes(clean), noise), expected, atol=1e-6)


def test_pictures_given_are_not_changed() -> None:
    noisy, denoised = scene() + white(9, scene().shape), scene()
    before = noisy.copy()
    with_detail(noisy, denoised, measure_noise(noisy))
    assert np.array_equal(noisy, before)
    assert np.array_equal(denoised, scene())


def test_fine_noise_gets_the_preset_for_it_and_coarse_noise_the_other() -> None:
    picture = scene()
    fine = white(12, picture.shape)
    coarse = fine + np.roll(fine, 1, axis=0) + np.roll(fine, 1, axis=1)
    assert choose_preset(measure_noise(picture + fine)) == "dnd"
    assert choose_preset(measure_noise(picture + coarse)) == "sidd"
    assert choose_preset(replace(NO_NOISE)) == "dnd"
