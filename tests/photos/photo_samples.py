"""What the tests of photo files share: pixels, metadata to be kept, and a reader of PNG chunks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

EXIF_ORIENTATION_6 = (
    b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\0\0\0\0" + b"any bytes behind"
)
ICC = b"not a real profile, but it must survive" * 20

PhotoMaker = Callable[..., Path]


def noise(shape: tuple[int, ...], dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def smooth(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 3 % 256, columns * 2 % 256, (rows + columns) % 256], axis=2).astype(np.uint8)


def png_chunks(path: Path) -> list[tuple[bytes, bytes]]:
    """All chunks of a PNG file as (kind, payload)."""
    file = io.BytesIO(path.read_bytes())
    file.seek(8)
    chunks = []
    while head := file.read(8):
        payload = file.read(int.from_bytes(head[:4], "big"))
        file.read(4)
        chunks.append((head[4:], payload))
    return chunks
