"""Which kernel taps a patch-masked convolution keeps; integers only, no tensors."""

from __future__ import annotations


def tap_offsets_px(taps: int, spacing_px: int) -> list[int]:
    """Return the pixel offsets of a kernel's taps along one axis, centred on 0."""
    centre = taps // 2
    return [(index - centre) * spacing_px for index in range(taps)]


def diamond_mask(taps: int, spacing_px: int, hole_radius_px: int) -> list[list[bool]]:
    """Return True for each kept tap of a taps x taps kernel: those outside |dy| + |dx| <= hole_radius_px.

    DSPMC-9 is `diamond_mask(9, 1, 4)` with 40 kept taps, DSPMC-21 `diamond_mask(11, 2, 4)` with 108
    (paper, section 3.2 and Table 2a).
    """
    offsets = tap_offsets_px(taps, spacing_px)
    return [[abs(dy) + abs(dx) > hole_radius_px for dx in offsets] for dy in offsets]
