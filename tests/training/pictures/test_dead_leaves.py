"""Drawn texture: its colours, its sizes, and that there is no noise in it."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.pictures import dead_leaves
from lgbpn_cli.training.pictures.dead_leaves import draw_leaves

COLOURS = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)


def test_leaves_have_the_colours_they_are_given() -> None:
    picture = draw_leaves(96, COLOURS, np.random.default_rng(0), fineness=1)
    found = {tuple(colour) for colour in picture.reshape(-1, 3)}
    assert found == {tuple(colour) for colour in COLOURS}


def test_the_inside_of_a_leaf_is_even_and_its_edge_is_not() -> None:
    picture = draw_leaves(128, COLOURS, np.random.default_rng(0), smallest_radii_px=(12.0, 12.0))
    steps = np.abs(np.diff(picture.astype(int), axis=1))
    assert (steps == 0).mean() > 0.7
    assert steps.max() > 100


@pytest.mark.parametrize("smallest", [2.0, 8.0])
def test_small_leaves_are_common_and_all_are_within_bounds(smallest: float) -> None:
    radii = dead_leaves._radii(smallest, 100.0, 1e6, np.random.default_rng(0))
    assert smallest <= radii.min() <= radii.max() <= 100
    assert np.pi * (radii**2).sum() == pytest.approx(1e6, rel=0.15)
    # As often as r to the power of minus 3: four times fewer are at least twice as large.
    assert (radii > 2 * smallest).mean() == pytest.approx(0.25, abs=0.03)


def test_an_ellipse_covers_its_area_where_it_lies() -> None:
    picture = np.zeros((101, 101, 3), np.uint8)
    dead_leaves._lay(picture, np.array([50.0, 50.0]), np.array([10.0, 30.0]), 0.0, COLOURS[0])
    covered = picture[..., 0] > 0
    assert covered.sum() == pytest.approx(np.pi * 10 * 30, rel=0.02)
    rows, columns = np.nonzero(covered)
    assert (rows.min(), rows.max()) == (20, 80)
    assert (columns.min(), columns.max()) == (40, 60)


def test_leaves_may_reach_over_the_border() -> None:
    picture = np.zeros((20, 20, 3), np.uint8)
    for centre in ((0.0, 0.0), (19.5, 3.0), (-2.0, 25.0)):
        dead_leaves._lay(picture, np.array(centre), np.array([4.0, 6.0]), 0.7, COLOURS[1])
    assert picture[0, 0, 1] == 250
    assert picture[-1, 3, 1] == 250
