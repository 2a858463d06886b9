"""What each channel of a picture becomes, looked up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def look_up(table: NDArray[np.float32], levels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return what a table (levels, 3) has for each channel of (h, w, 3) levels, which are whole and not negative."""
    # One look into a table of all channels: one for each channel would take three times as long.
    places = levels.astype(np.intp).reshape(len(levels), -1)
    places *= 3
    places += np.tile(np.arange(3), levels.shape[1])
    found: NDArray[np.float32] = table.ravel().take(places, mode="wrap").reshape(levels.shape)
    return found
