"""What each channel of a picture becomes, looked up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def look_up(table: NDArray[np.float32], levels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return what a table (3, levels) has for each channel of (h, w, 3) levels, which are whole and not negative."""
    # One look into a table of all channels: one for each channel would take three times as long.
    first = np.tile(np.arange(3) * table.shape[1], levels.shape[1])
    places = np.add(levels.reshape(len(levels), -1), first, dtype=np.intp, casting="unsafe")
    found: NDArray[np.float32] = table.ravel().take(places, mode="wrap").reshape(levels.shape)
    return found
