"""The noise of mosaics: measured where there are flat patches, told by the file, or usual at the ISO."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest
from raw_samples import mosaic_of, write_raw

from lgbpn_cli.photos.raw.mosaic import Mosaic
from lgbpn_cli.photos.raw.noise import (
    MosaicNoise,
    NoisyMosaic,
    measure_mosaic_noise,
    noise_of_mosaic,
    profile_levels,
    row_sigma,
    summarise_mosaic,
    usual_noise,
    with_shot_noise,
)
from lgbpn_cli.photos.read import read_photo

RGGB = np.array([[0, 1], [1, 2]], np.uint8)
NOISE_PROFILE = 51041


def mosaic(a: float, b: float, *, rows: float = 0.0, textured: float = 0.6, side: int = 1024) -> Mosaic:
    """A frame that is textured but for its right part, and lit from left to right and top to bottom."""
    random = np.random.default_rng(0)
    height, width = np.mgrid[:side, :side] / side
    light = 0.02 + 0.5 * height * (0.3 + width)
    texture = 1 + 0.5 * np.sin(side * (1.9 * width + 1.3 * height))
    light = np.where(width < textured, light * texture, light).clip(0, 0.9)
    samples = random.poisson(light / a) * a + math.sqrt(b) * random.standard_normal((side, side))
    samples += rows * random.standard_normal((side, 1))
    return Mosaic(samples.astype(np.float32), RGGB)


@pytest.mark.parametrize(("a", "b"), [(2e-4, 3e-7), (2e-3, 1.3e-5), (1.4e-2, 1.4e-4)])
def test_the_noise_of_the_flat_parts_is_measured(a: float, b: float) -> None:
    frame = mosaic(a, b)
    levels = measure_mosaic_noise(frame.samples, frame.pattern)
    assert levels is not None
    for light, tolerance in ((0.02, 0.4), (0.1, 0.2), (0.4, 0.2)):  # in the dark, strong noise hides texture
        measured, true = levels @ (light, 1), a * light + b
        np.testing.assert_allclose(measured, true, rtol=tolerance)


def test_what_is_clipped_does_not_count() -> None:
    frame = mosaic(2e-3, 1.3e-5)
    for clipped in (np.maximum(frame.samples, 0), np.minimum(3 * frame.samples, 1)):
        scale = 3 if clipped.max() == 1 else 1
        levels = measure_mosaic_noise(clipped, RGGB)
        assert levels is not None
        assert levels[1] @ (0.3, 1) == pytest.approx(scale * 2e-3 * 0.3 + scale**2 * 1.3e-5, rel=0.25)


def test_a_frame_without_patches_is_not_measured() -> None:
    assert measure_mosaic_noise(np.zeros((40, 40), np.float32), RGGB) is None
    assert noise_of_mosaic(Mosaic(np.zeros((40, 40), np.float32), RGGB), iso=6400).source == "iso"


def test_rows_have_noise_of_their_own() -> None:
    quiet, loud = (row_sigma(mosaic(1e-3, 1e-5, rows=rows).samples, RGGB) for rows in (0.0, 3e-3))
    assert loud == pytest.approx(3e-3, rel=0.3)
    assert quiet < 5e-4


def test_a_files_profile_goes_before_what_is_measured() -> None:
    frame = mosaic(2e-3, 1.3e-5)
    told = noise_of_mosaic(frame, (1.8e-3, 2e-5))
    assert told.source == "file"
    np.testing.assert_allclose(told.levels, [[1.8e-3, 2e-5]] * 3)
    assert noise_of_mosaic(frame).source == "measured"


@pytest.mark.parametrize(
    "profile",
    [
        (1.0,),
        (2e-3, 1e-5) * 2,
        (math.nan, 1e-5),
        (math.inf, 1e-5),
        (-1e-3, 1e-5),
        (0.0, 0.0),
        (3.0, 1e-5),
        (2e-6, 1e-8),
        (0.5, 0.1),
    ],
    ids=str,
)
def test_a_profile_that_makes_no_sense_is_not_believed(profile: tuple[float, ...]) -> None:
    assert noise_of_mosaic(mosaic(2e-3, 1.3e-5), profile).source == "measured"


def test_where_nothing_is_measured_a_profile_of_no_sensor_is_not_believed() -> None:
    small = Mosaic(np.full((40, 40), 0.1, np.float32), np.array([[0, 1], [1, 2]], np.uint8))
    assert noise_of_mosaic(small, (0.05, 1e-3)).source == "file"
    assert noise_of_mosaic(small, (0.5, 0.4)).source == "iso"


def test_a_profile_may_have_a_pair_for_each_colour() -> None:
    levels = profile_levels((1e-3, 1e-6, 2e-3, 2e-6, 3e-3, 3e-6))
    assert levels is not None
    np.testing.assert_allclose(levels[:, 0], [1e-3, 2e-3, 3e-3])


def test_the_usual_noise_grows_with_the_iso() -> None:
    greens = [float(usual_noise(iso)[1, 0]) for iso in (1, 100, 1600, 2000, 6400, 10**6)]
    assert greens == sorted(greens)
    assert usual_noise(6400)[1] == pytest.approx([2.1e-3, 1e-5], rel=0.1)


def test_a_sensor_has_shot_noise_whatever_was_measured() -> None:
    samples = np.full((64, 64), 0.15, np.float32)
    levels = with_shot_noise(np.tile(np.array([0, 6.25e-4], np.float32), (3, 1)), samples)
    assert levels[1, 0] > 5e-4
    assert levels[1] @ (0.15, 1) == pytest.approx(6.25e-4, rel=1e-3)
    for iso in (100, 1600, 102400):
        usual = usual_noise(iso)
        for light in (0.001, 0.02, 0.3):
            np.testing.assert_allclose(with_shot_noise(usual, samples * light / 0.15), usual, rtol=1e-4)


def test_what_probe_says_of_a_mosaic() -> None:
    frame = mosaic(8.4e-3, 5e-5, rows=3e-3)
    noisy = NoisyMosaic(frame, MosaicNoise(np.array([[8.4e-3, 5e-5]] * 3, np.float32), "measured"))
    summary = summarise_mosaic(noisy, 6400)
    assert summary.of_usual == pytest.approx(2, rel=0.1)
    assert any("rows have noise of their own" in line for line in summary.words())
    assert "measured" in summary.words()[0]
    assert summarise_mosaic(noisy, 0).of_usual is None
    assert not any("hot" in line for line in summary.words())


def test_probe_counts_hot_pixels(tmp_path: Path) -> None:
    light = np.full((200, 240, 3), 0.2)
    samples = mosaic_of(light) + np.random.default_rng(0).normal(0, 60, light.shape[:2])
    samples[20:180:32, 30:220:40] = 9000
    path = write_raw(tmp_path / "a.dng", samples.clip(0, 16383).astype(np.uint16))
    photo = read_photo(path, as_mosaic=True)
    assert photo.mosaic is not None
    summary = summarise_mosaic(photo.mosaic, 0)
    assert summary.hot_sites == pytest.approx(25, abs=2)
    assert f"{summary.hot_sites} hot pixels, filled in" in summary.words()


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_the_profile_is_read_from_a_dng(tmp_path: Path, byteorder: str) -> None:
    light = np.broadcast_to(np.linspace(0.1, 0.6, 200)[None, :, None], (160, 200, 3))
    profile = struct.pack(f"{byteorder}2d", 1.8e-3, 2e-5)
    tags = ((NOISE_PROFILE, 12, 2, profile, True),)
    samples = mosaic_of(light)
    noisy = samples + np.random.default_rng(1).normal(0, 200, samples.shape)
    path = write_raw(
        tmp_path / "a.dng", noisy.clip(0, 16383).astype(np.uint16), byteorder=byteorder, tags=tags
    )
    photo = read_photo(path, as_mosaic=True)
    assert photo.mosaic is not None
    assert photo.mosaic.noise.source == "file"
    np.testing.assert_allclose(photo.mosaic.noise.levels[1], [1.8e-3, 2e-5])
