"""Pictures drawn in the colours of a photo: leaves on leaves and strokes by turns, the same for the same seed."""

from __future__ import annotations

import numpy as np

from lgbpn_cli.training.drawn import COLOURS_REDUCTION, DRAWN_PX, draw_in_colours

PHOTO = np.kron(
    np.random.default_rng(0).integers(60, 200, (10, 12, 1), dtype=np.uint8) + np.array([0, 0, 40], np.uint8),
    np.ones((COLOURS_REDUCTION, COLOURS_REDUCTION, 1), np.uint8),
)
"""Even squares of grey with a blue tint."""


def test_the_same_seed_draws_the_same_pictures_and_another_one_others() -> None:
    first, again, other = (draw_in_colours(PHOTO, 2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert [(each.shape, each.dtype) for each in first] == [((DRAWN_PX, DRAWN_PX, 3), np.uint8)] * 2
    np.testing.assert_array_equal(again, first)
    assert all((one != two).any() for one, two in zip(first, other, strict=True))


def test_leaves_and_strokes_take_turns_and_have_the_colours_of_the_photo() -> None:
    drawn = draw_in_colours(PHOTO, 4, np.random.default_rng(3))
    for picture in drawn:
        red, green, blue = picture.reshape(-1, 3).mean(axis=0)
        assert abs(red - green) < 2
        assert 25 < blue - red < 55
    # A stroke is the same along its way: strokes that lie alike make a picture rougher in one direction.
    leaves, strokes = ([_uneven(each) for each in drawn[first::2]] for first in (0, 1))
    assert max(leaves) < min(strokes)


def _uneven(picture: np.ndarray) -> float:
    """Return how unequal the directions of a picture's steps are: 0 if they come evenly, 1 if all are one."""
    grey = picture.astype(float).mean(axis=2)
    down, across = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    tensor = np.array(
        [[(down**2).mean(), (down * across).mean()], [(down * across).mean(), (across**2).mean()]]
    )
    least, most = np.linalg.eigvalsh(tensor)
    return float((most - least) / (most + least))
