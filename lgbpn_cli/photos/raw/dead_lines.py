"""Dead rows and columns of a sensor: lines that hold one value all along, between lines that hold a picture.

And sites of one colour that saw nothing anywhere, and rows that are missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.raw.mosaic import COLOUR_NAMES

SAME = 0.98
"""Share of a line's samples that have its value; live ones differ by their noise at least."""
MOST_BESIDE = 0.5
"""Share of the samples of a live line beside it that may have the same value: more is a clipped or black area."""
MOST_TOGETHER = 4
"""Wider bands are a frame, or samples that are missing."""
MOST_DEAD = 1 / 3
"""Share of the lines: with more, whole colours are missing beside each other, and nothing tells them."""
LOOKED_AT = 101
"""How many samples of a line are looked at first."""

Lines = NDArray[np.bool_]


def dead_sites(
    stored: NDArray[np.uint16], pattern: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Return where (h, w) the sites of samples as stored are dead and may be filled in, and what to say of them.

    None: nowhere. Raises DamagedFileError where too many lines are dead.
    """
    rows, columns = dead_lines(stored)
    for lines, kind in ((rows, "rows"), (columns, "columns")):
        if lines.mean() > MOST_DEAD:
            raise DamagedFileError(f"{lines.sum()} of its {len(lines)} {kind} hold one value each")
    dead, notes = None, []
    if count := int(rows.sum() + columns.sum()):
        dead = rows[:, None] | columns
        number = "one row or column" if count == 1 else f"{count} rows and columns"
        notes.append(f"dead on its sensor, filled in from their neighbours: {number}")
    if missing := missing_rows(stored):
        notes.append(f"{missing} rows of its sensor's data hold only zeros: left as they are")
    empty = _empty_sites(stored, pattern)
    for colour in sorted({int(pattern[site]) for site in empty}):
        its_sites = [site for site in empty if pattern[site] == colour]
        if len(its_sites) == (pattern == colour).sum():
            notes.append(
                f"its {COLOUR_NAMES[colour]} sites hold one value: there is nothing to tell that colour from"
            )
            continue
        dead = np.zeros(stored.shape, np.bool_) if dead is None else dead
        period = len(pattern)
        for row, column in its_sites:
            dead[row::period, column::period] = True
        notes.append(f"some of its {COLOUR_NAMES[colour]} sites hold one value: filled in from the others")
    return dead, tuple(notes)


def missing_rows(stored: NDArray[np.uint16]) -> int:
    """Return how many rows hold zeros alone, in bands wider than those of dead ones, beside a picture."""
    empty: Lines = np.logical_not(stored[:, :: max(1, stored.shape[1] // LOOKED_AT)].any(axis=1))
    empty[empty] = np.logical_not(stored[empty].any(axis=1))
    missing = 0
    for start, end in _runs(empty):
        beside = [float((stored[row] == 0).mean()) for row in _beside(start, end, len(stored))]
        if end - start > MOST_TOGETHER and max(beside, default=1.0) < MOST_BESIDE:
            missing += end - start
    return missing


def _empty_sites(stored: NDArray[np.uint16], pattern: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return the places in the pattern whose sites hold one value, a dark one, while others hold a picture."""
    period = len(pattern)
    planes = {
        (row, column): stored[row::period, column::period]
        for row in range(period)
        for column in range(period)
    }
    if not all(plane.size for plane in planes.values()):
        return []
    same = [site for site, plane in planes.items() if _holds_one_value(plane)]
    if not same or len(same) == len(planes):
        return []
    usual = min(float(np.median(plane)) for site, plane in planes.items() if site not in same)
    return [site for site in same if planes[site].flat[0] < usual]


def _holds_one_value(plane: NDArray[np.uint16]) -> bool:
    step = max(1, plane.shape[1] // LOOKED_AT)
    return bool((plane[::step, ::step] == plane.flat[0]).all() and (plane == plane.flat[0]).all())


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
    for start, end in _runs(alike):
        beside = _beside(start, end, height)
        shared = [(samples[row] == values[each]).mean() for row in beside for each in (start, end - 1)]
        dead[start:end] = end - start <= MOST_TOGETHER and bool(beside) and max(shared) < MOST_BESIDE
    return dead


def _runs(lines: Lines) -> list[tuple[int, int]]:
    """Return begin and end of each run of true lines."""
    starts, ends = (np.flatnonzero(np.diff(np.pad(lines, 1).astype(np.int8)) == sign) for sign in (1, -1))
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _beside(start: int, end: int, count: int) -> list[int]:
    return [line for line in (start - 1, end) if 0 <= line < count]
