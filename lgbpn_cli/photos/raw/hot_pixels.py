"""Hot pixels of a mosaic: sites that are bright without light. They are found and filled in before demosaicing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lgbpn_cli.photos.raw.mosaic import Mosaic

DEVIATIONS = 10.0
"""Of the noise, by which a hot site lies above the second brightest of its neighbours of the same colour."""
SHARE_OF_OTHERS, DEVIATIONS_OF_OTHERS = 0.1, 2.5
"""The other colours beside a hot site rise by less than this share of its own rise, and by so few deviations of their
noise together that they need not rise at all: light would show in them, and so does the rim of a star."""
LEAST_RISE = 0.05
"""Share of the light around, by which a hot site lies above it at the least: else nobody sees it, and smooth light
without noise has such sites."""
LEAST_DEVIATION = 2e-5
"""Of noise: what steps of 14 bits leave."""
BESIDE = 4
"""How many sites of other colours are looked at, the nearest."""
CELL_PX, MOST_IN_CELL = 32, 4
"""More than so many bright sites in a square of this side are not an accident, where the picture's median is none."""
NEIGHBOURS = 8
REACH = 4
"""How far those neighbours lie away at most, in sites."""
SMALLEST_SIDE = 16
"""Of a mosaic that is looked at: every site then has some of its neighbours."""
BAND_ROWS = 96
"""Rows worked on at a time; a multiple of both patterns' periods."""
Step = tuple[int, int]
"""Rows down and columns to the right."""
Light = dict[int, float]
"""The mean light of each colour."""


def repair_hot_pixels(mosaic: Mosaic, levels: np.ndarray) -> int:
    """Fill in the hot sites of a mosaic, in place, and return how many there were.

    A site is hot where it lies far above the second brightest of its eight nearest neighbours of the same colour,
    measured in the noise at that brightness, *and* the other colours beside it do not rise with it, *and* such sites
    are not crowded: without the second condition fine texture and stars would be hit, without the third coloured
    lights. It gets its neighbours' median. `levels` (3, 2) is the noise: a and b of a x + b.
    """
    period = len(mosaic.pattern)
    if min(mosaic.samples.shape) < SMALLEST_SIDE:
        return 0
    sites = [(row, column) for row in range(period) for column in range(period)]
    bright = [_bright_sites(mosaic, levels, row, column) for row, column in sites]
    alone = _uncrowded(bright, mosaic.samples.shape)
    usual: Light = {
        colour: max(1e-4, abs(float(mosaic.samples[site].mean()))) for colour, site in mosaic.site_slices()
    }
    found = []
    for (row, column), places in zip(sites, bright, strict=True):
        places = places[alone[places[:, 0] // CELL_PX, places[:, 1] // CELL_PX]]
        around = _gathered(mosaic.samples, places, same_colour_steps(mosaic.pattern, row, column))
        medians = np.nanmedian(around, axis=1) if len(places) else np.empty(0)
        hot = _others_stay(mosaic, levels, (row, column), places, medians, usual)
        found.append((places[hot], medians[hot]))
    for places, values in found:  # after all were looked at, or one would be judged by another's repair
        mosaic.samples[places[:, 0], places[:, 1]] = values
    return sum(len(places) for places, _ in found)


def fill_sites(mosaic: Mosaic, bad: np.ndarray) -> None:
    """Give the sites where `bad` (h, w) is true the median of their good neighbours of the same colour, in place.

    Those that have none, where dead lines cross, get that of neighbours that were filled in before.
    """
    left, count = bad, 0
    while left.any() and left.sum() != count:
        count = left.sum()
        left = _filled_once(mosaic, left)


def _filled_once(mosaic: Mosaic, bad: np.ndarray) -> np.ndarray:
    """Fill in what has a good neighbour, and return where (h, w) there was none."""
    places = np.argwhere(bad)
    samples = np.where(bad, np.float32(np.nan), mosaic.samples)
    left = bad.copy()
    period = len(mosaic.pattern)
    for row in range(period):
        for column in range(period):
            own = places[(places[:, 0] % period == row) & (places[:, 1] % period == column)]
            around = _gathered(samples, own, same_colour_steps(mosaic.pattern, row, column))
            known = np.isfinite(around).any(axis=1)
            own, around = own[known], around[known]
            mosaic.samples[own[:, 0], own[:, 1]] = np.nanmedian(around, axis=1) if len(own) else 0
            left[own[:, 0], own[:, 1]] = False
    return left


def same_colour_steps(pattern: np.ndarray, row: int, column: int) -> list[Step]:
    """Return the steps from a site of the pattern to its eight nearest neighbours of the same colour."""
    return _steps(pattern, row, column, same=True)[:NEIGHBOURS]


def _steps(pattern: np.ndarray, row: int, column: int, *, same: bool) -> list[Step]:
    period = len(pattern)
    reach = range(-REACH, REACH + 1)
    found = [
        (down, right)
        for down in reach
        for right in reach
        if (down, right) != (0, 0)
        and (pattern[(row + down) % period, (column + right) % period] == pattern[row, column]) == same
    ]
    return sorted(found, key=lambda step: (step[0] ** 2 + step[1] ** 2, step))


def _bright_sites(mosaic: Mosaic, levels: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return places (n, 2) at one place of the pattern that lie far above the second brightest neighbour."""
    period = len(mosaic.pattern)
    steps = same_colour_steps(mosaic.pattern, row, column)
    of_colour = levels[mosaic.pattern[row, column]]
    found = [np.empty((0, 2), np.intp)]
    for top in range(0, mosaic.samples.shape[0], BAND_ROWS):
        own = mosaic.samples[top + row : top + BAND_ROWS : period, column::period]
        if not own.size:
            continue
        one, other, third, fourth = (
            np.ascontiguousarray(_shifted(mosaic.samples, top + row, column, step, period, own.shape))
            for step in steps[:4]
        )
        # The second brightest of eight is no darker than the second brightest of two: most sites need no more looks.
        least = np.maximum(np.minimum(one, other), np.minimum(third, fourth))
        places = np.argwhere(own > _limit(least, of_colour))
        places = places * period + (top + row, column)
        around = np.sort(_gathered_within(mosaic.samples, places, steps, period), axis=1)
        found.append(places[mosaic.samples[places[:, 0], places[:, 1]] > _limit(around[:, -2], of_colour)])
    return np.concatenate(found)


def _limit(second: np.ndarray, of_colour: np.ndarray) -> np.ndarray:
    """Return what a site has to exceed to be bright, by its second brightest neighbour; it grows with that."""
    rise = np.float32(DEVIATIONS) * _deviation(second, of_colour)
    return np.asarray(second + np.maximum(rise, np.float32(LEAST_RISE) * second))


def _uncrowded(bright: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return for each cell of the picture whether so many bright sites may be there by chance."""
    cells = tuple(-(-side // CELL_PX) for side in shape)
    counts = np.zeros(cells, np.intp)
    for places in bright:
        np.add.at(counts, (places[:, 0] // CELL_PX, places[:, 1] // CELL_PX), 1)
    return np.asarray(counts <= MOST_IN_CELL * (1 + np.median(counts)))


def _others_stay(
    mosaic: Mosaic, levels: np.ndarray, site: Step, places: np.ndarray, medians: np.ndarray, usual: Light
) -> np.ndarray:
    """Return for each place (n,), all at one `site` of the pattern, whether the other colours beside it do not rise.

    Light would make them rise by as large a share of what is `usual`.
    """
    row, column = site
    period = len(mosaic.pattern)
    rises, deviations = np.full((2, len(places), BESIDE), np.nan, np.float32)
    for index, (down, right) in enumerate(_steps(mosaic.pattern, row, column, same=False)[:BESIDE]):
        y, x = (row + down) % period, (column + right) % period
        colour = int(mosaic.pattern[y, x])
        beside = places + np.array((down, right))
        around = _gathered(mosaic.samples, beside, [(0, 0), *same_colour_steps(mosaic.pattern, y, x)])
        inside = np.isfinite(around[:, 0])
        if not inside.any():
            continue
        level = np.nanmedian(around[inside, 1:], axis=1)
        rises[inside, index] = (around[inside, 0] - level) / usual[colour]
        deviations[inside, index] = (around[inside, 0] - level) / _deviation(level, levels[colour])
    own = (mosaic.samples[places[:, 0], places[:, 1]] - medians) / usual[int(mosaic.pattern[row, column])]
    none_seen = np.abs(np.nansum(deviations, axis=1)) < DEVIATIONS_OF_OTHERS * np.sqrt(BESIDE)
    return np.asarray(none_seen & (np.abs(np.nansum(rises, axis=1)) / BESIDE < SHARE_OF_OTHERS * own))


def _deviation(light: np.ndarray, of_colour: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise of light, float32."""
    variance = np.float32(of_colour[0]) * np.maximum(light, 0) + np.float32(of_colour[1])
    return np.asarray(np.maximum(np.sqrt(variance), np.float32(LEAST_DEVIATION)))


def _gathered(samples: np.ndarray, places: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    """Return the samples (n, steps) around places (n, 2); NaN beyond the edges."""
    height, width = samples.shape
    found = np.full((len(places), len(steps)), np.nan, np.float32)
    for index, (down, right) in enumerate(steps):
        y, x = places[:, 0] + down, places[:, 1] + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        found[inside, index] = samples[y[inside], x[inside]]
    return found


def _gathered_within(
    samples: np.ndarray, places: np.ndarray, steps: Sequence[Step], period: int
) -> np.ndarray:
    """Return the samples (n, steps) around places (n, 2); those beyond the edges are of the nearest place."""
    found = np.empty((len(places), len(steps)), np.float32)
    for index, (down, right) in enumerate(steps):
        y, x = (
            _within(places[:, axis] + step, samples.shape[axis], period)
            for axis, step in enumerate((down, right))
        )
        found[:, index] = samples[y, x]
    return found


def _shifted(
    samples: np.ndarray, top: int, left: int, step: Step, period: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Return every period-th sample from (top, left) + step on; those beyond the edges are of the nearest place."""
    rows = top + step[0] + period * np.arange(shape[0])
    columns = left + step[1] + period * np.arange(shape[1])
    inside = (
        rows[0] >= 0 and rows[-1] < samples.shape[0] and columns[0] >= 0 and columns[-1] < samples.shape[1]
    )
    if inside:
        return samples[rows[0] : rows[-1] + 1 : period, columns[0] : columns[-1] + 1 : period]
    by_rows = samples[_within(rows, samples.shape[0], period)]
    return np.asarray(by_rows[:, _within(columns, samples.shape[1], period)])


def _within(places: np.ndarray, side: int, period: int) -> np.ndarray:
    """Return the places moved into the picture by whole periods, so that their colours stay."""
    moved = np.where(places < 0, places + 2 * period, places)
    moved = np.where(moved >= side, moved - 2 * period, moved)
    return np.asarray(np.clip(moved, 0, side - 1))
