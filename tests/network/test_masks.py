"""Which taps of a patch-masked convolution count."""

from __future__ import annotations

import pytest
import torch
from reference.slow_lgbpn import kept_taps

from lgbpn_cli.network.masks import diamond_mask, tap_offsets_px

PUBLISHED = [(9, 1, 4, 40), (11, 2, 4, 108)]
SMALLER = [(7, 1, 3, 24), (5, 1, 2, 12)]


@pytest.mark.parametrize(("taps", "spacing_px", "hole_radius_px", "count"), PUBLISHED + SMALLER)
def test_the_mask_keeps_the_number_of_taps_the_paper_gives(
    taps: int, spacing_px: int, hole_radius_px: int, count: int
) -> None:
    mask = diamond_mask(taps, spacing_px, hole_radius_px)
    assert sum(sum(row) for row in mask) == count


@pytest.mark.parametrize(
    ("kernel_px", "spacing_px", "hole_radius_px"),
    [(9, 1, 4), (21, 2, 4), (7, 1, 3), (17, 2, 3), (5, 1, 2), (13, 2, 2)],
)
def test_the_lattice_of_taps_is_the_full_size_mask_without_its_empty_rows(
    kernel_px: int, spacing_px: int, hole_radius_px: int
) -> None:
    whole = kept_taps(kernel_px, hole_radius_px, step=spacing_px)
    taps = (kernel_px - 1) // spacing_px + 1
    mask = torch.tensor(diamond_mask(taps, spacing_px, hole_radius_px)).double()
    assert torch.equal(whole[::spacing_px, ::spacing_px], mask)
    assert whole.sum() == mask.sum()


def test_tap_offsets_are_centred_on_the_pixel() -> None:
    assert tap_offsets_px(5, 1) == [-2, -1, 0, 1, 2]
    assert tap_offsets_px(5, 2) == [-4, -2, 0, 2, 4]
