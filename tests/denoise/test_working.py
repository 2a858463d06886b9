"""Encoded values to the working range and back: exact for what is not changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from working_results import from_working

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise import working
from lgbpn_cli.denoise.blend import blend_photos
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.working import (
    BAND_ROWS,
    ResultPixels,
    colour_shift_levels,
    decode_light,
    to_working,
)
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.noise.measure import NO_NOISE, WHITE
from lgbpn_cli.photos.photo import Camera, Photo

DTYPES = [np.uint8, np.uint16]


def photo_of(pixels: np.ndarray) -> Photo:
    return Photo(Path("photo.png"), pixels, None, "png", 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_value_comes_back_exactly(dtype: type, channels: int) -> None:
    values: np.ndarray = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(
        -1, 64 if dtype is np.uint16 else 16, 1
    )
    photo = photo_of(np.ascontiguousarray(np.repeat(values, channels, axis=2)))
    back = from_working(to_working(photo), photo)
    assert back.pixels.dtype == dtype
    assert np.array_equal(back.pixels, photo.pixels)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_working_range_is_0_to_1_in_float32(dtype: type) -> None:
    white = np.iinfo(dtype).max
    image = to_working(photo_of(np.array([[[0, white // 5, white]]], dtype)))
    assert image.dtype == np.float32
    assert image.ravel().tolist() == pytest.approx([0, 0.2, 1])


def test_grey_is_repeated_and_comes_back_as_the_mean() -> None:
    photo = photo_of(np.array([[[51]]], np.uint8))
    image = to_working(photo)
    assert image.shape == (1, 1, 3)
    assert image[0, 0].tolist() == pytest.approx([0.2] * 3)
    assert from_working(np.array([[[0.0, 0.2, 0.7]]], np.float32), photo).pixels.tolist() == [[[76]]]


def test_values_are_rounded_to_the_nearest_and_clipped() -> None:
    photo = photo_of(np.zeros((1, 6, 3), np.uint8))
    levels = np.array([-300.0, -0.4, 99.4, 99.6, 255.4, 1000.0], np.float32)
    clean = np.repeat(levels[None, :, None] / 255, 3, axis=2)
    assert from_working(clean, photo).pixels[0, :, 0].tolist() == [0, 0, 99, 100, 255, 255]


def test_a_result_of_8_bits_that_is_changed_twice_is_rounded_once() -> None:
    held = ResultPixels(photo_of(np.full((4, 4, 3), 100, np.uint8)))
    everywhere = (slice(None), slice(None))
    held[everywhere] = np.full((4, 4, 3), 100.4 / 255, np.float32)
    held[everywhere] = held[everywhere] + np.float32(0.4 / 255)
    assert (held.as_photo().pixels == 101).all()


@pytest.mark.parametrize("dtype", [*DTYPES, np.float32])
def test_linear_samples_are_held_in_the_very_result(dtype: type) -> None:
    held = ResultPixels(replace(photo_of(np.zeros((4, 4, 3), dtype)), linear=True))
    held.as_photo().pixels[:] = 1  # as what keeps the mean of light does
    assert (held.as_photo().pixels == 1).all()


def test_what_is_held_in_16_bits_becomes_the_nearest_of_8_bits_whatever_it_is() -> None:
    held = ResultPixels(photo_of(np.zeros((256, 256, 1), np.uint8)))
    samples = np.arange(1 << 16).reshape(256, 256, 1)
    held[slice(None), slice(None)] = samples.astype(np.float32) / np.float32(65535)
    assert np.array_equal(held.as_photo().pixels, np.rint(samples / 257))


def test_a_pending_change_is_seen_and_done_once_but_not_before() -> None:
    held = ResultPixels(photo_of(np.full((BAND_ROWS + 4, 4, 3), 100, np.uint8)))
    everywhere = (slice(None), slice(None))
    held[everywhere] = np.full(held.shape, 100 / 255, np.float32)
    brighter = held.changed_by(lambda pixels: pixels + np.float32(2 / 255))
    assert np.allclose(brighter[everywhere], 102 / 255, atol=1e-4)
    assert np.allclose(brighter.unchanged()[everywhere], 100 / 255, atol=1e-4)
    assert (held.copy().as_photo().pixels == 100).all()
    assert (brighter.as_photo().pixels == 102).all()
    assert np.allclose(held[everywhere], 102 / 255, atol=1e-4)  # done, and still there


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("dtype", [*DTYPES, np.float32])
def test_a_photo_of_any_kind_comes_back_to_the_last_bit(dtype: type, linear: bool) -> None:
    samples = np.random.default_rng(0).random((64, 64, 3), np.float32) * 3 - 1
    pixels = samples if dtype is np.float32 else (np.abs(samples) * 60).astype(dtype)
    photo = replace(photo_of(pixels), linear=linear)
    denoiser = Denoiser(cast(Any, None), InferenceConfig(strength=0))  # whose network is not asked
    clean = ResultPixels(photo)
    clean[slice(None), slice(None)] = np.zeros(clean.shape, np.float32)
    assert np.array_equal(denoiser.finish(photo, clean, NO_NOISE).pixels, pixels)
    nothing = replace(photo, pixels=np.zeros_like(pixels))
    assert np.array_equal(blend_photos(photo, nothing, Look(0, 0), seed=0).pixels, pixels)


def test_a_result_of_a_very_large_photo_is_held_in_its_own_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    small = photo_of(np.full((4, 4, 3), 100, np.uint8))
    assert ResultPixels(small).nbytes == 2 * small.pixels.nbytes
    monkeypatch.setattr(working, "MOST_HELD_IN_MORE_BITS_PX", 4 * 4 - 1)
    held = ResultPixels(small)
    assert held.nbytes == small.pixels.nbytes
    everywhere = (slice(None), slice(None))
    held[everywhere] = np.full(held.shape, 100.4 / 255, np.float32)
    assert (held.changed_by(lambda pixels: pixels + np.float32(2 / 255)).as_photo().pixels == 102).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_change_looked_up_is_the_change_itself(dtype: type, channels: int) -> None:
    values = np.random.default_rng(0).random((9, 7, 3), np.float32)
    held = ResultPixels(photo_of(np.zeros((9, 7, channels), dtype)))
    everywhere = (slice(None), slice(None))
    held[everywhere] = values
    shift = np.array([0.01, -0.02, 0.03], np.float32)
    assert np.array_equal(
        held.changed_by(lambda pixels: pixels**2 + shift)[everywhere], held[everywhere] ** 2 + shift
    )


def test_bands_meet_without_a_seam() -> None:
    rows = BAND_ROWS * 2 + 3
    pixels = np.random.default_rng(0).integers(0, 65536, (rows, 5, 3)).astype(np.uint16)
    image = to_working(photo_of(pixels))
    assert np.array_equal(image, (pixels / np.float32(65535)).astype(np.float32))
    assert np.array_equal(from_working(image, photo_of(pixels)).pixels, pixels)


def test_neither_the_photo_nor_the_clean_picture_is_changed() -> None:
    photo = replace(photo_of(np.full((3, 3, 3), 7, np.uint8)), orientation=6)
    clean = np.full((3, 3, 3), 2.0, np.float32)
    result = from_working(clean, photo)
    assert (photo.pixels == 7).all()
    assert (clean == 2.0).all()
    assert (result.pixels == 255).all()
    assert (result.orientation, result.path) == (6, photo.path)


def test_values_that_are_no_numbers_are_an_error_and_not_a_black_spot() -> None:
    photo = photo_of(np.zeros((2, 2, 3), np.uint8))
    clean = np.zeros((2, 2, 3), np.float32)
    for value in (np.nan, np.inf):
        clean[1, 1, 1] = value
        with pytest.raises(PhotoError, match="not numbers"):
            from_working(clean, photo)


@pytest.mark.parametrize(("dtype", "step"), [(np.uint8, 1), (np.uint16, 257)])
def test_the_colour_shift_is_the_difference_of_the_means_in_8_bit_levels(dtype: type, step: int) -> None:
    before = photo_of(np.full((BAND_ROWS + 5, 4, 3), 100 * step, dtype))
    after = replace(before, pixels=before.pixels + np.array([0, step, 2 * step], dtype))
    assert colour_shift_levels(before, after) == pytest.approx((0.0, 1.0, 2.0), abs=1e-3)


def test_the_colour_shift_of_linear_light_is_measured_on_encoded_values() -> None:
    light = decode_light(np.array([[[100, 100, 100]], [[101, 99, 100]]], np.float32) / 255)
    before = replace(photo_of(light[:1]), linear=True)
    after = replace(before, pixels=light[1:])
    assert colour_shift_levels(before, after) == pytest.approx((1.0, -1.0, 0.0), abs=1e-3)


def test_of_large_raw_photos_every_few_rows_tell_the_colour_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(5_000, 60_000, (300, 40, 3), dtype=np.uint16)
    before = replace(photo_of(pixels), linear=True)
    after = replace(before, pixels=pixels + random.integers(0, 900, pixels.shape, dtype=np.uint16))
    whole = colour_shift_levels(before, after)
    monkeypatch.setattr(working, "LOOKED_AT_PIXELS", 3_000)
    assert colour_shift_levels(before, after) == pytest.approx(whole, abs=0.1)
    assert min(whole) > 1


EYE = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
BLACK_LEVEL = 4096


def raw_of(light: list[tuple[float, float, float]]) -> Photo:
    """A camera's photo of one row of balanced light; red is clipped at 2, green at 1, blue at 1.5."""
    camera = Camera("", "", (2.0, 1.0, 1.5), EYE, EYE, (0, 0, len(light), 1), black=BLACK_LEVEL)
    seen = np.minimum(np.array([light]) / (2.0, 1.0, 1.5), 1)
    pixels = np.rint(BLACK_LEVEL + seen * (65535 - BLACK_LEVEL)).astype(np.uint16)
    return replace(photo_of(pixels), format="raw", linear=True, camera=camera)


def test_a_camera_s_light_comes_back_exactly_noise_below_black_and_headroom_included() -> None:
    values = np.arange(1 << 16, dtype=np.uint16).reshape(-1, 64, 1)
    photo = replace(raw_of([(0, 0, 0)]), pixels=np.repeat(values, 3, axis=2))
    assert np.array_equal(from_working(to_working(photo), photo).pixels, photo.pixels)


def test_the_network_sees_blown_light_as_white_and_it_stays_what_it_was() -> None:
    photo = raw_of([(0.2, 0.2, 0.2), (1.8, 0.7, 0.5), (5.0, 5.0, 5.0)])
    image = to_working(photo)
    assert image.max() <= 1
    assert np.ptp(image[0, 2]) == 0
    assert image[0, 2].min() * 255 >= WHITE
    back = from_working(image * np.float32(0.9), photo)
    assert (back.pixels[0, 2] == 65535).all()
    assert (back.pixels[0, 0] < photo.pixels[0, 0]).all()
    red = (back.pixels[0, 1, 0] - BLACK_LEVEL) / (65535 - BLACK_LEVEL) * 2
    assert red == pytest.approx(0.8 + float(decode_light(np.float32(0.9) * image[0, 1, :1])[0]), abs=1e-3)
