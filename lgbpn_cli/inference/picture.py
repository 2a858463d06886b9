"""What the network reads from and writes to, window by window: an array, or a photo converted as it is asked for."""

from __future__ import annotations

import numpy as np

from lgbpn_cli.image.types import Picture, Window


class Extended:
    """A picture, reflected at bottom and right until a multiple divides its sides, where it is large enough.

    The network would extend a tile itself, and then the photo's edges would depend on the tiles.
    """

    def __init__(self, picture: Picture, multiple_px: int) -> None:
        """Nothing is copied: windows are extended as they are read."""
        self.picture = picture
        height, width = picture.shape[:2]
        self.height, self.width = (side + _missing(side, multiple_px) for side in (height, width))

    def read(self, window: Window) -> np.ndarray:
        """Return the pixels of a window: (h, w, 3) float32."""
        spans = [_Span(wanted, side) for wanted, side in zip(window, self.picture.shape, strict=False)]
        pixels = self.picture[spans[0].source, spans[1].source]
        if not any(span.added for span in spans):
            return pixels
        pixels = np.pad(pixels, [*((0, span.added) for span in spans), (0, 0)], mode="reflect")
        return pixels[spans[0].skipped :, spans[1].skipped :]

    def inside(self, window: Window) -> Window:
        """Return the part of a window that lies in the picture itself."""
        height, width = self.picture.shape[:2]
        rows, columns = window
        return slice(rows.start, min(rows.stop, height)), slice(columns.start, min(columns.stop, width))


class _Span:
    """One axis of a window: what to read, how much to add behind it by reflection, what to leave out before it."""

    def __init__(self, wanted: slice, side: int) -> None:
        self.added = max(0, wanted.stop - side)
        # What is added mirrors pixels that may lie before the window.
        start = min(wanted.start, max(0, side - 1 - self.added)) if self.added else wanted.start
        self.source = slice(start, min(wanted.stop, side))
        self.skipped = wanted.start - start


def _missing(side: int, multiple_px: int) -> int:
    return missing if (missing := -side % multiple_px) < side else 0
