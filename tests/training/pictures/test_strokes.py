"""Drawn strokes: their colours, their directions, and that there is no noise in them."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.pictures import strokes
from lgbpn_cli.training.pictures.strokes import draw_strokes

COLOURS = np.repeat(np.arange(40, 200, dtype=np.uint8)[:, None], 3, axis=1)


def test_the_same_seed_draws_the_same_picture_and_another_one_another() -> None:
    first, again, other = (draw_strokes(64, COLOURS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(again, first)
    assert (other != first).any()


def test_colours_lie_close_together_in_the_photo_and_are_lit_unlike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strokes, "FINENESS", 1)
    monkeypatch.setattr(strokes, "LIGHT", (1.0, 1.0))
    spans = []
    for seed in range(12):
        found = np.unique(draw_strokes(96, COLOURS, np.random.default_rng(seed)))
        assert set(found) <= set(COLOURS.ravel())
        spans.append(int(found.max()) - int(found.min()))
    assert min(spans) < 15
    assert max(spans) > 60
    monkeypatch.setattr(strokes, "LIGHT", (0.7, 1.3))
    assert (
        np.unique(draw_strokes(96, COLOURS, np.random.default_rng(spans.index(min(spans))))).size
        > min(spans) + 2
    )


def test_pictures_of_many_colours_and_of_a_single_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strokes, "FINENESS", 1)
    monkeypatch.setattr(strokes, "LIGHT", (1.0, 1.0))
    counts = [len(np.unique(draw_strokes(96, COLOURS, np.random.default_rng(seed)))) for seed in range(12)]
    assert min(counts) == 1
    assert max(counts) > 60


def test_a_strokes_corners_are_as_far_apart_as_it_is_long_and_lie_round_its_middle() -> None:
    lengths = np.linspace(5, 60, 500)
    lines = strokes._lines(400, lengths, np.random.default_rng(0))
    assert lines.shape == (500, strokes.PARTS + 1, 2)
    steps = np.linalg.norm(np.diff(lines, axis=1), axis=2)
    np.testing.assert_allclose(steps.sum(axis=1), lengths)
    middles = (lines[:, 0] + lines[:, -1]) / 2
    assert middles.min() >= -0.1 * 400
    assert middles.max() <= 1.1 * 400


def test_directions_swing_with_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strokes, "SCATTER", (0.0, 0.0))
    monkeypatch.setattr(strokes, "MOST_BEND", 0.0)

    def turns() -> np.ndarray:
        lines = strokes._lines(400, np.full(400, 20.0), np.random.default_rng(2))
        across = lines[:, -1] - lines[:, 0]
        return np.arctan2(across[:, 1], across[:, 0])

    assert np.ptp(np.unwrap(np.sort(turns()))) > 0.1
    monkeypatch.setattr(strokes, "MOST_SWING", 0.0)
    assert np.ptp(turns()) < 1e-9
