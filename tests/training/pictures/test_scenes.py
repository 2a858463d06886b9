"""Scenes for lessons: crops cut alike, and what varies in them."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.pictures import scenes
from lgbpn_cli.training.pictures.scenes import crop, darkened, halved, varied


def steps_picture() -> np.ndarray:
    """Return stripes of two colours, 4 px wide, (64, 64, 3), 0..1."""
    stripes = (np.arange(64) // 4 % 2)[None, :, None]
    return np.where(stripes, (0.8, 0.5, 0.2), (0.3, 0.4, 0.6)).repeat(64, axis=0).astype(np.float32)


def only(monkeypatch: pytest.MonkeyPatch, share: str) -> None:
    for name in ("DARK_SHARE", "COLOURED_SHARE", "SHARPENED_SHARE", "CONTRASTED_SHARE"):
        monkeypatch.setattr(scenes, name, float(name == share))


def test_pictures_are_cropped_alike() -> None:
    first = np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3).astype(np.uint8)
    for seed in range(8):
        one, other = crop((first, 255 - first), 9, np.random.default_rng(seed))
        assert one.shape == (9, 9, 3)
        np.testing.assert_allclose(one + other, 1, atol=1e-6)


def test_a_halved_scene_has_the_means_of_squares() -> None:
    scene = np.arange(16, dtype=np.float32).reshape(4, 4, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(halved(scene)[..., 0], [[2.5, 4.5], [10.5, 12.5]])


def test_light_only_becomes_weaker_down_to_a_tenth() -> None:
    light = [
        darkened(np.full((2, 2, 3), 0.8, np.float32), np.random.default_rng(n)).mean() for n in range(60)
    ]
    assert sum(each == pytest.approx(0.8) for each in light) == pytest.approx(30, abs=10)
    assert max(light) <= 0.8 + 1e-6
    assert 0.25 < min(light) < 0.4  # a tenth of the light of 0.8 is 0.27 in sRGB


def test_nothing_varies_where_no_share_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "none")
    np.testing.assert_array_equal(varied(steps_picture(), np.random.default_rng(0)), steps_picture())


def test_colour_varies_from_grey_to_stronger(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "COLOURED_SHARE")
    plain = steps_picture()
    results = [varied(plain, np.random.default_rng(seed)) for seed in range(40)]
    spreads = [float(np.ptp(result, axis=2).mean() / np.ptp(plain, axis=2).mean()) for result in results]
    assert min(spreads) < 0.2
    assert max(spreads) > 1.2
    assert all(abs(result.mean() - plain.mean()) < 0.03 for result in results)


def test_sharpness_varies_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "SHARPENED_SHARE")
    plain = steps_picture()
    steepest = [
        float(np.abs(np.diff(varied(plain, np.random.default_rng(seed)), axis=1)).max() / 0.5)
        for seed in range(40)
    ]
    assert min(steepest) < 0.8
    assert max(steepest) > 1.2


def test_contrast_varies_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "CONTRASTED_SHARE")
    plain = steps_picture()
    ratios = [float(varied(plain, np.random.default_rng(seed)).std() / plain.std()) for seed in range(40)]
    assert min(ratios) < 0.6
    assert max(ratios) > 1.2


def test_a_varied_scene_stays_float32_within_0_and_1() -> None:
    for seed in range(20):
        result = varied(steps_picture(), np.random.default_rng(seed))
        assert result.dtype == np.float32
        assert 0 <= result.min() <= result.max() <= 1
