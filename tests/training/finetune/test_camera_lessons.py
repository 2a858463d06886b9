"""What a student learns from photos of one camera, and what it is judged by."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.finetune.lessons import RECORRUPTED, lessons, noise_in_targets, sharp_scenes
from lgbpn_cli.training.noise.measured import PATCH_PX, CameraNoise
from lgbpn_cli.training.student.pairs import CleanedPhotos

LEVEL, GREY = 10.0, 120


@pytest.fixture(scope="module")
def noise() -> CameraNoise:
    """White noise, the same at every brightness."""
    covariance = np.zeros((PATCH_PX, PATCH_PX, 3, 3))
    covariance[0, 0] = np.eye(3)
    return CameraNoise(((0.0, 255.0),) * 3, ((LEVEL, LEVEL),) * 3, covariance, "sidd", 1)


@pytest.fixture(scope="module")
def photos() -> CleanedPhotos:
    """Two photos of grey."""
    random, clean = np.random.default_rng(0), np.full((170, 200, 3), GREY, np.uint8)
    noisy = [np.rint(clean + random.normal(0, LEVEL, clean.shape)).astype(np.uint8) for _ in range(2)]
    return CleanedPhotos("own photos", tuple(noisy), (clean, clean), 1.0, 1.0)


def test_photos_as_taken_are_shown_with_noise_that_their_target_knows_nothing_of(
    photos: CleanedPhotos, noise: CameraNoise
) -> None:
    config = DistillationConfig(batch=4, renoised_share=0.0, transplanted_share=0.0)
    pairs = lessons(photos, [photos.targets[0]], noise, config).pairs(0)
    assert pairs.as_taken.all()
    seen, target = ((255 * each - GREY).flatten() for each in (pairs.noisy, pairs.target))
    assert float(seen.std()) == pytest.approx(LEVEL * (1 + RECORRUPTED**2) ** 0.5, rel=0.03)
    assert float(target.std()) == pytest.approx(LEVEL * (1 + RECORRUPTED**-2) ** 0.5, rel=0.03)
    assert np.corrcoef(seen.numpy(), target.numpy())[0, 1] == pytest.approx(0, abs=0.03)
    told = noise_in_targets(pairs.noisy, pairs.target).mean().sqrt()
    assert float(255 * told) == pytest.approx(float(target.std()), rel=0.03)


def test_scenes_to_judge_by_are_sharp_and_have_the_noise(photos: CleanedPhotos, noise: CameraNoise) -> None:
    random = np.random.default_rng(0)
    target, picture = photos.targets[0], np.zeros((384, 384, 3), np.uint8) + np.uint8(90)
    reduced, both = (sharp_scenes(target, noise, random, drawn) for drawn in ((), [picture]))
    assert (len(reduced.target), len(both.target)) == (1, 2)  # one that is reduced, and one that is drawn
    assert both.noisy.shape == both.target.shape
    assert float(255 * (both.noisy - both.target).std()) == pytest.approx(LEVEL, rel=0.15)
