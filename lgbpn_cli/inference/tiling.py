"""Tiles: where they lie (integers only), and how neighbours are blended so that the weights sum to one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Span:
    """One tile's extent along one axis, in pixels of the photo."""

    start: int
    stop: int


@dataclass(frozen=True)
class TilePlan:
    """All tiles of a photo: the product of its row spans and its column spans."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    overlap_px: int

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.rows) * len(self.columns)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield (row index, column index) of each tile, row by row."""
        return ((row, column) for row in range(len(self.rows)) for column in range(len(self.columns)))

    def window(self, row: int, column: int) -> tuple[slice, slice]:
        """Return the tile's place in the photo."""
        rows, columns = self.rows[row], self.columns[column]
        return slice(rows.start, rows.stop), slice(columns.start, columns.stop)

    def weights(self, row: int, column: int) -> np.ndarray:
        """Return the tile's blending weights (h, w, 1) float32; over all tiles they sum to one at every pixel."""
        vertical = _weights(self.rows, row, self.overlap_px)
        horizontal = _weights(self.columns, column, self.overlap_px)
        return np.asarray((vertical[:, None] * horizontal[None, :])[..., None], np.float32)


def plan_tiles(height: int, width: int, tile_px: int, overlap_px: int, multiple_px: int = 1) -> TilePlan:
    """Return tiles of at most tile_px a side, neighbours sharing at least overlap_px (less than half a tile).

    Where there is more than one tile along an axis, their length is a multiple of `multiple_px`.
    """
    tile_px -= tile_px % multiple_px
    rows, columns = (_spans(length, tile_px, overlap_px, multiple_px) for length in (height, width))
    return TilePlan(rows, columns, overlap_px)


def _spans(length: int, tile_px: int, overlap_px: int, multiple_px: int) -> tuple[Span, ...]:
    """Return spans of equal length from edge to edge: as few as tile_px allows, and no longer than those need."""
    if length <= tile_px:
        return (Span(0, length),)
    count = -(-(length - overlap_px) // (tile_px - overlap_px))
    side = -(-(length + (count - 1) * overlap_px) // count)
    side += -side % multiple_px
    starts = [(length - side) * index // (count - 1) for index in range(count)]
    return tuple(Span(start, start + side) for start in starts)


def _weights(spans: tuple[Span, ...], index: int, overlap_px: int) -> np.ndarray:
    """Return one tile's weights along one axis, float64: up over the seam behind it, down over the one ahead."""
    span = spans[index]
    positions = np.arange(span.start, span.stop)
    rising = _rise(spans, index, positions, overlap_px)
    return np.asarray(rising * (1 - _rise(spans, index + 1, positions, overlap_px)))


def _rise(spans: tuple[Span, ...], index: int, positions: np.ndarray, overlap_px: int) -> np.ndarray:
    """Return 0 before the seam between tiles index - 1 and index, 1 behind it, a ramp across it.

    The ramp is half the overlap wide and lies in its middle: the outer quarters, where a tile sees the least of
    its surroundings, count for nothing.
    """
    if index == 0:
        return np.ones(len(positions))
    if index == len(spans):
        return np.zeros(len(positions))
    middle = (spans[index].start + spans[index - 1].stop - 1) / 2
    ramp = max(overlap_px // 2, 1)
    return np.asarray(np.clip((positions - middle) / ramp + 0.5, 0, 1))
