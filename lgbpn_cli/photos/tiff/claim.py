"""What a TIFF's header claims: how large its pages are, and what memory they will take."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from lgbpn_cli.photos.codec import Size, bytes_of
from lgbpn_cli.photos.tiff.blocks import BAND_BYTES
from lgbpn_cli.photos.tiff.directory import Directory, read_directories, read_integers
from lgbpn_cli.photos.tiff.layout import UNCOMPRESSED, read_layout

SEPARATE = 2
COPIES_OF_A_BLOCK = 3
"""As it lies in the file, decompressed, and with its predictor undone."""


def tiff_size(file: BinaryIO, path: Path) -> Size:
    """Return what all pages claim. Raises DamagedFileError, UnsupportedFileError as its reader does."""
    file_bytes = bytes_of(file)
    directories = read_directories(file, file_bytes)
    read_layout(file, file_bytes, directories[0], sys.maxsize)  # or one knows already that it is not read
    pages = [_claimed(file, directory) for directory in directories]
    needed = sum(size.needed_bytes for size, _ in pages) + max(beside for _, beside in pages)
    return replace(max((size for size, _ in pages), key=lambda size: size.pixels), needed_bytes=needed)


def _claimed(file: BinaryIO, directory: Directory) -> tuple[Size, int]:
    """Return what a page's samples take, and what decoding takes beside them."""

    def value(tag: int, default: int = 1) -> int:
        entry = directory.find(tag)
        values = () if entry is None else read_integers(file, directory, entry)
        return max(values, default=default)

    width, height, samples, sample_bytes = value(256), value(257), value(277), max(1, value(258) // 8)
    columns, rows = value(322, width), value(323, min(height, value(278, height)))  # of a tile, or of a strip
    whole = width * height * samples * sample_bytes
    block = min(whole, columns * rows * (1 if value(284) == SEPARATE else samples) * sample_bytes)
    if value(259) == UNCOMPRESSED:
        block = min(block, BAND_BYTES)
    apart = whole if samples in (2, 4) else 0  # colours and transparency
    return Size(
        width * height, whole, 3 if samples > 2 else 1, sample_bytes
    ), COPIES_OF_A_BLOCK * block + apart
