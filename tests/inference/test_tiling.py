"""Where tiles lie and how they are blended."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgbpn_cli.inference.tiling import TilePlan, plan_tiles

laws = settings(
    deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)
TILES = st.integers(64, 200).flatmap(lambda tile: st.tuples(st.just(tile), st.integers(0, tile // 2)))
"""Tile and overlap as InferenceConfig allows them."""
LENGTHS = st.integers(1, 1500)


def along_columns(length: int, tile_px: int, overlap_px: int) -> TilePlan:
    """Return a plan with one row of pixels, so that its columns alone count."""
    return plan_tiles(1, length, tile_px, overlap_px)


@laws
@given(length=LENGTHS, tile=TILES)
def test_tiles_reach_from_edge_to_edge_and_share_the_overlap(length: int, tile: tuple[int, int]) -> None:
    spans = along_columns(length, *tile).columns
    assert spans[0].start == 0
    assert spans[-1].stop == length
    assert all(behind.stop - ahead.start >= tile[1] for behind, ahead in pairwise(spans))


@laws
@given(length=LENGTHS, tile=TILES)
def test_tiles_are_equal_in_size_and_no_larger_than_asked(length: int, tile: tuple[int, int]) -> None:
    (size,) = {span.stop - span.start for span in along_columns(length, *tile).columns}
    assert size <= tile[0]


@laws
@given(length=LENGTHS, tile=TILES)
def test_tiles_are_no_larger_than_their_number_needs(length: int, tile: tuple[int, int]) -> None:
    plan = along_columns(length, *tile)
    size, count = plan.columns[0].stop, len(plan)
    assert (size - 1) * count - (count - 1) * tile[1] < length


@laws
@given(length=LENGTHS, tile=TILES)
def test_there_are_no_more_tiles_than_needed(length: int, tile: tuple[int, int]) -> None:
    count = len(along_columns(length, *tile))
    assert count == 1 or (count - 1) * (tile[0] - tile[1]) + tile[1] < length


@laws
@given(length=LENGTHS, tile=TILES)
def test_blending_weights_sum_to_one_at_every_pixel(length: int, tile: tuple[int, int]) -> None:
    plan = along_columns(length, *tile)
    total = np.zeros((1, length, 1))
    for place in plan:
        weights = plan.weights(*place)
        assert (weights >= 0).all()
        total[plan.window(*place)] += weights
    np.testing.assert_allclose(total, 1, rtol=0, atol=2e-7)


@laws
@given(length=LENGTHS, tile=TILES)
def test_the_outer_quarter_of_an_overlap_counts_for_nothing(length: int, tile: tuple[int, int]) -> None:
    plan, quarter = along_columns(length, *tile), tile[1] // 4
    size = plan.columns[0].stop
    for index in range(1, len(plan)):
        assert not plan.weights(0, index)[:, :quarter].any()
        assert not plan.weights(0, index - 1)[:, size - quarter :].any()


def test_weights_sum_to_one_in_both_directions_at_once() -> None:
    plan = plan_tiles(301, 237, 100, 40)
    total = np.zeros((301, 237, 1))
    for place in plan:
        total[plan.window(*place)] += plan.weights(*place)
    assert len(plan) == 5 * 4
    np.testing.assert_allclose(total, 1, rtol=0, atol=2e-7)


def test_tiles_come_row_by_row() -> None:
    plan = plan_tiles(150, 150, 100, 20)
    assert list(plan) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert plan.window(1, 0) == (slice(65, 150), slice(0, 85))


def test_a_photo_no_larger_than_a_tile_is_one_tile_of_weight_one() -> None:
    plan = plan_tiles(64, 30, 64, 32)
    assert len(plan) == 1
    assert plan.window(0, 0) == (slice(0, 64), slice(0, 30))
    assert (plan.weights(0, 0) == 1).all()
    assert plan.weights(0, 0).dtype == np.float32
