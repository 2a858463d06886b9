"""The blind measurement of noise, on noise that is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from noisy_scenes import scene, white
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import (
    DOUBTS,
    LIMIT_MARGIN,
    REACH_PX,
    SURE_TEXTURE,
    CellEstimator,
    measure_noise,
)
from lgbpn_cli.photos.read import read_photo


@pytest.mark.parametrize("sigma", [2.0, 5.0, 15.0, 30.0])
def test_the_level_of_white_noise_is_found_beside_texture_and_edges(sigma: float) -> None:
    picture = scene()
    measured = measure_noise(picture + white(sigma, picture.shape))
    assert measured.level == pytest.approx(sigma, rel=0.1)


def test_a_picture_without_noise_has_a_level_near_zero() -> None:
    rows, columns = np.indices((256, 256))
    smooth = np.repeat(((rows + columns) / 600)[:, :, None], 3, axis=2).astype(np.float32)
    assert measure_noise(smooth).level < 0.1
    assert measure_noise(np.zeros((64, 64, 3), np.float32)).level == 0


def test_noise_that_grows_with_brightness_is_measured_as_a_curve() -> None:
    picture = scene()
    noisy = picture + white(1, picture.shape) * (4 + 20 * picture)
    measured = measure_noise(noisy)
    for brightness in (90.0, 150.0):
        for channel in range(3):
            found = np.sqrt(measured.variance_at(np.full((1, 3), brightness), channel))
            assert found == pytest.approx(4 + 20 * brightness / 255, rel=0.15)


def test_each_channel_has_its_own_level() -> None:
    picture = scene()
    measured = measure_noise(picture + white(1, picture.shape) * np.array([3, 6, 12], np.float32))
    levels = [float(np.sqrt(np.mean(np.square(level)))) for level in measured.level_8bit]
    assert levels == pytest.approx([3, 6, 12], rel=0.12)


def test_the_correlation_of_smoothed_noise_is_found() -> None:
    picture = scene()
    noise = white(12, (picture.shape[0], picture.shape[1] + 1, 3))
    measured = measure_noise(picture + (noise[:, 1:] + noise[:, :-1]) / 2)
    correlation = np.array(measured.correlation)
    assert correlation[REACH_PX, REACH_PX] == 1
    assert correlation[REACH_PX, REACH_PX + 1] == pytest.approx(0.5, abs=0.06)
    assert correlation[REACH_PX + 1, REACH_PX] == pytest.approx(0.0, abs=0.06)
    assert abs(correlation[REACH_PX + 3 :]).max() < 0.1


def test_the_correlation_between_channels_is_found() -> None:
    picture = scene()
    grey, own = white(8, (*picture.shape[:2], 1)), white(8, picture.shape, seed=2)
    own[:, :, 2] -= grey[:, :, 0]
    measured = measure_noise(picture + grey + own)
    red_green, red_blue, green_blue = measured.channel_correlation
    assert red_green == pytest.approx(0.5, abs=0.08)
    assert (red_blue, green_blue) == (pytest.approx(0, abs=0.08), pytest.approx(0, abs=0.08))


def test_the_grid_of_jpeg_is_seen() -> None:
    picture = scene() + white(3, scene().shape)
    blocks = np.kron(np.random.default_rng(3).normal(0, 4 / 255, (40, 48)), np.ones((8, 8)))[:, :, None]
    assert measure_noise(picture).blocking < 0.1
    assert measure_noise(picture + blocks.astype(np.float32)).blocking > 0.2


def test_clipped_pixels_are_counted() -> None:
    picture = scene()
    picture[:, :96] = 1.0
    assert measure_noise(picture).clipped_share == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("size", [(1, 1), (15, 200), (16, 16), (17, 40), (900, 30)])
def test_photos_of_any_size_are_measured(size: tuple[int, int]) -> None:
    measured = measure_noise(np.full((*size, 3), 0.5, np.float32) + white(5, (*size, 3)))
    assert np.isfinite(measured.level)
    assert measured.level == 0 if min(size) < 16 else measured.level > 2


@pytest.mark.parametrize(
    ("folder", "every", "worst"),
    [("sidd-val-odd", 16, 0.35), ("renoir-even", 5, 0.2)],
    ids=["phone", "camera"],
)
def test_real_noise_is_measured_as_the_reference_shows_it(
    data_root: Path, folder: str, every: int, worst: float
) -> None:
    for path in sorted((data_root / folder / "reference").iterdir())[::every]:
        noisy = to_working(read_photo(data_root / folder / "noisy" / path.name))
        true_8bit = 255 * float((noisy - to_working(read_photo(path))).std())
        for estimator in (None, cell_levels()):
            measured = measure_noise(noisy, estimator)
            measured_8bit = float(np.sqrt(measured.mean_variance_at(255 * noisy).mean()))
            assert measured_8bit == pytest.approx(true_8bit, rel=worst), path.name


def says(levels: np.ndarray | float, errors: np.ndarray | float = 0.1) -> CellEstimator:
    """An estimator that answers the same, or by cell, for every tile."""

    def estimator(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(tiles), 4, 3)
        assert tiles.shape[1:] == (64, 64, 3)
        assert 0 <= tiles.min() <= tiles.max() <= 1
        return np.broadcast_to(levels, shape).astype(float), np.broadcast_to(errors, shape).astype(float)

    return estimator


LIMITED_ANYWAY = (0.0, 1.0)
"""The limit holds in full, however even the patches are."""


def lowered(flat: float, estimated: float, error: float) -> float:
    """The rule of `_limited` in plain words, for one level."""
    share = min(1.0, LIMIT_MARGIN * estimated / flat)
    return flat * share * math.exp(-DOUBTS * error * min(1.0, (1 - share) / SURE_TEXTURE))


def test_the_level_is_lowered_to_what_the_estimator_says() -> None:
    noisy = (scene() + white(8, (320, 384, 3))).clip(0, 1)
    plain = measure_noise(noisy)
    assert measure_noise(noisy, says(100.0), uneven=LIMITED_ANYWAY) == plain
    limited = measure_noise(noisy, says(np.array([2.0, 5.0, 100.0]), 0.2), uneven=LIMITED_ANYWAY)
    for channel, estimated in ((0, 2.0), (1, 5.0)):
        expected = [lowered(flat, estimated, 0.2) for flat in plain.level_8bit[channel]]
        assert limited.level_8bit[channel] == pytest.approx(expected)
    assert max(limited.level_8bit[0]) < LIMIT_MARGIN * 2 * 0.7  # in doubt for the texture
    assert limited.level_8bit[2] == plain.level_8bit[2]
    assert limited.correlation == plain.correlation


def test_the_limit_follows_brightness() -> None:
    noisy = (scene() + white(30, (320, 384, 3))).clip(0, 1)

    def estimator(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cells = tiles.reshape(len(tiles), 2, 32, 2, 32, 3).mean(axis=(2, 4)).reshape(len(tiles), 4, 3)
        return 1 + 4 * cells, np.full(cells.shape, 1e-6)

    limited = measure_noise(noisy, estimator, uneven=LIMITED_ANYWAY)
    levels = list(zip(limited.brightness_8bit[0], limited.level_8bit[0], strict=True))
    for brightness, level in levels[1:-1]:  # darker and lighter than its bins, the limit goes on as it is
        assert level == pytest.approx(LIMIT_MARGIN * (1 + 4 * brightness / 255), rel=0.05)
    assert levels[-2][1] > 1.3 * levels[1][1]


def test_cells_of_which_the_estimator_is_sure_count_most() -> None:
    noisy = (scene() + white(12, (320, 384, 3))).clip(0, 1)
    sure_of_two = says(np.array([[2.0], [6.0], [6.0], [6.0]]), np.array([[0.001], [0.1], [0.1], [0.1]]))
    limited = measure_noise(noisy, sure_of_two, uneven=LIMITED_ANYWAY)
    assert np.array(limited.level_8bit) == pytest.approx(LIMIT_MARGIN * 2, rel=0.01)


@pytest.mark.parametrize("kind", ["white", "grey grain", "enlarged", "grey photo"])
def test_noise_on_flat_ground_is_noise_whatever_the_estimator_makes_of_it(data_root: Path, kind: str) -> None:
    real = to_working(read_photo(data_root / "sidd-val-odd" / "noisy" / "01_01.png"))
    noisy = {
        "white": 0.5 + white(10, (320, 320, 3)),
        "grey grain": 0.5 + 3 * np.repeat(gaussian_filter(white(10, (320, 320, 1)), (1, 1, 0)), 3, axis=2),
        "enlarged": zoom(real, (2, 2, 1), order=1),
        "grey photo": np.repeat(real.mean(axis=2, keepdims=True), 3, axis=2),
    }[kind].clip(0, 1)
    plain = measure_noise(noisy).level
    assert plain > 3
    for estimator in (says(0.5, 1.0), cell_levels()):
        assert measure_noise(noisy, estimator).level > 0.8 * plain


def test_cells_cut_off_by_black_are_not_asked() -> None:
    night = (white(1, (320, 320, 3)) - 0.5).clip(0, 1)
    night[:, :128] = (0.5 + white(10, (320, 128, 3))).clip(0, 1)

    def estimator(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cells = tiles.reshape(len(tiles), 2, 32, 2, 32, 3).mean(axis=(2, 4)).reshape(len(tiles), 4, 3)
        return np.where(cells > 0.3, 100.0, 0.1), np.full(cells.shape, 0.1)

    measured = measure_noise(night, estimator, uneven=LIMITED_ANYWAY)
    assert measured.level == pytest.approx(measure_noise(night).level)


@pytest.mark.parametrize("size", [(63, 300), (300, 40), (20, 20)])
def test_photos_smaller_than_a_tile_are_not_shown_to_the_estimator(size: tuple[int, int]) -> None:
    picture = (0.5 + white(5, (*size, 3))).clip(0, 1)
    assert measure_noise(picture, says(0.001)) == measure_noise(picture)


def test_where_no_patch_is_in_doubt_the_estimator_is_not_asked() -> None:
    def refuse(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("asked in vain")

    even = 0.5 + white(5, (160, 160, 3))
    assert measure_noise(even, refuse) == measure_noise(even)


def test_every_part_of_a_photo_is_shown_to_the_estimator() -> None:
    seen = []

    def estimator(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(tiles)
        return np.full((len(tiles), 4, 3), 5.0), np.full((len(tiles), 4, 3), 0.1)

    rows, columns = np.indices((100, 150))
    picture = (np.stack([rows, columns, rows + columns], axis=-1) / 255).astype(np.float32)
    measure_noise(picture, estimator, uneven=(-1.0, 0.0))  # it is asked, however even the patches are
    places = np.rint(255 * np.concatenate(seen)[..., :2]).astype(int).reshape(-1, 64 * 64, 2)
    assert len(places) == 2 * 3
    assert len(np.unique(places.reshape(-1, 2), axis=0)) == 100 * 150


def test_photos_full_of_texture_are_not_taken_for_noisy_ones(data_root: Path) -> None:
    with Image.open(data_root / "clean" / "life_by_Aitzol_Berasategi.jpg") as opened:
        rock = np.asarray(opened.convert("RGB").reduce(2), np.float32)[:640, :640] / 255
    for sigma in (2.0, 8.0):
        noisy = (np.rint(255 * rock + 255 * white(sigma, rock.shape)) / 255).clip(0, 1).astype(np.float32)
        plain, limited = measure_noise(noisy), measure_noise(noisy, cell_levels())
        assert plain.level > 1.4 * sigma
        assert 0.5 * sigma < limited.level < 0.75 * plain.level
