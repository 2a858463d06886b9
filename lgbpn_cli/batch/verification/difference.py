"""How much two pictures of the same size differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.photo import Photo

BAND_ROWS = 256
"""Rows compared at a time."""
LEVELS = 255.0


@dataclass(frozen=True)
class Difference:
    """Between the samples of two pictures, in levels of 255 whatever their bit depth."""

    largest_levels: float
    mean_levels: float
    share: float
    """Of the samples that differ at all."""


def difference(one: Photo, other: Photo) -> Difference | None:
    """Return by how much all pages of two photos differ, transparency included; None where their sizes do."""
    pairs = list(_planes(one, other))
    if not pairs or any(a.shape != b.shape or a.dtype != b.dtype for a, b in pairs):
        return None
    largest, total, differing, samples = 0.0, 0.0, 0, 0
    for a, b in pairs:
        unit = LEVELS / (np.iinfo(a.dtype).max if np.issubdtype(a.dtype, np.integer) else 1.0)
        for rows in bands(a.shape[0], BAND_ROWS):
            apart = _apart(a[rows], b[rows]) * unit
            largest = max(largest, float(apart.max(initial=0.0)))
            total += float(apart.sum())
            differing += int(np.count_nonzero(apart))
            samples += apart.size
    return Difference(largest, total / samples, differing / samples)


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how far apart samples are; where only one of them is a number, by all there is."""
    same = a == b
    if not np.issubdtype(a.dtype, np.integer):  # floating-point photos may hold NaN and infinity
        same |= np.isnan(a) & np.isnan(b)
    with np.errstate(invalid="ignore"):
        found = np.where(same, 0.0, np.abs(a.astype(np.float64) - b))
    return np.nan_to_num(found, nan=1.0, posinf=1.0)


def _planes(one: Photo, other: Photo) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    nothing = np.empty((0, 0))
    for a, b in zip((one, *one.further), (other, *other.further), strict=False):
        yield a.pixels, b.pixels
        yield nothing if a.alpha is None else a.alpha, nothing if b.alpha is None else b.alpha
    if len(one.further) != len(other.further):
        yield nothing, np.empty((1, 1))
