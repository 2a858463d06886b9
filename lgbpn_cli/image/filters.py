"""Means over squares, values between such, and the Gaussian, for all who need them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Edges = Literal["edge", "symmetric"]
"""What lies outside of a picture: its last pixels repeated, or the picture mirrored."""


def box_mean(values: NDArray[Any], side_px: int, *, edges: Edges = "edge") -> NDArray[np.float64]:
    """Return the mean over a square round each value of (h, w) or (h, w, c); every odd side is as fast.

    Sums are float64, for those over a whole side lose digits in float32.
    """
    for axis in (0, 1):
        padded = _padded(values, axis, (side_px // 2 + 1, side_px // 2), edges)
        sums = np.cumsum(padded, axis=axis, dtype=np.float64)
        length = values.shape[axis]
        ahead = sums[side_px:] if axis == 0 else sums[:, side_px:]
        behind = sums[:length] if axis == 0 else sums[:, :length]
        values = (ahead - behind) / side_px
    return values


def mean_of_few(values: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
    """Return what `box_mean` does with edges repeated, in float32: a few values are quicker added up one by one."""
    for axis in (0, 1):
        padded = np.moveaxis(_padded(values, axis, (side_px // 2, side_px // 2), "edge"), axis, 0)
        length = values.shape[axis]
        total = padded[:length] + padded[1 : length + 1]
        for step in range(2, side_px):
            total += padded[step : length + step]
        total *= np.float32(1 / side_px)
        values = np.moveaxis(total, 0, axis)
    return values


def _padded(values: NDArray[Any], axis: int, widths_px: tuple[int, int], edges: Edges) -> NDArray[Any]:
    border = [(0, 0)] * values.ndim
    border[axis] = widths_px
    return np.pad(values, border, edges)


def gaussian_weights(sigma_px: float, reach_px: int) -> NDArray[np.float64]:
    """Return the 2 `reach_px` + 1 weights of a Gaussian of that standard deviation; they sum to one."""
    weights = np.exp(-0.5 * (np.arange(-reach_px, reach_px + 1) / sigma_px) ** 2)
    return np.asarray(weights / weights.sum())


def weighted_sums(values: NDArray[Any], weights: NDArray[Any], axis: Literal[0, 1]) -> NDArray[Any]:
    """Return weighted sums of neighbours along an axis of (h, w, c), where all are there: none for a short axis."""
    shape = list(values.shape)
    shape[axis] = length = max(0, values.shape[axis] - len(weights) + 1)
    total = np.zeros(shape, np.result_type(values, weights))
    product = np.empty_like(total)
    for first, weight in enumerate(weights):
        near = values[first : first + length] if axis == 0 else values[:, first : first + length]
        total += np.multiply(near, weight, out=product)
    return total


def cell_means(values: NDArray[np.float32], cell_px: int) -> NDArray[np.float32]:
    """Return the means over the squares that (h, w, c) is parted into, (rows, columns, c).

    Those at the right and at the bottom may be cut off by the edge.
    """
    height, width, channels = values.shape
    rows = _means_of_rows(values.reshape(height, -1), cell_px)
    whole = width // cell_px
    # A product, for sums over a few values each would take longer than all else.
    mean = np.tile(np.eye(channels, dtype=np.float32), (cell_px, 1)) / np.float32(cell_px)
    inside = rows[:, : whole * cell_px * channels].reshape(len(rows) * whole, cell_px * channels) @ mean
    means = inside.reshape(len(rows), whole, channels)
    if width % cell_px:
        last = rows[:, whole * cell_px * channels :].reshape(len(rows), -1, channels)
        means = np.concatenate([means, last.mean(axis=1, keepdims=True)], axis=1)
    return np.asarray(means)


def _means_of_rows(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the means of so many rows of (h, n) each, the last one of what is left."""
    whole = len(values) // count
    means = values[: whole * count].reshape(whole, count, values.shape[1]).mean(axis=1)
    if len(values) % count:
        means = np.concatenate([means, values[whole * count :].mean(axis=0, keepdims=True)])
    return np.asarray(means)


def between_cells(
    cells: NDArray[np.float32], axis: int, places_px: NDArray[np.intp], cell_px: int
) -> NDArray[np.float32]:
    """Return the values at pixels along an axis, linear between the middles of cells; edges repeated."""
    last = cells.shape[axis] - 1
    at = np.clip((places_px + 0.5) / cell_px - 0.5, 0, last)
    before = np.floor(at).astype(np.intp)
    shape = [1] * cells.ndim
    shape[axis] = -1
    share = (at - before).astype(np.float32).reshape(shape)
    after = np.minimum(before + 1, last)
    return np.asarray((1 - share) * cells.take(before, axis) + share * cells.take(after, axis))
