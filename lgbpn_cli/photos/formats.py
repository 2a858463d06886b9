"""Which kinds of file there are: those that are handled, and those that are known by name only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lgbpn_cli.photos.faults import CONVERT_CURE, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.jpeg import read_jpeg, read_jpeg_mark, write_jpeg
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.png import read_png, read_png_mark, write_png
from lgbpn_cli.photos.tiff import read_tiff, read_tiff_mark, write_tiff

SIGNATURE_BYTES = 16
DEVELOP_CURE = "Develop it to a 16-bit TIFF first, or leave it out."


@dataclass(frozen=True)
class PhotoFormat:
    """One kind of photo file."""

    name: str
    """As in Photo.format."""
    signatures: tuple[bytes, ...]
    """What such files begin with."""
    read: Callable[[BinaryIO, Path, int], Photo]
    """File, its path, most pixels allowed -> Photo.

    Raises DamagedFileError, UnsupportedFileError, OSError.
    """
    write: Callable[[Photo, BinaryIO, str | None], None]
    """Photo, empty file, the tool's own mark or None. Raises EncodingError, OSError."""
    read_mark: Callable[[BinaryIO], str | None]
    """File -> the tool's own mark. Raises DamagedFileError, OSError."""


FORMATS = (
    PhotoFormat("jpeg", (b"\xff\xd8\xff",), read_jpeg, write_jpeg, read_jpeg_mark),
    PhotoFormat("png", (b"\x89PNG\r\n\x1a\n",), read_png, write_png, read_png_mark),
    PhotoFormat("tiff", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), read_tiff, write_tiff, read_tiff_mark),
)
FORMATS_BY_NAME = {known.name: known for known in FORMATS}

FOREIGN_SIGNATURES = (
    (8, b"CR\x02", "a camera raw file (CR2)", DEVELOP_CURE),
    (4, b"ftypcrx", "a camera raw file (CR3)", DEVELOP_CURE),
    (0, b"II\x1a\0\0\0HEAP", "a camera raw file (CRW)", DEVELOP_CURE),
    (0, b"FUJIFILMCCD-RAW", "a camera raw file (RAF)", DEVELOP_CURE),
    (0, b"IIRO", "a camera raw file (ORF)", DEVELOP_CURE),
    (0, b"IIRS", "a camera raw file (ORF)", DEVELOP_CURE),
    (0, b"MMOR", "a camera raw file (ORF)", DEVELOP_CURE),
    (0, b"IIU\0", "a camera raw file (RW2)", DEVELOP_CURE),
    (0, b"\0MRM", "a camera raw file (MRW)", DEVELOP_CURE),
    (0, b"FOVb", "a camera raw file (X3F)", DEVELOP_CURE),
    (4, b"ftypavi", "an AVIF file", CONVERT_CURE),
    (4, b"ftyphe", "a HEIC file", CONVERT_CURE),
    (4, b"ftypmif1", "a HEIF file", CONVERT_CURE),
    (4, b"ftypmsf1", "a HEIF file", CONVERT_CURE),
    (4, b"ftyp", "a film", "Leave it out."),
    (8, b"WEBP", "a WebP file", CONVERT_CURE),
    (0, b"GIF8", "a GIF file", CONVERT_CURE),
    (0, b"BM", "a BMP file", CONVERT_CURE),
    (0, b"8BPS", "a Photoshop file", CONVERT_CURE),
    (0, b"\xff\x0a", "a JPEG XL file", CONVERT_CURE),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL file", CONVERT_CURE),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 file", CONVERT_CURE),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file", CONVERT_CURE),
    (0, b"v/1\x01", "an OpenEXR file", CONVERT_CURE),
    (0, b"%PDF", "a PDF document", "Leave it out."),
)
"""Offset, bytes there, name, cure. The first match counts: longer signatures come first."""


def recognise(head: bytes) -> PhotoFormat:
    """Return the format of a file from its first SIGNATURE_BYTES bytes.

    Raises UnsupportedFileError for kinds that are known but not handled, DamagedFileError for anything else.
    """
    if not head:
        raise DamagedFileError("the file is empty")
    for offset, signature, name, cure in FOREIGN_SIGNATURES:
        if head.startswith(signature, offset):
            raise UnsupportedFileError(f"{name}, which this version does not read", cure)
    for known in FORMATS:
        if head.startswith(known.signatures):
            return known
    raise DamagedFileError(
        "it is no photo: its beginning is not that of a JPEG, PNG or TIFF file",
        "Check where it comes from, or leave it out.",
    )
