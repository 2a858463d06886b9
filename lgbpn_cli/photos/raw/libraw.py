"""A raw file open in LibRaw, whose errors become ours."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError, one_line
from lgbpn_cli.photos.raw.directories import TRUNCATED
from lgbpn_cli.photos.raw.mosaic import RAW_CURE

CRW_HEAD = b"HEAPCCDR"
CRW_ENTRY_BYTES = 10
PLAIN_PICTURES = {
    (0, b"\xff\xd8\xff"): ("JPEG", ".jpg"),
    (0, b"\x89PNG"): ("PNG", ".png"),
    (8, b"WEBP"): ("WebP", ".webp"),
    (4, b"ftyphe"): ("HEIC", ".heic"),
    (4, b"ftypavif"): ("AVIF", ".avif"),
}
"""What files of plain types hold, and where, whose names a raw file's ending can hide."""
RAF_HEAD = b"FUJIFILMCCD-RAW"
RAF_POINTERS = 84
"""Where a RAF says where its JPEG, its header of samples, and its samples lie, each with its length."""


@contextmanager
def opened_raw(path: Path, data: bytes | None = None) -> Iterator[Any]:
    """Return a `rawpy.RawPy`, not unpacked yet; of `data`, if there are any, in place of what the file holds.

    Raises DamagedFileError, UnsupportedFileError, OSError.
    """
    import rawpy

    try:
        with rawpy.imread(str(path) if data is None else io.BytesIO(data)) as raw:
            yield raw
    except rawpy.LibRawFileUnsupportedError as error:
        check_ends(path)
        _refuse_other_picture(path, or_jpeg=True)
        raise UnsupportedFileError("a camera raw file of a kind that LibRaw cannot read", RAW_CURE) from error
    except rawpy.LibRawError as error:
        check_ends(path)
        _refuse_other_picture(path, or_jpeg=False)  # some raw files begin with one
        cause = error.args[0] if error.args else error
        cause = cause.decode("ascii", "replace") if isinstance(cause, bytes) else cause
        if isinstance(error, rawpy.LibRawIOError):  # "Input/output error" would be taken for the disk's
            cause = "they end early, or are not where the file says"
        raise DamagedFileError(f"its raw data cannot be decoded ({one_line(cause)})") from error


def _refuse_other_picture(path: Path, *, or_jpeg: bool) -> None:
    """Raise UnsupportedFileError for a picture of a plain type by a raw file's name, which went by that name alone."""
    with path.open("rb") as file:
        head = file.read(12)
    for (place, signature), (kind, ending) in PLAIN_PICTURES.items():
        if head.startswith(signature, place) and (or_jpeg or kind != "JPEG"):
            raise UnsupportedFileError(
                f"a {kind} with the ending of a camera raw file", f"Give it the ending {ending}."
            )


def check_ends(path: Path) -> None:
    """Raise DamagedFileError for a Canon CRW or Fujifilm RAF whose end is missing; others are not looked at."""
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(RAF_POINTERS + 24)
        if head[6 : 6 + len(CRW_HEAD)] == CRW_HEAD and not _crw_is_whole(path, head, file_bytes):
            raise DamagedFileError(TRUNCATED)
        if head.startswith(RAF_HEAD):
            parts = struct.unpack_from(">6I", head.ljust(RAF_POINTERS + 24, b"\xff"), RAF_POINTERS)
            if (
                max(begin + length for begin, length in zip(parts[::2], parts[1::2], strict=True))
                > file_bytes
            ):
                raise DamagedFileError(TRUNCATED)


def _crw_is_whole(path: Path, head: bytes, file_bytes: int) -> bool:
    """Return whether the table of contents is where a CRW's last four bytes say."""
    (begin,) = struct.unpack_from("<I", head, 2)
    with path.open("rb") as file:
        file.seek(max(0, file_bytes - 4))
        (place,) = struct.unpack("<I", file.read(4).ljust(4, b"\xff"))
        file.seek(begin + place)
        (count,) = struct.unpack("<H", file.read(2).ljust(2, b"\xff"))
    return bool(begin + place + 2 + CRW_ENTRY_BYTES * count <= file_bytes)
