"""Results have the local mean of their mosaic, each colour its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.denoise.mean_of_mosaic import keep_mean_of_mosaic
from lgbpn_cli.photos.photo import Camera, Photo
from lgbpn_cli.photos.raw.mosaic import Mosaic

BLACK, WHITE = 4096, 65535
UNIT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
GBRG = np.array([[1, 2], [0, 1]], np.uint8)


def photo_of(light: np.ndarray) -> Photo:
    camera = Camera("a", "b", (2.0, 1.0, 1.5), UNIT, UNIT, (0, 0, *light.shape[1::-1]), BLACK, WHITE)
    pixels = np.rint(light * (WHITE - BLACK) + BLACK).clip(0, 65535).astype(np.uint16)
    return Photo(Path("a.dng"), pixels, None, "raw", 1, linear=True, camera=camera)


def mosaic_of(light: np.ndarray, noise: float = 0.0) -> Mosaic:
    rows, columns = np.indices(light.shape[:2])
    samples = np.take_along_axis(light, GBRG[rows % 2, columns % 2][..., None].astype(int), 2)[..., 0]
    added = np.random.default_rng(0).normal(scale=noise, size=samples.shape)
    return Mosaic((samples + added).astype(np.float32), GBRG)


def light_of(photo: Photo) -> np.ndarray:
    return (photo.pixels.astype(np.float64) - BLACK) / (WHITE - BLACK)


@pytest.mark.parametrize("shape", [(256, 320), (201, 243)])
def test_shadows_that_came_out_in_another_colour_get_their_own_back(shape: tuple[int, int]) -> None:
    scene = np.full((*shape, 3), (0.004, 0.01, 0.006))
    scene[:, 100:] *= 20
    photo = photo_of(scene + np.array([0.002, -0.003, 0.001]))
    keep_mean_of_mosaic(mosaic_of(scene, noise=0.015), photo)
    off = np.abs(light_of(photo) - scene)
    for part in (off[:, :90], off[:, 110:]):
        assert part.mean(axis=(0, 1)).max() < 7e-4


def test_a_result_with_the_right_mean_stays() -> None:
    scene = np.full((128, 128, 3), (0.1, 0.2, 0.05)) * np.linspace(0.2, 1, 128)[:, None, None]
    photo = photo_of(scene)
    before = photo.pixels.copy()
    keep_mean_of_mosaic(mosaic_of(scene), photo)
    assert (
        np.abs(photo.pixels.astype(int) - before).max() <= 60
    )  # a thousandth of white, from between the sites


def test_hot_sites_and_clipped_ones_do_not_shine_on_what_is_beside() -> None:
    scene = np.full((128, 128, 3), 0.01)
    scene[:, 64:] = 1.0
    mosaic = mosaic_of(scene, noise=1e-3)
    np.minimum(mosaic.samples, 1, out=mosaic.samples)
    mosaic.samples[20, 20] = 0.9
    photo = photo_of(scene)
    keep_mean_of_mosaic(mosaic, photo)
    light = light_of(photo)
    assert np.abs(light[:, :64] - 0.01).max() < 1e-3
    assert light[:, 64:].min() == 1.0


def test_a_mosaic_smaller_than_a_square_is_left_alone() -> None:
    scene = np.full((12, 40, 3), 0.1)
    photo = photo_of(scene)
    keep_mean_of_mosaic(mosaic_of(scene * 2), photo)
    assert np.abs(light_of(photo) - scene).max() < 1e-4
