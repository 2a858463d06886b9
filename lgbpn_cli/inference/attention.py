"""Which regions of a photo its frozen attention maps are computed from.

Attention sums over all that the network is given, so with live attention a tile's result depends on what else is
in the tile. Computed once per photo and then reused, the maps leave a purely convolutional network, in which a
tile's result is that of the whole photo.
"""

from __future__ import annotations

REGION_PX = 136
"""Side of a calibration region: with PD 4 and its rim it splits evenly into dilation phases."""
REGIONS_A_SIDE = 3
"""Regions along each axis of a large photo."""


def calibration_windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """Return the regions, equal in size, for a photo of this size; nothing else influences them.

    A photo of no more pixels than all regions together is one region: itself.
    """
    if height * width <= (REGIONS_A_SIDE * REGION_PX) ** 2:
        return [(slice(0, height), slice(0, width))]
    rows, columns = _starts(height), _starts(width)
    region_height, region_width = min(height, REGION_PX), min(width, REGION_PX)
    return [
        (slice(top, top + region_height), slice(left, left + region_width))
        for top in rows
        for left in columns
    ]


def _starts(length: int) -> list[int]:
    """Return where regions start along an axis: centred in equal thirds, or one span if they would overlap."""
    if length < REGIONS_A_SIDE * REGION_PX:
        return [max(0, (length - REGION_PX) // 2)]
    return [
        (2 * index + 1) * length // (2 * REGIONS_A_SIDE) - REGION_PX // 2 for index in range(REGIONS_A_SIDE)
    ]
