"""Grain: as strong and as coarse as asked for, the same again, without colour, and none where there is no light."""

from __future__ import annotations

import numpy as np
import pytest
from working_results import result_holding

from lgbpn_cli.config.look import Grain
from lgbpn_cli.denoise.grain import BLOCK_ROWS, GrainField, lay_grain
from lgbpn_cli.errors import UsageError

SIDE_PX = 512


def grain_on(brightness: float, grain: Grain, seed: int = 0) -> np.ndarray:
    """The grain on an even grey, in levels of 255."""
    picture = np.full((SIDE_PX, SIDE_PX, 3), brightness, np.float32)
    result = lay_grain(result_holding(picture), grain, seed).as_photo().pixels
    return 255 * (result - picture)


@pytest.mark.parametrize("size_px", [0.0, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("amount", [1.0, 4.0, 20.0])
def test_the_standard_deviation_is_that_asked_for(amount: float, size_px: float) -> None:
    found = grain_on(0.5, Grain(amount, size_px))
    assert found.std() == pytest.approx(amount, rel=0.03)
    assert abs(found.mean()) < 0.03 * amount


@pytest.mark.parametrize("size_px", [0.0, 1.0, 2.0, 4.0])
def test_the_spectrum_is_that_of_a_blur_of_half_the_size(size_px: float) -> None:
    field = grain_on(0.5, Grain(4.0, size_px))[..., 0]
    power = np.abs(np.fft.fft2(field)) ** 2
    axis = np.fft.fftfreq(SIDE_PX)
    frequency = np.hypot(*np.meshgrid(axis, axis))
    # A Gaussian's, with what sampling folds back from beyond half a cycle per pixel.
    response = sum(np.exp(-0.5 * (np.pi * size_px * (axis + fold)) ** 2) for fold in (-2, -1, 0, 1, 2))
    expected = np.outer(response, response) ** 2
    expected *= power.sum() / expected.sum()
    for low in (0.02, 0.06, 0.1, 0.15, 0.2):
        ring = (frequency >= low) & (frequency < low + 0.03)
        if expected[ring].mean() > 0.02 * expected.max():  # beyond, the blur's cut-off ends are all there is
            assert power[ring].mean() == pytest.approx(expected[ring].mean(), rel=0.12)


def test_it_depends_on_the_brightness() -> None:
    levels = [grain_on(value, Grain(8.0)).std() for value in (0.0, 0.1, 0.5, 0.9, 1.0)]
    assert levels == pytest.approx([0.0, 4.8, 8.0, 4.8, 0.0], rel=0.03)


def test_it_has_no_colour_unless_asked_for() -> None:
    red, green, blue = np.moveaxis(grain_on(0.5, Grain(4.0)), 2, 0)
    assert np.allclose(red, green, atol=1e-4)
    assert np.allclose(red, blue, atol=1e-4)
    coloured = grain_on(0.5, Grain(4.0, colour=True)).reshape(-1, 3)
    assert np.abs(np.corrcoef(coloured.T) - np.eye(3)).max() < 0.02


def test_it_is_even_over_the_photo() -> None:
    field = grain_on(0.5, Grain(4.0, 1.5))[..., 0]
    squares = field.reshape(8, 64, 8, 64).std(axis=(1, 3))
    assert squares.min() > 3.5
    assert squares.max() < 4.5
    rows = np.abs(np.diff(field, axis=0)).mean(axis=1)
    assert rows[BLOCK_ROWS - 1 :: BLOCK_ROWS].mean() == pytest.approx(rows.mean(), rel=0.1)  # no seams


def test_the_same_seed_gives_the_same_grain_and_another_seed_another() -> None:
    first, again, other = (grain_on(0.5, Grain(4.0), seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.02


def test_rows_do_not_depend_on_what_was_asked_for_before() -> None:
    whole = GrainField(40, Grain(4.0, 3.0), 1).rows(0, 400)
    assert np.array_equal(GrainField(40, Grain(4.0, 3.0), 1).rows(130, 300), whole[130:300])
    assert not np.array_equal(whole[:128], whole[128:256])


@pytest.mark.parametrize(("amount", "size_px"), [(0, 1), (-1, 1), (65, 1), (4, -1), (4, 17), (np.nan, 1)])
def test_what_is_no_grain_is_refused(amount: float, size_px: float) -> None:
    with pytest.raises(UsageError, match="`grain`: "):
        Grain(amount, size_px)
