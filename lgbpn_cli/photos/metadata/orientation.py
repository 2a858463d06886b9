"""How a photo wants to be turned for display."""

from __future__ import annotations

import io
import re
from typing import BinaryIO

import numpy as np

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.tiff.directory import Directory, read_directory, read_integers

ORIENTATION_TAG = 274
UPRIGHT = 1
XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[1-8]")
LYING = (5, 6, 7, 8)
"""Orientations of photos that are stored on their side."""


def exif_orientation(exif: bytes) -> int:
    """Return the orientation 1..8 in an EXIF blob (which is a small TIFF file); 1 when there is none."""
    file = io.BytesIO(exif)
    try:
        directory = read_directory(file, len(exif))
        return directory_orientation(file, directory)
    except DamagedFileError:
        # Damaged EXIF is carried along like whole EXIF; it does not make the photo unreadable.
        return UPRIGHT


def directory_orientation(file: BinaryIO, directory: Directory) -> int:
    """Return the orientation 1..8 in a TIFF directory; 1 when there is none or it makes no sense."""
    entry = directory.find(ORIENTATION_TAG)
    if entry is None:
        return UPRIGHT
    values = read_integers(file, directory, entry)
    return values[0] if values and 1 <= values[0] <= 8 else UPRIGHT


def xmp_upright(xmp: bytes | None) -> bytes | None:
    """Return the packet for a picture that lies as it is shown: some programs go by its orientation."""
    return None if xmp is None else XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def turned_upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Return (h, w) or (h, w, c) samples the way a photo of this orientation is shown."""
    if orientation in LYING:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)
