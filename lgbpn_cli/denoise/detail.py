"""What a photo's own noise decides: the preset of a teacher, and how much of what was removed is given back.

Nothing here looks at more of a photo than its noise and the network's answer, and nothing depends on tiles.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from lgbpn_cli.denoise.working import ResultPixels
from lgbpn_cli.image.bands import bands
from lgbpn_cli.image.filters import box_mean
from lgbpn_cli.image.types import Picture
from lgbpn_cli.noise.measure import NoiseMeasurement

WINDOW_PX = 25
"""Side of the squares over which the energy of the removed part is compared with the noise."""
TOLERANCES = {"teacher": 1.2, "student": 1.5}
"""Up to this many times the energy of the noise may be removed: measured energies scatter round the true ones, and a
student leaves more of the picture by itself (benchmarks/detail.py)."""
BAND_ROWS = 512
"""Most rows worked on at a time: temporary arrays stay small beside the photo."""
BAND_PIXELS = 500_000
"""Most pixels, of wide photos: a pixel takes about 80 bytes meanwhile."""
THREADS = min(2, os.cpu_count() or 1)
"""Bands worked on at a time; more would take more memory, and the network needs longer anyway."""
SMALLEST_BAND_ROWS = 64


Merge = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The whole answer and the one with its detail -> what is kept of both; all of them (h, w, 3)."""


def give_detail_back(
    noisy: Picture,
    clean: ResultPixels,
    noise: NoiseMeasurement,
    tolerance: float,
    merge: Merge | None = None,
) -> ResultPixels:
    """Return the clean picture, in its place, with as much of the removed part as the noise cannot explain.

    Pictures are (h, w, 3) float32 in 0..1 and asked for bands of rows.
    Where the removed part has more than `tolerance` times the energy that the noise has at that brightness, it
    holds picture, and Wiener's filter keeps noise / removed of it; means over squares make it smooth. A photo
    without noise stays as it was. `merge` keeps the whole answer in part.
    """
    margin, (height, width) = WINDOW_PX - 1, noisy.shape[:2]
    band_rows = min(BAND_ROWS, max(SMALLEST_BAND_ROWS, BAND_PIXELS // width))
    result = clean.unchanged()
    above: np.ndarray | None = None  # the rows before the band, as they were before they were replaced
    begun: deque[tuple[slice, Future[np.ndarray]]] = deque()

    def finish() -> None:
        rows, with_detail = begun.popleft()
        result[rows, slice(None)] = with_detail.result()

    # NumPy computes outside of Python's lock, so bands can share the cores; they are read and written in order.
    with ThreadPoolExecutor(THREADS) as pool:
        for band in bands(height, band_rows):
            top, bottom = band.start, band.stop
            last = min(height, bottom + margin)
            here = np.array(clean[slice(top, last), slice(None)])
            here = here if above is None else np.concatenate([above, here])
            first = last - here.shape[0]
            inner = slice(top - first, bottom - first)
            above = here[max(0, bottom - first - margin) : bottom - first]
            before = noisy[slice(first, last), slice(None)]
            begun.append(
                (
                    slice(top, bottom),
                    pool.submit(_with_detail, before, here, inner, noise, tolerance, merge),
                )
            )
            if len(begun) >= THREADS:
                finish()
        while begun:
            finish()
    return result


def _with_detail(
    noisy: np.ndarray,
    denoised: np.ndarray,
    inner: slice,
    noise: NoiseMeasurement,
    tolerance: float,
    merge: Merge | None,
) -> np.ndarray:
    """Return the rows `inner` of the denoised band with its detail; the other rows are what they need to see."""
    removed = noisy - denoised
    energy = box_mean(
        np.einsum("hwc,hwc->hw", removed, removed) * np.float32(255.0**2 / 3), WINDOW_PX, dtype=np.float32
    )
    expected = box_mean(noise.mean_variance_at(255 * denoised), WINDOW_PX, dtype=np.float32)
    share = box_mean(
        np.minimum(1.0, tolerance * expected / np.maximum(energy, 1e-6)), WINDOW_PX, dtype=np.float32
    )
    result: np.ndarray = denoised[inner] + (1 - share[inner, :, None]) * removed[inner]
    return result if merge is None else merge(denoised[inner], result)
