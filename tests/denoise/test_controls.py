"""Luma and chroma: parted exactly, and mixed as asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from working_results import result_holding

from lgbpn_cli.config.look import Grain, Look
from lgbpn_cli.denoise.controls import BAND_ROWS, luma_weights, measured_parts, mix, mixed, take_shares
from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.photo import Camera, Photo

RANDOM = np.random.default_rng(0)
NOISY, CLEAN = (RANDOM.random((2 * BAND_ROWS + 5, 20, 3), np.float32) for _ in range(2))
WEIGHTS = (0.299, 0.587, 0.114)


def chroma_of(picture: np.ndarray) -> np.ndarray:
    return picture - (picture @ np.array(WEIGHTS, np.float32))[..., None]


def mixture(luma: float, chroma: float) -> np.ndarray:
    result = np.empty_like(NOISY)
    mix(NOISY, CLEAN, result, luma=luma, chroma=chroma, weights=WEIGHTS)
    return result


def test_the_ends_are_the_photo_and_the_result() -> None:
    assert np.array_equal(mixture(0, 0), NOISY)
    assert np.array_equal(mixture(1, 1), CLEAN)


@pytest.mark.parametrize("luma", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("chroma", [0.0, 0.6, 1.0])
def test_brightness_and_colour_have_shares_of_their_own(luma: float, chroma: float) -> None:
    found, weights = mixture(luma, chroma), np.array(WEIGHTS, np.float32)
    expected = luma * (CLEAN @ weights) + (1 - luma) * (NOISY @ weights)
    assert np.allclose(found @ weights, expected, atol=1e-6)
    assert np.allclose(
        chroma_of(found), chroma * chroma_of(CLEAN) + (1 - chroma) * chroma_of(NOISY), atol=1e-6
    )


def test_the_canvas_may_be_where_the_result_lies() -> None:
    held = CLEAN.copy()
    mix(NOISY, held, held, luma=0.4, chroma=0.9, weights=WEIGHTS)
    assert np.array_equal(held, mixture(0.4, 0.9))


@pytest.mark.parametrize(("luma", "chroma"), [(None, 0.5), (0.5, None)])
def test_detail_is_given_back_where_the_share_is_left_to_the_measurement(
    luma: float | None, chroma: float | None
) -> None:
    whole, with_detail = CLEAN, 0.5 * (CLEAN + NOISY)
    keep = measured_parts(Look(luma, chroma), WEIGHTS)
    assert keep is not None
    found, weights = keep(whole, with_detail), np.array(WEIGHTS, np.float32)
    in_light, in_colour = (with_detail, whole) if luma is None else (whole, with_detail)
    assert np.allclose(found @ weights, in_light @ weights, atol=1e-6)
    assert np.allclose(chroma_of(found), chroma_of(in_colour), atol=1e-6)
    assert measured_parts(Look(), WEIGHTS) is None


@pytest.mark.parametrize("look", [Look(), Look(None, 1), Look(1, 1), Look(0.3, None), Look(0, 0)])
def test_a_result_keeps_as_much_of_the_photo_as_its_look_says(look: Look) -> None:
    found = take_shares(NOISY, result_holding(CLEAN), look, WEIGHTS).as_photo().pixels
    luma, chroma = (1.0 if share is None else share for share in (look.luma, look.chroma))
    assert np.allclose(found, mixed(NOISY, CLEAN, luma, chroma, WEIGHTS), atol=1e-6)


def photo(channels: int = 3, **options: object) -> Photo:
    pixels = np.zeros((4, 4, channels), np.uint16)
    return Photo(Path("a"), pixels, alpha=None, format="tiff", orientation=1, **options)  # type: ignore[arg-type]


def test_the_weights_suit_the_photo() -> None:
    straight = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    wide = ((1.6, -0.5, -0.1), (-0.2, 1.5, -0.3), (0.0, -0.4, 1.4))
    camera = Camera("Maker", "Model", (2.0, 1.0, 1.5), straight, straight, (0, 0, 4, 4))
    odd = Camera("Maker", "Model", (2.0, 1.0, 1.5), wide, straight, (0, 0, 4, 4))
    assert luma_weights(photo()) == (0.299, 0.587, 0.114)
    assert luma_weights(photo(channels=1)) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert luma_weights(photo(linear=True)) == pytest.approx((0.2126, 0.7152, 0.0722))
    assert luma_weights(photo(linear=True, camera=camera)) == pytest.approx((0.2126, 0.7152, 0.0722))
    found = luma_weights(photo(linear=True, camera=odd))
    assert sum(found) == pytest.approx(1)
    assert min(found) >= 0.04


@pytest.mark.parametrize(
    "look",
    [
        Look(),
        Look(0.5, 0.5),
        Look(None, 1.0),
        Look(0.0, None, Grain(4.0, 1.5)),
        Look(1, 1, Grain(4.0, 2.0, colour=True)),
    ],
)
def test_a_record_tells_the_look(look: Look) -> None:
    assert Look.from_facts(look.facts()) == look


@pytest.mark.parametrize(("luma", "chroma"), [(-0.1, 0), (1.01, 0), (0, float("nan")), (None, 2)])
def test_shares_outside_0_to_1_are_refused(luma: float | None, chroma: float | None) -> None:
    with pytest.raises(UsageError, match=r"is not between 0 and 1"):
        Look(luma, chroma)
