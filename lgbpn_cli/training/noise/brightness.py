"""Pixels sorted by their brightness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def brightness_bins(brightness: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return each pixel's bin, 0..count - 1, in the same shape; dark first, about as many pixels in each."""
    edges = np.quantile(brightness, np.linspace(0, 1, count + 1))
    return np.asarray(np.clip(np.searchsorted(edges, brightness, side="right") - 1, 0, count - 1))
