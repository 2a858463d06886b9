"""A file's contents without reading it: only the parts that are looked at come into memory."""

from __future__ import annotations

import mmap
from typing import BinaryIO

Contents = bytes | mmap.mmap
STEP_BYTES = 1 << 20
GAP_BYTES = 128
"""Compressed photos hold no zeros in such a row, save of pictures that are next to empty."""
GAP_WORDS = "there is a gap of zeros in its picture data: parts of the picture may be wrong"


def contents(file: BinaryIO) -> Contents:
    """Return all bytes of an open file, mapped where the file system can do that.

    A small photo can be followed by gigabytes of zeros, as interrupted downloads leave them.
    """
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # no file of a disk, or an empty one
        file.seek(0)
        return file.read()


def is_zero(data: Contents, begin: int) -> bool:
    """Return whether there is nothing but zeros from `begin` on."""
    zeros = bytes(STEP_BYTES)
    return all(
        (part := data[place : place + STEP_BYTES]) == zeros[: len(part)]
        for place in range(begin, len(data), STEP_BYTES)
    )


def gap_in(data: bytes) -> bool:
    """Return whether compressed data hold a row of zeros as failed disks and downloads leave it."""
    return data.find(bytes(GAP_BYTES)) >= 0
