"""More strength never leaves more noise: with the model that ships, in brightness and in colour."""

from __future__ import annotations

import functools
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.controls import luma_weights
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.denoise.working import WorkingPixels, to_working
from lgbpn_cli.photos.photo import Photo

pytestmark = pytest.mark.slow
STEPS = [step / 10 for step in range(11)]
SIDE = 128
ROUNDING = 0.02
"""Levels by which rounding to 8 bits may move what is measured."""


def scene() -> np.ndarray:
    """Two slopes and an edge, (SIDE, SIDE, 3) in 0..1."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    clean = np.stack([0.3 + 0.3 * rows, 0.5 - 0.2 * columns, 0.4 + 0.1 * rows], axis=2)
    clean[:, SIDE // 2 :] += 0.15
    return clean


def noisy(dtype: type[np.generic]) -> tuple[Photo, np.ndarray]:
    """A photo and its truth in working values; noise is 14 levels, half of it shared by neighbours."""
    white = np.random.default_rng(0).normal(0, 1, (SIDE, SIDE, 3))
    coarse = white + np.roll(white, 1, axis=0) + np.roll(white, 1, axis=1)
    values = np.clip(scene() + 14 / 255 / np.sqrt(3) * coarse, 0, 1)
    linear = dtype is np.float32
    pixels = values.astype(np.float32) ** 2.2 if linear else np.rint(255 * values).astype(dtype)
    photo = Photo(Path("a.png"), pixels, alpha=None, format="png", orientation=1, linear=linear)
    truth = scene().astype(np.float32) ** 2.2 if linear else scene()
    return photo, to_working(replace(photo, pixels=truth.astype(np.float32)))


@functools.cache
def denoiser(quality: str) -> Denoiser:
    return prepare(None, "cpu", InferenceConfig(quality=quality))


def noise_left(photo: Photo, truth: np.ndarray, looks: list[Look]) -> tuple[list[float], list[float]]:
    """The noise of each result in brightness and in colour, root mean squares in levels of 255."""
    working = denoiser("fast")
    answer = working.answer(photo, working.measure(WorkingPixels(photo)))
    weights = np.array(luma_weights(photo), np.float32)
    lumas, chromas = [], []
    for look in looks:
        dressed = replace(working, settings=replace(working.settings, look=look))
        left = 255 * (
            to_working(dressed.finish(photo, answer.copy(), working.measure(WorkingPixels(photo)))) - truth
        )
        luma = left @ weights
        lumas.append(float(np.sqrt(np.mean(luma**2))))
        chromas.append(float(np.sqrt(np.mean((left - luma[..., None]) ** 2))))
    return lumas, chromas


def falls(values: list[float]) -> bool:
    return all(later <= earlier + ROUNDING for earlier, later in pairwise(values))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32], ids=["encoded", "light"])
def test_more_strength_leaves_less_noise_in_brightness_and_colour(dtype: type[np.generic]) -> None:
    lumas, chromas = noise_left(*noisy(dtype), [Look(share, share) for share in STEPS])
    assert falls(lumas), lumas
    assert falls(chromas), chromas
    assert lumas[-1] < lumas[0] / 2
    assert chromas[-1] < chromas[0] / 2


def test_luma_and_chroma_each_take_their_own_noise_and_leave_the_other() -> None:
    photo, truth = noisy(np.uint8)
    lumas, others = noise_left(photo, truth, [Look(share, 0.0) for share in STEPS])
    assert falls(lumas), lumas
    assert max(others) - min(others) < 0.3
    others, chromas = noise_left(photo, truth, [Look(0.0, share) for share in STEPS])
    assert falls(chromas), chromas
    assert max(others) - min(others) < 0.3


def test_a_strength_that_rises_again_is_found() -> None:
    assert not falls([3.0, 2.0, 2.1])
