"""Pillow's own limit to the size of pictures, below that of large scans: ours is checked where a photo is read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

_changing = threading.Lock()


@contextmanager
def pillow_without_limit() -> Iterator[None]:
    """Let Pillow open pictures of any size while the block runs, without a warning."""
    with _changing:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
