"""What JPEG makes of noise: between the steps of its coefficients, flat places lose noise that textured ones keep."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

BLOCK_PX = 8
LOST_BELOW = 1 / 3
"""Of a step: noise of a smaller deviation hardly ever reaches half of it, and is lost where nothing else is."""


@dataclass(frozen=True)
class JpegTables:
    """How a JPEG is coded."""

    grey: tuple[int, ...]
    """64 steps in rows of 8, coarsest frequency first."""
    colours: tuple[int, ...]
    subsampling: int
    """0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0."""

    def passed(self, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture (h, w, 3) as a JPEG of this kind gives it back."""
        file = io.BytesIO()
        tables = [list(self.grey), list(self.colours)]
        Image.fromarray(levels).save(file, "JPEG", qtables=tables, subsampling=self.subsampling)
        return np.asarray(Image.open(file))

    def lost_variance(self, down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the variance of brightness that a flat place may lose at frequencies, in cycles a pixel."""
        row, column = (
            np.minimum(np.rint(2 * BLOCK_PX * np.abs(each)), BLOCK_PX - 1).astype(int)
            for each in (down, right)
        )
        steps = np.reshape(self.grey, (BLOCK_PX, BLOCK_PX))[row, column]
        return np.asarray((LOST_BELOW * steps) ** 2)


def jpeg_tables(path: Path) -> JpegTables | None:
    """Return how a JPEG file is coded; None for any other file, and for what Pillow cannot make again."""
    try:
        with Image.open(path) as picture:
            if not isinstance(picture, JpegImageFile):
                return None
            tables = picture.quantization
            sampling = 0 if picture.mode == "L" else get_sampling(picture)
    except (OSError, SyntaxError, ValueError):
        return None
    steps = [tuple(tables[number]) for number in sorted(tables)]
    if sampling < 0 or any(len(each) != BLOCK_PX**2 for each in steps):
        return None
    return JpegTables(steps[0], steps[min(1, len(steps) - 1)], sampling)


def usual_tables(of_photos: Sequence[JpegTables | None]) -> JpegTables | None:
    """Return the tables of the photo in the middle, from the finest to the coarsest; what is no JPEG is finest."""
    ordered = sorted(of_photos, key=lambda tables: 0 if tables is None else sum(tables.grey))
    return ordered[len(ordered) // 2] if ordered else None
