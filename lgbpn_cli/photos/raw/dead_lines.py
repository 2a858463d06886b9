"""Dead rows and columns of a sensor: lines that hold one value all along, between lines that hold a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME = 0.98
"""Share of a line's samples that have its value; live ones differ by their noise at least."""
MOST_BESIDE = 0.5
"""Share of the samples of a live line beside it that may have the same value: more is a clipped or black area."""
MOST_TOGETHER = 4
"""Wider bands are a frame, or samples that are missing."""
LOOKED_AT = 101
"""How many samples of a line are looked at first."""

Lines = NDArray[np.bool_]


def dead_lines(stored: NDArray[np.uint16]) -> tuple[Lines, Lines]:
    """Return which rows (h,) and which columns (w,) of a mosaic's samples as stored (h, w) are dead."""
    rows = _dead_rows(stored)
    return rows, _dead_rows(stored[~rows].T)


def _dead_rows(samples: NDArray[np.uint16]) -> Lines:
    height, width = samples.shape
    step = max(1, width // LOOKED_AT) | 1  # odd: sites of all colours
    few = samples[:, ::step]
    values = np.median(few, axis=1).astype(samples.dtype)
    alike = (few == values[:, None]).mean(axis=1) >= SAME
    for row in np.flatnonzero(alike):
        alike[row] = (samples[row] == values[row]).mean() >= SAME
    dead = np.zeros(height, np.bool_)
    starts, ends = (np.flatnonzero(np.diff(np.pad(alike, 1).astype(np.int8)) == sign) for sign in (1, -1))
    for start, end in zip(starts, ends, strict=True):
        beside = [row for row in (start - 1, end) if 0 <= row < height]
        shared = [(samples[row] == values[each]).mean() for row in beside for each in (start, end - 1)]
        dead[start:end] = end - start <= MOST_TOGETHER and bool(beside) and max(shared) < MOST_BESIDE
    return dead
