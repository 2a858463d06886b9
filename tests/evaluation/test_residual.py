"""What was removed and what is left: pictures whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter

from lgbpn_cli.evaluation.residual import (
    edge_structure,
    flat_area_noise,
    noise_correlation,
    residual_structure,
    residual_whiteness,
)
from lgbpn_cli.image.filters import box_mean

SIGMA = 8.0


@pytest.fixture
def reference() -> np.ndarray:
    """A picture of which one half is flat and the other has stripes."""
    picture = np.full((128, 128, 3), 100.0)
    picture[:, 64:] += 40 * np.sign(np.sin(np.arange(64) / 2))[None, :, None]
    return picture


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, SIGMA, (128, 128, 3))


def test_removing_the_noise_alone_leaves_no_structure(reference: np.ndarray, noise: np.ndarray) -> None:
    assert residual_structure(noise, reference) == pytest.approx(0, abs=0.02)


def test_smoothing_the_picture_away_shows_as_structure(reference: np.ndarray, noise: np.ndarray) -> None:
    noisy = reference + noise
    assert residual_structure(noisy - gaussian_filter(noisy, (3, 3, 0)), reference) > 0.5


def test_sharpening_shows_as_negative_structure(reference: np.ndarray, noise: np.ndarray) -> None:
    sharper = reference + 0.5 * (reference - gaussian_filter(reference, (1, 1, 0)))
    assert residual_structure(reference + noise - sharper, reference) < -0.2


def test_removing_nothing_has_no_structure_at_all(reference: np.ndarray) -> None:
    assert math.isnan(residual_structure(np.zeros_like(reference), reference))


def test_the_noise_of_flat_areas_is_its_standard_deviation(reference: np.ndarray, noise: np.ndarray) -> None:
    assert flat_area_noise(reference + noise, reference) == pytest.approx(SIGMA, rel=0.03)


def test_a_colour_shift_is_not_noise(reference: np.ndarray) -> None:
    assert flat_area_noise(reference + np.array([5.0, 0.0, -3.0]), reference) == pytest.approx(0)


def test_the_noise_of_busy_areas_does_not_count(reference: np.ndarray, noise: np.ndarray) -> None:
    noise[:, :64] = 0
    assert flat_area_noise(reference + noise, reference) == pytest.approx(0)


def test_without_a_reference_the_flattest_blocks_are_measured(noise: np.ndarray) -> None:
    picture = 100 + noise
    picture[:, 64:] *= 3
    assert flat_area_noise(picture, None) == pytest.approx(SIGMA, rel=0.1)


def test_a_picture_of_black_alone_has_no_flat_area_to_measure() -> None:
    assert math.isnan(flat_area_noise(np.zeros((32, 32, 3)), None))


def test_white_noise_is_like_itself_at_no_distance(noise: np.ndarray) -> None:
    right, below = noise_correlation(noise)
    assert (right[0], below[0]) == pytest.approx((1, 1))
    assert max(map(abs, right[1:] + below[1:])) < 0.03
    assert residual_whiteness(noise) > 0.97


def test_noise_that_was_blurred_along_rows_is_alike_along_rows(noise: np.ndarray) -> None:
    right, below = noise_correlation(uniform_filter(noise, (1, 2, 0)))
    assert right[1] == pytest.approx(0.5, abs=0.03)
    assert below[1] == pytest.approx(0, abs=0.03)


def test_noise_alone_has_no_edge_structure(reference: np.ndarray, noise: np.ndarray) -> None:
    assert edge_structure(noise, reference) == pytest.approx(0, abs=0.05)


def test_noise_that_was_left_has_no_edge_structure(reference: np.ndarray, noise: np.ndarray) -> None:
    assert edge_structure(0.5 * noise, reference + 0.5 * noise) < 0.1


def test_smoothed_edges_have_edge_structure(reference: np.ndarray, noise: np.ndarray) -> None:
    noisy = reference + noise
    smooth = gaussian_filter(noisy, (2, 2, 0))
    assert edge_structure(noisy - smooth, smooth) > 0.3


def test_a_picture_of_one_row_has_no_edge_structure() -> None:
    assert math.isnan(edge_structure(np.zeros((1, 9, 3)), np.zeros((1, 9, 3))))


@pytest.mark.parametrize("side", [3, 9])
def test_the_box_mean_equals_scipys(side: int, noise: np.ndarray) -> None:
    expected = uniform_filter(noise, (side, side, 0), mode="nearest")
    assert box_mean(noise, side) == pytest.approx(expected, abs=1e-9)
