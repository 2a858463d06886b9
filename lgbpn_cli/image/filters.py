"""Means over squares and the weights of a Gaussian, for all who need them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

Edges = Literal["edge", "symmetric"]
"""What lies outside of a picture: its last pixels repeated, or the picture mirrored."""


def box_mean(
    values: NDArray[Any], side_px: int, *, edges: Edges = "edge", dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Return the mean over a square round each value of (h, w) or (h, w, c); every odd side is as fast.

    Sums are float64, for those over a whole side lose digits in float32; means along each axis are `dtype`.
    """
    for axis in (0, 1):
        border = [(0, 0)] * values.ndim
        border[axis] = (side_px // 2 + 1, side_px // 2)
        sums = np.cumsum(np.pad(values, border, edges), axis=axis, dtype=np.float64)
        length = values.shape[axis]
        ahead = sums[side_px:] if axis == 0 else sums[:, side_px:]
        behind = sums[:length] if axis == 0 else sums[:, :length]
        values = ((ahead - behind) / side_px).astype(dtype)
    return values


def gaussian_weights(sigma_px: float, reach_px: int) -> NDArray[np.float64]:
    """Return the 2 `reach_px` + 1 weights of a Gaussian of that standard deviation; they sum to one."""
    weights = np.exp(-0.5 * (np.arange(-reach_px, reach_px + 1) / sigma_px) ** 2)
    return np.asarray(weights / weights.sum())
