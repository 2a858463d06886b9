"""Photos of a few pixels for the command's tests, and the names of the fixtures' types."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lgbpn_cli.photos.record import read_record

Lgbpn = Callable[..., Any]
MakePhoto = Callable[..., Path]
PAIR_SIZE = (24, 20)
PAIR_NAMES = ("a.png", "b.png", "c.png")


def save_photo(path: Path, size: tuple[int, int]) -> None:
    """Write a photo of this width and height whose pixels depend on its name's length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)


def pixels_of(path: Path) -> np.ndarray:
    """The 8-bit pixels of a photo."""
    with Image.open(path) as image:
        return np.asarray(image)


def negative_of(path: Path) -> np.ndarray:
    """What the fake network makes of a lossless 8-bit photo."""
    return 255 - pixels_of(path)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def save_pixels(path: Path, pixels: np.ndarray) -> None:
    """Write a photo of these 8-bit pixels."""
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """PSNR in decibels of two 8-bit pictures."""
    return 10 * math.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


def settings_of(path: Path) -> dict[str, Any]:
    """The settings in the record of a result."""
    record = read_record(path)
    assert record is not None
    found: dict[str, Any] = json.loads(record.settings)
    return found
