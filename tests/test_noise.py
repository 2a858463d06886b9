"""The blind measurement of noise, on noise that is known."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.colour import to_working
from lgbpn_cli.noise import REACH_PX, measure_noise
from lgbpn_cli.photos.read import read_photo


def scene(height: int = 320, width: int = 384) -> np.ndarray:
    """A picture of shading with some sharp edges and a textured half."""
    rows, columns = np.indices((height, width), np.float32)
    picture = 0.2 + 0.5 * columns / width + 0.1 * np.sin(rows / 50)
    picture += 0.1 * ((rows // 61 + columns // 83) % 2)
    picture[: height // 2] += 0.05 * np.sin(columns[: height // 2] * 1.3) * np.sin(rows[: height // 2] * 0.9)
    return np.repeat(picture[:, :, None], 3, axis=2).astype(np.float32)


def white(sigma_8bit: float, shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma_8bit / 255, shape).astype(np.float32)


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
        found = np.sqrt(measured.variance_at(np.full((1, 3), brightness)))
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


def test_a_photo_of_24_megapixels_takes_seconds_at_most() -> None:
    picture = np.full((4000, 6000, 3), 0.5, np.float32)
    started = time.perf_counter()
    measure_noise(picture)
    assert time.perf_counter() - started < 5


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
        measured_8bit = float(np.sqrt(measure_noise(noisy).variance_at(255 * noisy).mean()))
        assert measured_8bit == pytest.approx(true_8bit, rel=worst), path.name
