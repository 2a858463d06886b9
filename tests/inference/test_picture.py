"""A photo extended to a multiple, read window by window."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.inference.picture import Extended


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32)


@pytest.mark.parametrize("size", [(64, 64), (50, 61), (33, 17), (24, 47)], ids=str)
def test_a_window_is_that_of_the_whole_picture_reflected_at_bottom_and_right(size: tuple[int, int]) -> None:
    image, height, width = picture(*size), -(-size[0] // 16) * 16, -(-size[1] // 16) * 16
    whole = np.pad(image, [(0, height - size[0]), (0, width - size[1]), (0, 0)], mode="reflect")
    extended = Extended(image, 16)
    assert (extended.height, extended.width) == (height, width)
    for top in range(0, height, 16):
        for left in range(0, width, 16):
            for window in (
                (slice(top, top + 16), slice(left, left + 16)),
                (slice(top, height), slice(left, width)),
            ):
                assert np.array_equal(extended.read(window), whole[window])


@pytest.mark.parametrize("size", [(1, 1), (7, 8), (3, 40)], ids=str)
def test_a_side_too_short_to_be_reflected_stays_as_it_is(size: tuple[int, int]) -> None:
    extended = Extended(picture(*size), 16)
    assert extended.height == size[0]
    assert extended.read((slice(0, extended.height), slice(0, extended.width))).shape[0] == size[0]


def test_what_lies_inside_is_cut_at_the_pictures_edge() -> None:
    extended = Extended(picture(50, 61), 16)
    assert extended.inside((slice(48, 64), slice(16, 32))) == (slice(48, 50), slice(16, 32))
