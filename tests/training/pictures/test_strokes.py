"""Drawn strokes: their colours, their directions, and that there is no noise in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lgbpn_cli.training.pictures import strokes
from lgbpn_cli.training.pictures.strokes import Brush, draw_strokes, stroke_corners

EVEN = Brush(fineness=1, light=(1.0, 1.0))
COLOURS = np.repeat(np.arange(40, 200, dtype=np.uint8)[:, None], 3, axis=1)


def test_the_same_seed_draws_the_same_picture_and_another_one_another() -> None:
    first, again, other = (draw_strokes(64, COLOURS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(again, first)
    assert (other != first).any()


def test_colours_lie_close_together_in_the_photo_and_are_lit_unlike() -> None:
    spans = []
    for seed in range(12):
        found = np.unique(draw_strokes(96, COLOURS, np.random.default_rng(seed), EVEN))
        assert set(found) <= set(COLOURS.ravel())
        spans.append(int(found.max()) - int(found.min()))
    assert min(spans) < 15
    assert max(spans) > 60
    lit = draw_strokes(96, COLOURS, np.random.default_rng(spans.index(min(spans))), Brush(fineness=1))
    assert np.unique(lit).size > min(spans) + 2


def test_pictures_of_many_colours_and_of_a_single_one() -> None:
    pictures = [draw_strokes(96, COLOURS, np.random.default_rng(seed), EVEN) for seed in range(12)]
    counts = [len(np.unique(picture)) for picture in pictures]
    assert min(counts) == 1
    assert max(counts) > 60


def test_a_strokes_corners_are_as_far_apart_as_it_is_long_and_lie_round_its_middle() -> None:
    lengths = np.linspace(5, 60, 500)
    lines = stroke_corners(400, lengths, np.random.default_rng(0))
    assert lines.shape == (500, strokes.PARTS + 1, 2)
    steps = np.linalg.norm(np.diff(lines, axis=1), axis=2)
    np.testing.assert_allclose(steps.sum(axis=1), lengths)
    middles = (lines[:, 0] + lines[:, -1]) / 2
    assert middles.min() >= -0.1 * 400
    assert middles.max() <= 1.1 * 400


def test_directions_swing_with_the_place() -> None:
    def turns(brush: Brush) -> np.ndarray:
        lines = stroke_corners(400, np.full(400, 20.0), np.random.default_rng(2), brush)
        across = lines[:, -1] - lines[:, 0]
        return np.arctan2(across[:, 1], across[:, 0])

    straight = Brush(scatter=(0.0, 0.0), most_bend=0.0)
    assert np.ptp(np.unwrap(np.sort(turns(straight)))) > 0.1
    assert np.ptp(turns(replace(straight, most_swing=0.0))) < 1e-9
