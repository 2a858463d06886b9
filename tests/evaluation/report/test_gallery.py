"""The pictures of the report page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.evaluation.report.gallery import Gallery, Rectangle
from lgbpn_cli.evaluation.residual import noise_correlation
from lgbpn_cli.photos.metadata.orientation import turned_upright

ORIENTATIONS = pytest.mark.parametrize("orientation", range(1, 9))


def picture_of(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


@pytest.fixture
def levels() -> np.ndarray:
    """A smooth picture, 40x56, that no turn or mirror leaves as it is."""
    rows, columns = np.mgrid[:40, :56]
    return np.stack([4.0 * rows, 4.0 * columns, 2.0 * (rows + columns)], axis=2)


@ORIENTATIONS
def test_a_window_is_turned_with_its_photo(orientation: int) -> None:
    places = np.arange(30 * 50).reshape(30, 50)
    window = Rectangle(left=7, top=4, width=20, height=9, photo_width=50, photo_height=30)
    part = turned_upright(places[4:13, 7:27], orientation)
    whole = turned_upright(places, orientation)
    turned = window.turned_upright(orientation)
    rows = slice(turned.top, turned.top + turned.height)
    columns = slice(turned.left, turned.left + turned.width)
    assert (whole[rows, columns] == part).all()
    assert whole.shape == (turned.photo_height, turned.photo_width)


@ORIENTATIONS
def test_pictures_are_shown_upright(orientation: int, levels: np.ndarray) -> None:
    gallery = Gallery(1_000_000, 1)
    gallery.add("a", [("noisy", levels, None), ("clean", levels, None)], orientation=orientation)
    (photo,) = gallery.photos
    upright = turned_upright(levels, orientation)
    assert photo.crop == (0, 0, upright.shape[1], upright.shape[0])
    assert np.abs(picture_of(photo.layers["noisy"]) - upright).mean() < 3


def test_the_crop_is_where_the_detail_is(levels: np.ndarray) -> None:
    picture = np.full((900, 900, 3), 128.0)
    picture[500:840, 500:840] += np.random.default_rng(0).normal(0, 40, (340, 340, 3))
    gallery = Gallery(400_000, 1)
    gallery.add("a", [("noisy", picture, None), ("clean", picture, None)])
    left, top, width, height = gallery.photos[0].crop
    assert left <= 500
    assert top <= 500
    assert min(left + width, top + height) >= 640


def test_a_part_of_a_photo_knows_its_place(levels: np.ndarray) -> None:
    gallery = Gallery(1_000_000, 1)
    window = Rectangle(left=300, top=200, width=56, height=40, photo_width=1000, photo_height=800)
    gallery.add("a", [("noisy", levels, None), ("clean", levels, None)], window=window)
    assert (gallery.photos[0].crop, gallery.photos[0].size) == ((300, 200, 56, 40), (1000, 800))


def test_pictures_that_do_not_fit_are_left_out_but_not_their_files(levels: np.ndarray) -> None:
    gallery = Gallery(1000, 1)
    gallery.add("a", [("noisy", levels, Path("a.png")), ("clean", levels, None)])
    assert (gallery.photos[0].layers, gallery.photos[0].files) == ({}, {"noisy": Path("a.png")})


def test_all_pictures_together_keep_the_budget() -> None:
    gallery = Gallery(300_000, 3)
    noise = np.random.default_rng(0).uniform(0, 255, (700, 700, 3))
    for name in "abc":
        gallery.add(name, [("noisy", noise, None), ("clean", noise, None)])
    size = sum(len(url) for photo in gallery.photos for url in photo.layers.values())
    assert 20_000 < size <= 300_000


def test_the_noise_correlation_is_that_of_the_middle_of_a_large_photo() -> None:
    noise = np.random.default_rng(0).normal(0, 9, (1100, 1200, 3))
    noise[:30] = 50
    gallery = Gallery(100_000, 1)
    gallery.add("a", [("noisy", 128 + noise, None), ("reference", np.full_like(noise, 128), None)])
    middle = noise[38 : 38 + 1024, 88 : 88 + 1024]
    expected = noise_correlation(middle)
    assert np.array(gallery.photos[0].correlation["noise"]) == pytest.approx(np.array(expected), abs=1e-9)
