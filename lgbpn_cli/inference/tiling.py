"""Tiles: which part of a photo each network call sees, and which part of its result counts; integers only."""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.image.types import Window


@dataclass(frozen=True)
class Tile:
    """One network call: it sees `window`, and what it gives for `core` is the result there."""

    core: Window
    window: Window

    @property
    def inner(self) -> Window:
        """Where the core lies inside the window."""
        rows, columns = (
            slice(core.start - seen.start, core.stop - seen.start)
            for core, seen in zip(self.core, self.window, strict=True)
        )
        return rows, columns


def plan_tiles(height: int, width: int, tile_px: int, halo_px: int, multiple_px: int = 1) -> list[Tile]:
    """Return tiles, row by row, whose cores cover the photo once and are of at most `tile_px` a side.

    Cores of one axis are equal but for the last, which may be smaller. They and the halo round them, which is
    cut off at the photo's edges, lie on multiples of `multiple_px`; so both sizes are rounded: cores down, halo up.
    """
    rows, columns = (_spans(length, tile_px, multiple_px) for length in (height, width))
    cores = [(each, other) for each in rows for other in columns]
    return [_with_halo(core, (height, width), halo_px + -halo_px % multiple_px) for core in cores]


def split_tiles(
    tiles: list[Tile], height: int, width: int, tile_px: int, halo_px: int, multiple_px: int = 1
) -> list[Tile]:
    """Return the same cores in tiles of at most `tile_px` a side, in the same order."""
    smaller = []
    for tile in tiles:
        rows, columns = tile.core
        inside = plan_tiles(rows.stop - rows.start, columns.stop - columns.start, tile_px, 0, multiple_px)
        for piece in inside:
            core = _moved(piece.core[0], rows.start), _moved(piece.core[1], columns.start)
            smaller.append(_with_halo(core, (height, width), halo_px + -halo_px % multiple_px))
    return smaller


def _spans(length: int, tile_px: int, multiple_px: int) -> list[slice]:
    """Return spans from edge to edge: as few as tile_px allows, and no longer than those need."""
    largest = max(tile_px - tile_px % multiple_px, multiple_px)
    count = -(-length // largest)
    side = -(-length // count)
    side += -side % multiple_px
    return [slice(start, min(start + side, length)) for start in range(0, length, side)]


def _with_halo(core: Window, shape: tuple[int, int], halo_px: int) -> Tile:
    rows, columns = (
        slice(max(0, span.start - halo_px), min(length, span.stop + halo_px))
        for span, length in zip(core, shape, strict=True)
    )
    return Tile(core, (rows, columns))


def _moved(span: slice, by_px: int) -> slice:
    return slice(span.start + by_px, span.stop + by_px)
