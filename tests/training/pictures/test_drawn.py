"""Pictures drawn in the colours of a photo: leaves on leaves, strokes, and leaves with faint strokes, by turns."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.pictures import drawn
from lgbpn_cli.training.pictures.drawn import COLOURS_REDUCTION, DRAWN_PX, draw_in_colours

PHOTO = np.kron(
    np.random.default_rng(0).integers(60, 200, (100, 120, 1), dtype=np.uint8)
    + np.array([0, 0, 40], np.uint8),
    np.ones((COLOURS_REDUCTION, COLOURS_REDUCTION, 1), np.uint8),
)
"""Even squares of grey with a blue tint."""


def test_the_same_seed_draws_the_same_pictures_and_another_one_others() -> None:
    first, again, other = (draw_in_colours(PHOTO, 2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert [(each.shape, each.dtype) for each in first] == [((DRAWN_PX, DRAWN_PX, 3), np.uint8)] * 2
    np.testing.assert_array_equal(again, first)
    assert all((one != two).any() for one, two in zip(first, other, strict=True))


def test_all_kinds_have_the_colours_of_the_photo() -> None:
    pictures = draw_in_colours(PHOTO, 6, np.random.default_rng(3))
    for picture in pictures:
        red, green, blue = picture.reshape(-1, 3).mean(axis=0)
        assert abs(red - green) < 2
        assert 25 < blue - red < 55


def test_kinds_take_turns_and_strokes_are_hazy_alone_and_faint_on_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    even = np.full((DRAWN_PX, DRAWN_PX, 3), 100, np.uint8)
    striped = even.copy()
    striped[::2] = 200
    monkeypatch.setattr(drawn, "draw_leaves", lambda *_: even)
    monkeypatch.setattr(drawn, "draw_strokes", lambda *_: striped)
    pictures = draw_in_colours(PHOTO, 60, np.random.default_rng(4))
    for first, mean, least, most in (
        (0, 100, 0, 0),
        (1, 150, drawn.HAZIEST, 1.0),
        (2, 100, drawn.FAINTEST, drawn.MOST_SHOWING),
    ):
        kind = np.array(pictures[first::3], np.float32)
        assert abs(kind.mean() - mean) < 0.6
        contrasts = (kind[:, ::2] - kind[:, 1::2]).mean(axis=(1, 2, 3)) / 100
        assert least - 0.01 <= contrasts.min() <= 1.5 * least
        assert 0.8 * most <= contrasts.max() <= most + 0.01
