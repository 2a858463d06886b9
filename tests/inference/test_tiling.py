"""Where tiles lie."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgbpn_cli.inference.tiling import Tile, plan_tiles, split_tiles

laws = settings(
    deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)
LENGTHS, TILES, HALOS = st.integers(1, 900), st.integers(64, 300), st.integers(0, 130)
MULTIPLES = st.sampled_from((1, 4, 12, 16))


def covered(tiles: list[Tile], height: int, width: int) -> np.ndarray:
    """Return how many cores hold each pixel."""
    count = np.zeros((height, width), int)
    for tile in tiles:
        count[tile.core] += 1
    return count


def sides(span: slice) -> int:
    return int(span.stop - span.start)


@laws
@given(height=LENGTHS, width=LENGTHS, tile=TILES, halo=HALOS, multiple=MULTIPLES)
def test_every_pixel_lies_in_one_core(height: int, width: int, tile: int, halo: int, multiple: int) -> None:
    assert (covered(plan_tiles(height, width, tile, halo, multiple), height, width) == 1).all()


@laws
@given(length=LENGTHS, tile=TILES, halo=HALOS, multiple=MULTIPLES)
def test_cores_are_no_larger_than_asked_and_no_more_than_needed(
    length: int, tile: int, halo: int, multiple: int
) -> None:
    cores = [each.core[1] for each in plan_tiles(1, length, tile, halo, multiple)]
    assert max(map(sides, cores)) <= tile
    assert (len(cores) - 1) * (tile - tile % multiple) < length


@laws
@given(length=LENGTHS, tile=TILES, halo=HALOS, multiple=MULTIPLES)
def test_corners_lie_on_the_grid(length: int, tile: int, halo: int, multiple: int) -> None:
    for each in plan_tiles(1, length, tile, halo, multiple):
        for span in (each.core[1], each.window[1]):
            assert span.start % multiple == 0
            assert span.stop % multiple == 0 or span.stop == length


@laws
@given(length=LENGTHS, tile=TILES, halo=HALOS, multiple=MULTIPLES)
def test_windows_hold_the_halo_up_to_the_photos_edges(
    length: int, tile: int, halo: int, multiple: int
) -> None:
    for each in plan_tiles(1, length, tile, halo, multiple):
        core, window = each.core[1], each.window[1]
        assert window.start == 0 or halo <= core.start - window.start < halo + multiple
        assert window.stop == length or halo <= window.stop - core.stop < halo + multiple
        assert 0 <= window.start <= core.start < core.stop <= window.stop <= length


def test_the_core_lies_where_the_tile_says_inside_its_window() -> None:
    image = np.arange(200 * 150).reshape(200, 150)
    for tile in plan_tiles(200, 150, 64, 20, 4):
        assert np.array_equal(image[tile.window][tile.inner], image[tile.core])


def test_tiles_come_row_by_row() -> None:
    cores = [tile.core for tile in plan_tiles(100, 150, 80, 20)]
    rows, columns = (slice(0, 50), slice(50, 100)), (slice(0, 75), slice(75, 150))
    assert cores == [(row, column) for row in rows for column in columns]


def test_a_photo_no_larger_than_a_tile_is_one_tile() -> None:
    everything = slice(0, 64), slice(0, 30)
    assert plan_tiles(64, 30, 64, 32, 16) == [Tile(everything, everything)]


@laws
@given(height=LENGTHS, width=LENGTHS, tile=TILES, halo=HALOS, multiple=MULTIPLES)
def test_split_tiles_cover_the_same_pixels_in_pieces_of_the_new_size(
    height: int, width: int, tile: int, halo: int, multiple: int
) -> None:
    tiles = plan_tiles(height, width, tile, halo, multiple)[1:]
    smaller = split_tiles(tiles, height, width, tile // 2, halo, multiple)
    assert np.array_equal(covered(smaller, height, width), covered(tiles, height, width))
    assert all(max(sides(span) for span in each.core) <= max(tile // 2, multiple) for each in smaller)


def test_split_tiles_keep_their_halo_in_the_whole_photo() -> None:
    (last,) = plan_tiles(64, 256, 128, 32, 16)[1:]
    left, right = split_tiles([last], 64, 256, 64, 32, 16)[:2]
    assert (left.core[1], left.window[1]) == (slice(128, 192), slice(96, 224))
    assert (right.core[1], right.window[1]) == (slice(192, 256), slice(160, 256))
