"""Samples of 8 to 16 bits over the whole range of 16, and back."""

from __future__ import annotations

import numpy as np


def over_whole_range(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return uint16 samples of so many bits (8 to 16) with black at 0 and white at 65535."""
    spread: np.ndarray = samples << np.uint16(16 - bits) | samples >> np.uint16(2 * bits - 16)
    return spread


def within_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return uint16 samples in so many bits (8 to 16), rounded; undoes `over_whole_range` exactly."""
    white = (1 << bits) - 1
    return ((samples.astype(np.uint32) * white + 32767) // 65535).astype(np.uint16)
