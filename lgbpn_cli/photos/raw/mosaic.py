"""The mosaic of a camera raw file: one sample a site behind its colour filter, black at 0 and white at 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.raw.black import BlackLevels

RAW_CURE = "Update rawpy (LibRaw) if the camera is new, convert it with the maker's program, or skip it."
RED, GREEN, BLUE = 0, 1, 2
BAND_ROWS = 256
SECOND_GREEN = 3
"""LibRaw's number for the greens of every other row."""
BAYER = ([0, 1, 1, 2], [2, 1, 1, 0], [1, 0, 2, 1], [1, 2, 0, 1])
"""Its four phases: RGGB, BGGR, GRBG, GBRG."""
XTRANS_SITES = {RED: 8, GREEN: 20, BLUE: 8}
PERIODS = (2, 6)
"""Bayer and X-Trans."""
LOOKED_AT_PX = 24
"""Side of the corner whose colours tell the pattern: whole periods of every pattern there is."""
BALANCED_PX, BELOW_WHITE = 8, 25
"""Side of the squares that a balance is told from, and how far below white none of their samples may come."""
COLOUR_NAMES = {0: "red", 1: "green", 2: "blue", 3: "cyan", 4: "magenta", 5: "yellow", 6: "white"}


@dataclass(frozen=True, eq=False)
class Mosaic:
    """What a sensor saw, without margins."""

    samples: np.ndarray
    """(h, w) float32 in the camera's own colours, not balanced: black at 0, white at 1, noise below black negative."""
    pattern: np.ndarray
    """(2, 2) or (6, 6) uint8: RED, GREEN or BLUE of the sites in the upper left corner; it repeats."""

    def site_slices(self) -> list[tuple[int, tuple[slice, slice]]]:
        """Return colour and place, for indexing, of every site of the pattern."""
        period = len(self.pattern)
        return [
            (int(self.pattern[row, column]), (slice(row, None, period), slice(column, None, period)))
            for row in range(period)
            for column in range(period)
        ]


def read_mosaic(raw: Any, black: BlackLevels | None = None) -> Mosaic:
    """Return the visible mosaic of a raw file that LibRaw has unpacked (`rawpy.RawPy`, of the flat type).

    Black is taken off as LibRaw knows it, one level for each of red, blue and both greens, unless it is given.
    Raises UnsupportedFileError for colour filters that are neither Bayer nor X-Trans, DamagedFileError for a white
    that is not brighter than black.
    """
    numbers = raw.raw_colors_visible[:LOOKED_AT_PX, :LOOKED_AT_PX]
    pattern = filter_pattern(np.where(numbers == SECOND_GREEN, GREEN, numbers))
    period = len(pattern)
    if black is not None:
        return Mosaic(without_black(raw.raw_image_visible[..., None], raw, black)[..., 0], pattern)
    blacks = np.array(raw.black_level_per_channel, np.float32)[numbers[:period, :period]]
    check_levels(float(blacks.max()), raw.white_level)
    stored = raw.raw_image_visible
    mosaic = Mosaic(np.empty(stored.shape, np.float32), pattern)
    for (_, site), black in zip(mosaic.site_slices(), blacks.ravel(), strict=True):
        mosaic.samples[site] = scaled(stored[site], black, raw.white_level)
    return mosaic


def grey_world(raw: Any) -> tuple[float, float, float]:
    """Return the white balance of a Bayer sensor's unpacked file that makes the mean of its squares grey.

    Squares with a sample near white do not count, as in LibRaw's own; zeros where there is no other.
    """
    stored = raw.raw_image_visible
    height, width = (side // BALANCED_PX * BALANCED_PX for side in stored.shape)
    rows, columns = height // BALANCED_PX, width // BALANCED_PX
    squares = stored[:height, :width].reshape(rows, BALANCED_PX, columns, BALANCED_PX)
    known = squares.max(axis=(1, 3)) <= raw.white_level - BELOW_WHITE
    numbers, sums = raw.raw_colors_visible[:2, :2], np.zeros(3)
    counts = np.bincount(np.where(numbers == SECOND_GREEN, GREEN, numbers).ravel(), minlength=3)
    for row in range(2):
        for column in range(2):
            number = int(numbers[row, column])
            means = squares[:, row::2, :, column::2].mean(axis=(1, 3), dtype=np.float64)
            light = float((means[known] - raw.black_level_per_channel[number]).sum())
            sums[GREEN if number == SECOND_GREEN else number] += light
    red, green, blue = (float(count / max(each, 1e-9)) for count, each in zip(counts, sums, strict=True))
    return (red, green, blue) if known.any() else (0.0, 0.0, 0.0)


def without_black(stored: np.ndarray, raw: Any, black: BlackLevels) -> np.ndarray:
    """Return LibRaw's visible samples (h, w, planes) as float32 with this black at 0 and white at 1."""
    check_levels(float(np.max(black.most)), raw.white_level)
    light = np.empty(stored.shape, np.float32)
    for rows in bands(len(stored), BAND_ROWS):
        levels = black.at(rows, raw.sizes.top_margin, raw.sizes.left_margin, stored.shape[1])
        light[rows] = (stored[rows] - levels) / np.maximum(np.float32(raw.white_level) - black.most, 1)
    return light


def check_levels(black: float, white: float) -> None:
    """Raise DamagedFileError for a white that is not brighter than black."""
    if not white > black:
        raise DamagedFileError(f"its white level is {white:g} and its black level {black:g}")


def scaled(stored: np.ndarray, black: Any, white: Any) -> np.ndarray:
    """Return stored samples as float32 with black at 0 and white at 1; levels broadcast."""
    black = np.asarray(black, np.float32)
    light: np.ndarray = (stored.astype(np.float32) - black) / np.maximum(
        np.asarray(white, np.float32) - black, 1
    )
    return light


def filter_pattern(colours: np.ndarray) -> np.ndarray:
    """Return the smallest pattern that repeats over the colours of a picture's sites, (2, 2) or (6, 6) uint8.

    Raises UnsupportedFileError for one of another size, or without one of red, green and blue.
    """
    for period in PERIODS:
        first = colours[:period, :period]
        rows, columns = (np.arange(side) % period for side in colours.shape)
        if len(first) == period == first.shape[1] and (first[rows][:, columns] == colours).all():
            missing = {RED, GREEN, BLUE} - set(first.ravel().tolist())
            if missing or set(first.ravel().tolist()) - {RED, GREEN, BLUE}:
                names = ", ".join(COLOUR_NAMES.get(int(each), str(each)) for each in np.unique(first))
                raise UnsupportedFileError(
                    f"a camera raw file with colour filters of {names} alone", RAW_CURE
                )
            if not (first.ravel().tolist() in BAYER if period == 2 else _is_xtrans(first)):
                break
            return first.astype(np.uint8)
    raise UnsupportedFileError(
        "a camera raw file with a colour filter pattern that is neither Bayer (2 x 2) nor X-Trans (6 x 6)",
        RAW_CURE,
    )


def _is_xtrans(sites: np.ndarray) -> bool:
    """Return whether 6 x 6 sites are X-Trans, in any phase: mostly green, all colours in each row and column."""
    lines = (*sites, *sites.T)
    counts = {colour: int((sites == colour).sum()) for colour in XTRANS_SITES}
    return counts == XTRANS_SITES and all(len(np.unique(line)) == len(XTRANS_SITES) for line in lines)
