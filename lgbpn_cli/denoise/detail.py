"""What a photo's own noise decides: how much of what was removed is given back.

Nothing here looks at more of a photo than its noise and the network's answer, and nothing depends on tiles or bands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from lgbpn_cli.denoise.working import ResultPixels
from lgbpn_cli.image.bands import bands, in_order
from lgbpn_cli.image.filters import between_cells, cell_means, mean_of_few
from lgbpn_cli.image.types import Picture
from lgbpn_cli.machine.memory import give_back_freed
from lgbpn_cli.noise.measure import NoiseMeasurement

CELL_PX = 5
"""Side of the squares for which it is known how much was removed; between their middles it changes evenly."""
WINDOW_CELLS = 5
"""Side of the larger squares over which the energy of the removed part is compared with the noise: 25 px."""
MARGIN_CELLS = WINDOW_CELLS
"""What a band needs to know of its neighbours: two windows reach four cells far, and one more lies between pixels."""
TOLERANCES = {"teacher": 1.2, "student": 2.0}
"""Up to this many times the energy of the noise may be removed: measured energies scatter round the true ones, and a
student leaves more of the picture by itself (docs/results.md)."""
UNSEEN_LEVELS, MOST_UNSEEN = np.float32(0.65), np.float32(0.4)
"""Noise of so many 8-bit levels nobody sees where the picture is busy, so it stays there, but at most such a share of
it: then fine texture that a network takes for weak noise stays, too (docs/history.md)."""
ENERGY_UNSEEN = np.float32(0.7), np.float32(1.2)
"""Times the noise's energy: where no more than the first was removed, all of that stays; from the second on, nothing of
it: there a camera left more noise beside its edges than in the flat places where it was measured."""
BAND_CELLS = 50
"""Most rows of cells worked on at a time: temporary arrays stay small beside the photo."""
BAND_PIXELS = 250_000
"""Most pixels, of wide photos: a pixel takes about 60 bytes meanwhile, and some bands wait for others."""
THREADS = min(2, os.cpu_count() or 1)
"""Bands worked on at a time; more would take more memory, and the network needs longer anyway. Of photos so wide that
the fewest rows have more than `BAND_PIXELS`, it is one."""

Merge = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The whole answer and the one with its detail -> what is kept of both; all of them (h, w, 3)."""


@dataclass(frozen=True)
class _Band:
    """Some rows of a photo, what the network removed of them, and how that compares with the noise."""

    rows: slice
    denoised: np.ndarray
    """(h, w, 3) float32."""
    removed: np.ndarray
    """(h, w, 3) float32."""
    cells: np.ndarray
    """(rows, columns, 3) float32: energy of the removed part, that of the noise expected there, and variance of the
    denoised picture, in squared 8-bit levels."""


_Cells = np.ndarray | None
"""What `_Band` has of them; None where there is no band."""


def give_detail_back(
    noisy: Picture,
    clean: ResultPixels,
    noise: NoiseMeasurement,
    tolerance: float,
    merge: Merge | None = None,
) -> ResultPixels:
    """Return the clean picture, in its place, with as much of the removed part as the noise cannot explain.

    Pictures are (h, w, 3) float32 in 0..1 and asked for bands of rows, each once.
    Where the removed part has more than `tolerance` times the energy that the noise has at that brightness, it
    holds picture, and Wiener's filter keeps noise / removed of it; means over squares make it smooth. Where the clean
    picture is busy, noise too weak to be seen stays. A photo without noise stays as it was. `merge` keeps the whole
    answer in part.
    """
    result = clean.unchanged()

    def see(rows: slice) -> _Band:
        return _seen(noisy, clean, rows, noise)

    def put_back(band: tuple[_Cells, _Band, _Cells]) -> None:
        above, here, below = band
        returned = 1 - _removed_share(above, here.cells, below, tolerance)
        result[here.rows, slice(None)] = _with_detail(here, returned, merge)

    height, width = noisy.shape[:2]
    band_rows = _band_rows(width)
    threads = THREADS if band_rows * width <= BAND_PIXELS else 1
    with ThreadPoolExecutor(threads) as pool:
        seen = in_order(pool, threads, see, bands(height, band_rows))
        for _ in in_order(pool, threads, put_back, _with_neighbours(seen)):
            pass
    give_back_freed()
    return result


def _band_rows(width: int) -> int:
    cells = BAND_PIXELS // (CELL_PX * width)
    return CELL_PX * max(MARGIN_CELLS, min(BAND_CELLS, cells))


def _with_neighbours(seen: Iterable[_Band]) -> Iterator[tuple[_Cells, _Band, _Cells]]:
    """Give each band between the cells of the one above and of the one below it."""
    above: _Cells = None
    here: _Band | None = None
    for below in seen:
        if here is not None:
            yield above, here, below.cells
            above = here.cells
        here = below
    if here is not None:
        yield above, here, None


def _seen(noisy: Picture, clean: Picture, rows: slice, noise: NoiseMeasurement) -> _Band:
    denoised = clean[rows, slice(None)]
    removed = noisy[rows, slice(None)] - denoised
    energy = cell_means(removed * removed, CELL_PX).mean(axis=2) * np.float32(255.0**2)
    means = 255 * cell_means(denoised, CELL_PX)
    expected = noise.mean_variance_at(means)
    squares = cell_means(denoised * denoised, CELL_PX) * np.float32(255.0**2)
    spread = np.maximum(0, (squares - means * means).mean(axis=2))
    return _Band(rows, denoised, removed, np.stack([energy, expected, spread], axis=-1))


def _removed_share(above: _Cells, here: np.ndarray, below: _Cells, tolerance: float) -> np.ndarray:
    """Return which share of the removed part stays removed in each cell, (rows + 2, columns).

    The first and the last row are those above and below the band: where there are none, those at the edge.
    """
    known = [here]
    if above is not None:
        known.insert(0, above[-MARGIN_CELLS:])
    if below is not None:
        known.append(below[:MARGIN_CELLS])
    energy, expected, spread = np.moveaxis(mean_of_few(np.concatenate(known), WINDOW_CELLS), -1, 0)
    share = np.minimum(1, np.float32(tolerance) * expected / np.maximum(energy, 1e-6))
    unseen = np.minimum(MOST_UNSEEN, UNSEEN_LEVELS / np.sqrt(np.maximum(expected, 1e-6)))
    all_stays, none_stays = ENERGY_UNSEEN
    unseen *= np.clip((none_stays - energy / np.maximum(expected, 1e-6)) / (none_stays - all_stays), 0, 1)
    share *= 1 - unseen * spread / np.maximum(spread + expected, 1e-6)
    smooth = mean_of_few(share, WINDOW_CELLS)
    first = 0 if above is None else len(known[0])
    wanted = np.arange(first - 1, first + len(here) + 1)
    return np.asarray(smooth[np.clip(wanted, 0, len(smooth) - 1)])


def _with_detail(band: _Band, returned: np.ndarray, merge: Merge | None) -> np.ndarray:
    """Return a band with its detail; its removed part is used up. `returned` is what `_removed_share` leaves of 1."""
    height, width, channels = band.denoised.shape
    by_column = between_cells(returned, 1, np.arange(width), CELL_PX)
    by_row = between_cells(np.eye(len(returned), dtype=np.float32), 0, CELL_PX + np.arange(height), CELL_PX)
    detail = band.removed.reshape(height, -1)
    detail *= by_row @ np.repeat(by_column, channels, axis=1)
    detail += band.denoised.reshape(height, -1)
    # Not `band.removed`, of which the rows above are a copy where a network's answer lies in memory in another order.
    result = detail.reshape(height, width, channels)
    return result if merge is None else merge(band.denoised, result)
