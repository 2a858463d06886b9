"""Simple denoisers to compare with."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from lgbpn_cli.errors import UsageError
from lgbpn_cli.research.baselines import estimate_sigma, load_baseline


@pytest.fixture
def picture() -> np.ndarray:
    rows, columns = np.mgrid[:48, :48] / 48
    return np.stack([rows, columns, 0.5 + 0 * rows], axis=2).astype(np.float32) * 0.5 + 0.25


def noisy(picture: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.1, picture.shape)
    return (picture + noise).astype(np.float32)


def test_the_noise_level_is_estimated_from_the_photo_alone(picture: np.ndarray) -> None:
    assert estimate_sigma(noisy(picture)) == pytest.approx(0.1, rel=0.1)


def test_a_picture_of_one_pixel_has_a_noise_level_too() -> None:
    assert estimate_sigma(np.zeros((1, 1, 3), np.float32)) > 0


def test_nlm_removes_noise(picture: np.ndarray) -> None:
    result = load_baseline("nlm")(noisy(picture))
    assert (result.dtype, result.shape) == (np.float32, picture.shape)
    assert np.abs(result - picture).mean() < 0.5 * np.abs(noisy(picture) - picture).mean()


def test_bm3d_is_told_the_estimated_noise(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def bm3d_rgb(image: np.ndarray, sigma: float) -> np.ndarray:
        told.append(sigma)
        return image

    fake = SimpleNamespace(bm3d_rgb=bm3d_rgb)
    monkeypatch.setitem(sys.modules, "bm3d", fake)
    load_baseline("bm3d")(noisy(picture))
    assert told == pytest.approx([0.1], rel=0.1)


def test_bm3d_itself_removes_noise(picture: np.ndarray) -> None:
    pytest.importorskip("bm3d", reason="bm3d is free for non-commercial use only and never installed by us")
    result = load_baseline("bm3d")(noisy(picture))
    assert (result.dtype, result.shape) == (np.float32, picture.shape)
    assert np.abs(result - picture).mean() < 0.3 * np.abs(noisy(picture) - picture).mean()


@pytest.mark.parametrize(("name", "library"), [("nlm", "skimage.restoration"), ("bm3d", "bm3d")])
def test_a_missing_library_is_named_with_its_cure(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match="pip install"):
        load_baseline(name)
