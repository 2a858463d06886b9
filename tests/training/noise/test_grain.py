"""Grain: of its level, white or coarse, grey or coloured, and not the same in light and shadow."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.noise import grain
from lgbpn_cli.training.noise.grain import grain_for

GREY = np.full((96, 96, 3), 0.5, np.float32)
DRAWS = 40


def drawn(scene: np.ndarray = GREY) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [grain_for(scene, random) for _ in range(DRAWS)]


def neighbours(noise: np.ndarray) -> float:
    """Return the correlation of a pixel with the next one."""
    return float((noise[:, 1:] * noise[:, :-1]).mean() / (noise**2).mean())


def test_grain_has_all_levels_of_its_range_and_hardly_a_mean() -> None:
    found = drawn()
    levels = np.array([255 * each.std() for each in found])
    assert levels.min() >= 0.9 * grain.LEVELS[0]
    assert levels.max() <= 1.1 * grain.LEVELS[1]
    assert (levels < np.sqrt(grain.LEVELS[0] * grain.LEVELS[1])).mean() == pytest.approx(0.5, abs=0.25)
    assert all(abs(each.mean()) < 0.15 * each.std() for each in found)


def test_a_share_of_it_is_white_and_the_rest_may_be_coarse() -> None:
    correlations = np.array([neighbours(each) for each in drawn()])
    assert (np.abs(correlations) < 0.03).mean() == pytest.approx(grain.WHITE_SHARE, abs=0.2)
    assert correlations.max() > 0.7


def test_how_coarse_it_may_be_is_up_to_the_caller() -> None:
    random = np.random.default_rng(0)
    fine = [neighbours(grain_for(GREY, random, 0.6)) for _ in range(DRAWS)]
    assert 0.1 < max(fine) < 0.6


def test_it_is_grey_coloured_and_between() -> None:
    alike = np.array([np.corrcoef(each[..., 0].ravel(), each[..., 1].ravel())[0, 1] for each in drawn()])
    assert alike.min() < 0.2
    assert alike.max() > 0.9


def test_it_is_stronger_in_shadows_or_in_lights() -> None:
    scene = GREY.copy()
    scene[:48] = 0.05
    ratios = np.array([each[:48].std() / each[48:].std() for each in drawn(scene)])
    assert ratios.min() < 0.8
    assert ratios.max() > 1.25
