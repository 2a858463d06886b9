"""What the rooms hand each other: windows of pictures, and those who are told how far a picture is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

Window = tuple[slice, slice]
"""Rows and columns of a picture."""
OnTile = Callable[[int, int], None]
"""Called with the number of network calls done and their total."""


class Picture(Protocol):
    """A source of pixels that is asked for windows; a float32 array of (h, w, 3) is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width, 3."""

    @property
    def nbytes(self) -> int:
        """The memory it takes."""

    def __getitem__(self, window: Window, /) -> np.ndarray:
        """Return the pixels there: (h, w, 3) float32, 0..1, not to be written to."""


class Canvas(Protocol):
    """What results are put into, window by window; a float32 array of (h, w, 3) is one."""

    @property
    def nbytes(self) -> int:
        """The memory it takes."""

    def __setitem__(self, window: Window, pixels: np.ndarray, /) -> None:
        """Take the pixels there: (h, w, 3) float32."""
