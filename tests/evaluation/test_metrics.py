"""Errors of single pixels, against what can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from lgbpn_cli.evaluation.metrics import colour_shift, mean_absolute_error, psnr_db, to_levels


def pictures(seed: int = 0, shape: tuple[int, int, int] = (40, 50, 3)) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    reference = generator.random(shape)
    return np.clip(reference + generator.normal(0, 0.1, shape), 0, 1), reference


def test_psnr_equals_scikit_image() -> None:
    picture, reference = (to_levels(each, rounded=True) for each in pictures())
    expected = peak_signal_noise_ratio(reference.astype(np.uint8), picture.astype(np.uint8), data_range=255)
    assert psnr_db(picture, reference) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_a_picture_one_level_off_everywhere_is_48_13_db() -> None:
    reference = np.full((4, 4, 3), 100.0)
    assert psnr_db(reference + 1, reference) == pytest.approx(20 * math.log10(255))


def test_psnr_of_equal_pictures_is_infinite() -> None:
    assert psnr_db(np.ones((2, 2, 3)), np.ones((2, 2, 3))) == math.inf


def test_rounded_levels_are_those_of_an_8_bit_file() -> None:
    picture = np.array([[[-0.2, 0.5009 / 255, 254.4 / 255]]])
    assert to_levels(picture, rounded=True).tolist() == [[[0, 1, 254]]]


def test_levels_that_are_not_rounded_keep_their_fractions() -> None:
    assert to_levels(np.array([[[0.1, 1.5, 0.0]]]), rounded=False) == pytest.approx(
        np.array([[[25.5, 255, 0]]])
    )


def test_the_mean_absolute_error_is_in_levels() -> None:
    reference = np.zeros((1, 2, 3))
    picture = np.array([[[3.0, 0, 0], [0, 0, 6.0]]])
    assert mean_absolute_error(picture, reference) == pytest.approx(1.5)


def test_the_colour_shift_is_negative_where_the_result_is_darker() -> None:
    reference = np.full((3, 3, 3), 100.0)
    assert colour_shift(reference + np.array([2.0, 0.0, -5.0]), reference) == pytest.approx((2, 0, -5))
