"""The regions that frozen attention is computed from."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgbpn_cli.inference.attention import REGION_PX, REGIONS_A_SIDE, calibration_windows

laws = settings(
    deadline=None, derandomize=True, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)
SIDES = st.integers(1, 9000)


@laws
@given(height=SIDES, width=SIDES)
def test_regions_lie_inside_the_photo_and_are_equal_in_size(height: int, width: int) -> None:
    sizes = set()
    for rows, columns in calibration_windows(height, width):
        assert 0 <= rows.start < rows.stop <= height
        assert 0 <= columns.start < columns.stop <= width
        sizes.add((rows.stop - rows.start, columns.stop - columns.start))
    assert len(sizes) == 1


@laws
@given(height=SIDES, width=SIDES)
def test_regions_do_not_overlap(height: int, width: int) -> None:
    for index in (0, 1):
        spans = sorted(
            {(window[index].start, window[index].stop) for window in calibration_windows(height, width)}
        )
        assert all(behind[1] <= ahead[0] for behind, ahead in pairwise(spans))


@laws
@given(height=SIDES, width=SIDES)
def test_regions_never_hold_more_pixels_than_nine_squares(height: int, width: int) -> None:
    windows = calibration_windows(height, width)
    pixels = sum((rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in windows)
    assert pixels <= (REGIONS_A_SIDE * REGION_PX) ** 2


def test_a_photo_of_no_more_pixels_than_nine_regions_is_one_region_itself() -> None:
    side = REGIONS_A_SIDE * REGION_PX
    assert calibration_windows(side - 1, side + 1) == [(slice(0, side - 1), slice(0, side + 1))]


def test_a_large_photo_has_nine_regions_centred_in_its_ninths() -> None:
    windows, half = calibration_windows(3000, 4500), REGION_PX // 2
    assert [rows.start + half for rows, _ in windows[::3]] == [500, 1500, 2500]
    assert [columns.start + half for _, columns in windows[:3]] == [750, 2250, 3750]


def test_a_long_strip_has_three_regions_of_its_height() -> None:
    windows = calibration_windows(7, 60_000)
    assert [rows for rows, _ in windows] == [slice(0, 7)] * 3
