"""Black that differs from site to site more than LibRaw knows: DNG's patterns of any size, rows and columns.

Source: Adobe, "Digital Negative (DNG) Specification", version 1.7, chapter 4: BlackLevelRepeatDim, BlackLevel,
BlackLevelDeltaH and BlackLevelDeltaV.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.photos.faults import DamagedFileError

REPEATS, LEVELS, PER_COLUMN, PER_ROW = 50713, 50714, 50715, 50716
MOST_LEVELS = 4096

Numbers = Callable[[int], NDArray[np.float64]]
"""The values of a tag by its number; none where it is missing."""


@dataclass(frozen=True, eq=False)
class BlackLevels:
    """The black of every site of the part of a sensor that is shown, which DNG calls its active area."""

    repeated: NDArray[np.float32]
    """(rows, columns, planes): repeats from the upper left corner on."""
    per_column: NDArray[np.float32]
    """(width,): added to each column; of no columns where there is nothing to add."""
    per_row: NDArray[np.float32]
    """(height,): added to each row."""
    top: int = 0
    """Where the part lies among the samples as stored."""
    left: int = 0

    @property
    def most(self) -> NDArray[np.float32]:
        """The largest of each plane: white minus it is 1.0 of all sites, as DNG wants it."""
        added = sum(float(lines.max()) for lines in (self.per_column, self.per_row) if len(lines))
        return np.asarray(self.repeated.max(axis=(0, 1)) + np.float32(added), np.float32)

    def at(self, rows: slice, top: int, left: int, width: int) -> NDArray[np.float32]:
        """Return the black of these rows of a picture that begins at `top` and `left` of the samples as stored.

        (rows, width, planes) float32.
        """
        down = np.arange(rows.start, rows.stop) + top - self.top
        across = np.arange(width) + left - self.left
        black = self.repeated[down % len(self.repeated)][:, across % self.repeated.shape[1]]
        black = black + _where(self.per_row, down)[:, None, None]
        return np.asarray(black + _where(self.per_column, across)[None, :, None], np.float32)


def read_black_levels(numbers: Numbers, planes: int, top: int, left: int) -> BlackLevels | None:
    """Return the black levels of a directory whose active area begins there; None where LibRaw tells them as well.

    Raises DamagedFileError where there are too few or too many.
    """
    repeats = numbers(REPEATS)
    rows, columns = (int(repeats[0]), int(repeats[1])) if len(repeats) == 2 else (1, 1)
    per_column, per_row = (numbers(tag).astype(np.float32) for tag in (PER_COLUMN, PER_ROW))
    if (rows, columns) == (1, 1) and not per_column.any() and not per_row.any():
        return None
    return BlackLevels(_pattern(numbers(LEVELS), rows, columns, planes), per_column, per_row, top, left)


def _pattern(levels: NDArray[np.float64], rows: int, columns: int, planes: int) -> NDArray[np.float32]:
    """Return black levels as (rows, columns, planes); one may stand for all planes."""
    sites = rows * columns
    if not 0 < sites <= MOST_LEVELS:
        raise DamagedFileError(f"its black levels repeat every {rows} x {columns} sites")
    if not len(levels):
        levels = np.zeros(1)
    for shape in ((rows, columns, planes), (rows, columns, 1), (1, 1, 1)):
        if len(levels) == math.prod(shape):
            return np.broadcast_to(levels.reshape(shape), (rows, columns, planes)).astype(np.float32)
    raise DamagedFileError(f"it names {len(levels)} black levels for {rows} x {columns} sites")


def _where(values: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the values at these places; 0 where there are none."""
    if not len(values):
        return np.zeros(len(places), np.float32)
    return np.where((places >= 0) & (places < len(values)), values[np.clip(places, 0, len(values) - 1)], 0)
