"""The camera that makes noise: same seed, same photo; noise as a sensor has it; a scene left alone without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lgbpn_cli.denoise.working import encode_light
from lgbpn_cli.training.noise.camera import LUMA, Camera, NoiseRanges, draw_camera, photograph

CAMERA = Camera(shot=4e-3, read=1e-4, saturation=0.0)
SILENT = Camera(shot=1e-9, read=0.0)


def flat(light: float, side: int = 128) -> np.ndarray:
    return encode_light(np.full((side, side, 3), light, np.float32))


def noise_of(camera: Camera, scene: np.ndarray, seed: int = 0) -> np.ndarray:
    return photograph(scene, camera, np.random.default_rng(seed)) - scene


def correlation(noise: np.ndarray) -> float:
    """Return the correlation of noise with itself one pixel to the right."""
    centred = noise - noise.mean(axis=(0, 1))
    return float((centred[:, :-1] * centred[:, 1:]).mean() / (centred**2).mean())


def test_the_same_seed_takes_the_same_photo_and_another_one_does_not() -> None:
    scene = flat(0.2)
    assert np.array_equal(noise_of(CAMERA, scene), noise_of(CAMERA, scene))
    assert not np.array_equal(noise_of(CAMERA, scene), noise_of(CAMERA, scene, seed=1))


@pytest.mark.parametrize("contrast", [0.0, 1.0])
@pytest.mark.parametrize("saturation", [0.0, 0.8])
def test_without_noise_the_photo_is_the_scene(contrast: float, saturation: float) -> None:
    random = np.random.default_rng(3)
    scene = np.round(random.random((40, 41, 3), np.float32) * 255) / np.float32(255)
    camera = replace(SILENT, contrast=contrast, saturation=saturation)
    assert np.abs(noise_of(camera, scene)).max() < 1.01 / 255


def test_noise_in_linear_light_has_the_variance_that_shot_and_read_noise_give() -> None:
    light = 0.2
    camera = Camera(shot=1e-4, read=2e-5, gains=(1.0, 1.0, 1.0), saturation=0.0)
    noise = noise_of(camera, flat(light, 256))
    # Green is measured at every second pixel; there it is left as it is. The curve's slope takes it to encoded values.
    slope = float((encode_light(np.float32(light + 1e-3)) - encode_light(np.float32(light - 1e-3))) / 2e-3)
    expected = (camera.shot * light + camera.read) * slope**2 + (1 / 255) ** 2 / 12
    measured = max(noise[row::2, column::2, 1].var() for row in (0, 1) for column in (0, 1))
    assert measured == pytest.approx(expected, rel=0.05)


def test_demosaicing_correlates_noise_and_gradient_correction_less_so() -> None:
    plain, corrected = (
        correlation(noise_of(replace(CAMERA, demosaic_correction=amount), flat(0.3, 256)))
        for amount in (0.0, 1.0)
    )
    assert 0.5 < plain < 0.7
    assert 0.3 < corrected < 0.5


def test_the_tone_curve_leaves_the_noise_of_dark_places_skewed_to_black() -> None:
    noise = noise_of(replace(CAMERA, shot=1e-2), flat(0.1, 256))
    assert noise.mean() < -1 / 255
    assert ((noise - noise.mean()) ** 3).mean() < 0


@pytest.mark.parametrize(
    ("smoothing", "wider"), [({"luma_smooth_px": 0.9}, True), ({"sharpening": 0.8}, False)], ids=str
)
def test_noise_reduction_makes_noise_coarser_and_sharpening_finer(
    smoothing: dict[str, float], wider: bool
) -> None:
    scene = flat(0.3)
    before, after = (
        correlation(noise_of(camera, scene) @ LUMA[:, None])
        for camera in (CAMERA, replace(CAMERA, **smoothing))
    )
    assert (after > before + 0.05) if wider else (after < before - 0.05)


def test_a_jpeg_of_low_quality_is_coarser_than_none() -> None:
    scene = flat(0.3)
    stored = photograph(scene, replace(CAMERA, jpeg_quality=60, jpeg_subsampling=2), np.random.default_rng(0))
    assert stored.shape == scene.shape
    assert correlation(stored - scene) > correlation(noise_of(CAMERA, scene)) + 0.05


def test_drawn_cameras_keep_to_their_ranges_and_differ() -> None:
    random, ranges = np.random.default_rng(0), NoiseRanges(shot=(1e-3, 1e-2), processed_share=0, jpeg_share=1)
    cameras = [draw_camera(random, ranges) for _ in range(50)]
    assert all(1e-3 <= camera.shot <= 1e-2 for camera in cameras)
    assert all(camera.jpeg_quality is not None and 60 <= camera.jpeg_quality <= 100 for camera in cameras)
    assert all(camera.luma_smooth_px == camera.sharpening == 0 for camera in cameras)
    assert len({camera.shot for camera in cameras}) == 50
