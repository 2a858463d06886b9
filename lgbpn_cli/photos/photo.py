"""The photo as the rest of the program sees it, whatever kind of file it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

PHOTO_SUFFIXES: frozenset[str] = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff"})
"""Lower-case file-name endings that are taken as photos when a folder is searched."""


class Container:
    """What one format's writer needs to put new pixels into a photo's original file; opaque to all others."""


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo: pixels, bit depth and the untouched rest of its file."""

    path: Path
    """The file it was read from; some writers read it again, so it has to stay where it is."""
    pixels: np.ndarray
    """(h, w, c) uint8 or uint16 with c = 1 or 3: encoded values over their full range, not rotated."""
    alpha: np.ndarray | None
    """(h, w) of the same dtype, or None; carried through untouched."""
    format: str
    """'jpeg', 'png' or 'tiff'."""
    orientation: int
    """EXIF orientation 1..8, for information: pixels stay as stored and the tag stays in the file."""
    container: Container | None = None
    """The rest of the file; without it the photo cannot be written."""

    @property
    def bit_depth(self) -> int:
        """Bits of one sample: 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        height, width = self.pixels.shape[:2]
        return float(height * width / 1e6)
