"""The three conventions of structural similarity, each against an implementation of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference.slow_ssim import slow_matlab3d
from skimage.metrics import structural_similarity

from lgbpn_cli.evaluation.ssim import CONVENTIONS, matlab3d, skimage7, wang11

SIZES = [(32, 32), (17, 40), (11, 11)]


def levels(shape: tuple[int, int], sigma: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(shape[0])
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    reference = (
        128 + 60 * np.sin(rows / 3)[..., None] + 40 * np.cos(columns / 5)[..., None] * [1.0, 0.5, -0.5]
    )
    noisy = reference + generator.normal(0, sigma, reference.shape)
    return np.rint(np.clip(noisy, 0, 255)), np.rint(np.clip(reference, 0, 255))


@pytest.mark.parametrize("shape", SIZES)
def test_skimage7_equals_scikit_image(shape: tuple[int, int]) -> None:
    picture, reference = levels(shape)
    expected = structural_similarity(picture, reference, channel_axis=2, data_range=255)
    assert skimage7(picture, reference) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", SIZES)
def test_wang11_equals_scikit_image_with_a_gaussian_window(shape: tuple[int, int]) -> None:
    picture, reference = levels(shape)
    expected = structural_similarity(
        picture,
        reference,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert wang11(picture, reference) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(13, 12), (4, 9)])
def test_matlab3d_equals_a_slow_twin(shape: tuple[int, int]) -> None:
    picture, reference = levels(shape)
    assert matlab3d(picture, reference) == pytest.approx(slow_matlab3d(picture, reference), abs=1e-6)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_equal_pictures_are_wholly_similar(name: str) -> None:
    picture, _ = levels((20, 20))
    assert CONVENTIONS[name](picture, picture) == pytest.approx(1)


@pytest.mark.parametrize(("name", "side"), [("skimage7", 6), ("wang11", 10)])
def test_a_picture_smaller_than_the_window_has_no_similarity(name: str, side: int) -> None:
    picture = np.zeros((side, 30, 3))
    assert math.isnan(CONVENTIONS[name](picture, picture))
