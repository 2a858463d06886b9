"""What a photo's own noise decides: the preset of a teacher, and how much of what was removed is given back.

Nothing here looks at more of a photo than its noise and the network's answer, and nothing depends on tiles.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lgbpn_cli.noise import REACH_PX, NoiseMeasurement, Picture, Window

WINDOW_PX = 25
"""Side of the squares over which the energy of the removed part is compared with the noise."""
TOLERANCES = {"teacher": 1.2, "student": 1.5}
"""Up to this many times the energy of the noise may be removed: measured energies scatter round the true ones, and a
student leaves more of the picture by itself."""
LEAST_TOLERANCE = 2.0
"""The same for the least energy that was removed at that brightness; benchmarks/detail.py compares both."""
LEAST_PERCENTILE = 10
"""The share of the places of one brightness, in percent, that counts as holding noise alone."""
SAMPLE_PX = 192
"""Side of the squares, spread evenly over the photo, in which the least energy removed is looked for."""
SAMPLES_A_SIDE = 8
"""So many of them along a side at most: 2.4 megapixels, whatever the photo's size."""
SAMPLE_STEP_PX = 4
"""Distance between the places in them."""
CLIPPED = 1.5 / 255
MOST_STILL = 0.5
"""Places count if a smaller share of the pixels round them equals its neighbour."""
NO_LIMIT = 255.0**2
BRIGHTNESS_BINS = 8
"""Points of the curve of least energy against brightness, each with as many places."""
PLACES_A_BIN = 50
"""Photos with few places have fewer bins."""
BAND_ROWS = 512
"""Most rows worked on at a time: temporary arrays stay small beside the photo."""
BAND_PIXELS = 500_000
"""Most pixels, of wide photos: a pixel takes about 80 bytes meanwhile."""
THREADS = min(2, os.cpu_count() or 1)
"""Bands worked on at a time; more would take more memory, and the network needs longer anyway."""
SMALLEST_BAND_ROWS = 64
FINE_CORRELATION = 0.25
"""Noise whose direct neighbours correlate less is fine: preset dnd; else sidd."""


class Canvas(Protocol):
    """Takes windows of a result, float32 in 0..1."""

    def __setitem__(self, window: Window, values: np.ndarray, /) -> None:
        """Take the values of a window."""


def choose_preset(noise: NoiseMeasurement) -> str:
    """Return the name of the preset that suits the noise.

    A pass that samples every n-th pixel needs noise that is independent at that distance. Preset dnd samples every
    second pixel in its local branch and keeps more detail, sidd every third and stands coarser noise.
    """
    correlation = noise.correlation[REACH_PX]
    right, below = correlation[REACH_PX + 1], noise.correlation[REACH_PX + 1][REACH_PX]
    return "dnd" if (right + below) / 2 < FINE_CORRELATION else "sidd"


def give_detail_back(
    noisy: Picture, denoised: Picture, into: Canvas, noise: NoiseMeasurement, tolerance: float
) -> None:
    """Put the denoised picture `into` the canvas, with as much of the removed part as the noise cannot explain.

    Pictures are (h, w, 3) float32 in 0..1 and asked for windows; the canvas may be where `denoised` comes from.
    Where the removed part has more energy than the noise has at that brightness, it holds picture, and Wiener's
    filter keeps noise / removed of it; means over squares make it smooth. A photo without noise stays as it was.
    What the noise has is the lesser of two: `tolerance` times what was measured in the photo, which takes fine texture
    for noise where it is everywhere, and twice what was removed where least was, since little texture goes along there.
    """
    least = _least_removed(noisy, denoised)

    def limit(levels: np.ndarray) -> np.ndarray:
        measured = tolerance * _mean_round(noise.mean_variance_at(levels))
        return np.minimum(measured, LEAST_TOLERANCE * _mean_round(least.at(levels.mean(axis=2))))

    margin, (height, width) = WINDOW_PX - 1, noisy.shape[:2]
    band_rows = min(BAND_ROWS, max(SMALLEST_BAND_ROWS, BAND_PIXELS // width))
    above: np.ndarray | None = None  # the rows before the band, as they were before they were replaced
    begun: deque[tuple[slice, Future[np.ndarray]]] = deque()

    def finish() -> None:
        rows, result = begun.popleft()
        into[rows, slice(None)] = result.result()

    # NumPy computes outside of Python's lock, so bands can share the cores; they are read and written in order.
    with ThreadPoolExecutor(THREADS) as pool:
        for top in range(0, height, band_rows):
            bottom = min(top + band_rows, height)
            last = min(height, bottom + margin)
            here = np.array(denoised[slice(top, last), slice(None)])
            here = here if above is None else np.concatenate([above, here])
            first = last - here.shape[0]
            inner = slice(top - first, bottom - first)
            above = here[max(0, bottom - first - margin) : bottom - first]
            before = noisy[slice(first, last), slice(None)]
            begun.append((slice(top, bottom), pool.submit(_with_detail, before, here, inner, limit)))
            if len(begun) >= THREADS:
                finish()
        while begun:
            finish()


@dataclass(frozen=True)
class _LeastRemoved:
    """The least energy that was removed at each brightness, in squared levels; brightness in levels, rising."""

    brightness_8bit: tuple[float, ...]
    energy: tuple[float, ...]

    def at(self, brightness_8bit: np.ndarray) -> np.ndarray:
        """Return the energy at brightnesses (...), in squared levels."""
        energy: np.ndarray = np.interp(brightness_8bit, self.brightness_8bit, self.energy).astype(np.float32)
        return energy


def _with_detail(
    noisy: np.ndarray, denoised: np.ndarray, inner: slice, limit: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the rows `inner` of the denoised band with its detail; the other rows are what they need to see.

    `limit` gives the energy that may be removed from a picture in levels (h, w, 3), in squared levels (h, w).
    """
    energy = _energy(noisy, denoised)
    share = _mean_round(np.minimum(1.0, limit(np.float32(255) * denoised) / np.maximum(energy, 1e-6)))
    result: np.ndarray = denoised[inner] + (1 - share[inner, :, None]) * (noisy[inner] - denoised[inner])
    return result


def _energy(noisy: np.ndarray, denoised: np.ndarray) -> np.ndarray:
    """Return the energy of what was removed round each pixel (h, w), in squared levels."""
    removed = noisy - denoised
    return _mean_round(np.einsum("hwc,hwc->hw", removed, removed) * np.float32(255.0**2 / 3))


def _least_removed(noisy: Picture, denoised: Picture) -> _LeastRemoved:
    """Return the least energy that was removed, looked for in squares whose places depend on the size alone.

    Places that are mostly without any noise, as in frames, do not count, nor do black and white, where it is cut off.
    """
    brightness, energy = [], []
    for window in _sample_windows(*noisy.shape[:2]):
        before, after = noisy[window], denoised[window]
        still = (np.diff(before, axis=1, append=before[:, -1:]) == 0).all(axis=2).astype(np.float32)
        clipped = ((after < CLIPPED) | (after > 1 - CLIPPED)).any(axis=2)
        counts = ((_mean_round(still) < MOST_STILL) & ~clipped)[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX]
        brightness.append(255 * after.mean(axis=2)[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX][counts])
        energy.append(_energy(before, after)[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX][counts])
    level, value = np.concatenate(brightness), np.concatenate(energy)
    if len(level) < PLACES_A_BIN:
        return _LeastRemoved((127.5,), (NO_LIMIT,))
    bins = min(BRIGHTNESS_BINS, len(level) // PLACES_A_BIN)
    edges = np.unique(np.quantile(level, np.linspace(0, 1, bins + 1)))[1:-1]
    found = np.searchsorted(edges, level, side="right")
    members = [found == index for index in np.unique(found)]
    return _LeastRemoved(
        tuple(float(level[each].mean()) for each in members),
        tuple(float(np.percentile(value[each], LEAST_PERCENTILE)) for each in members),
    )


def _sample_windows(height: int, width: int) -> list[Window]:
    return [
        (slice(top, top + SAMPLE_PX), slice(left, left + SAMPLE_PX))
        for top in _starts(height)
        for left in _starts(width)
    ]


def _starts(length: int) -> list[int]:
    count = min(SAMPLES_A_SIDE, -(-length // SAMPLE_PX))
    return [int(start) for start in np.linspace(0, max(0, length - SAMPLE_PX), count)]


def _mean_round(values: np.ndarray) -> np.ndarray:
    """Return the mean over a square round each value of (h, w), edges repeated."""
    half = WINDOW_PX // 2
    for axis in (0, 1):
        border = [(0, 0), (0, 0)]
        border[axis] = (half + 1, half)
        # Sums over a whole side lose digits in float32.
        sums = np.cumsum(np.pad(values, border, "edge"), axis=axis, dtype=np.float64)
        length = values.shape[axis]
        ahead = sums[WINDOW_PX:] if axis == 0 else sums[:, WINDOW_PX:]
        behind = sums[:length] if axis == 0 else sums[:, :length]
        values = ((ahead - behind) / WINDOW_PX).astype(np.float32)
    return values
