"""Which kinds of file there are: those that are handled, and those that are known by name only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lgbpn_cli.photos.faults import CONVERT_CURE, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.heif.heic import read_heif
from lgbpn_cli.photos.heif.webp_avif import (
    read_avif,
    read_avif_mark,
    read_webp,
    read_webp_mark,
    write_avif,
    write_webp,
)
from lgbpn_cli.photos.jpeg.codec import read_jpeg, read_jpeg_mark, write_jpeg
from lgbpn_cli.photos.jxl.codec import SIGNATURE_BOX, read_jxl, read_jxl_mark, write_jxl
from lgbpn_cli.photos.jxl.header import CODESTREAM
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.plain.bitmap import is_tga, read_bmp, read_tga
from lgbpn_cli.photos.plain.jpeg2000 import CODESTREAM as JPEG2000_CODESTREAM
from lgbpn_cli.photos.plain.jpeg2000 import SIGNATURE_BOX as JPEG2000_BOX
from lgbpn_cli.photos.plain.jpeg2000 import read_jpeg2000
from lgbpn_cli.photos.png.codec import read_png, read_png_mark, write_png
from lgbpn_cli.photos.raw.dng import write_dng
from lgbpn_cli.photos.tiff.codec import read_tiff, read_tiff_mark, write_tiff

SIGNATURE_BYTES = 16
RENAME_CURE = "Give it the ending of its kind, such as .cr2 or .dng: the name tells raw files apart."


@dataclass(frozen=True)
class PhotoFormat:
    """One kind of photo file that is read by its content."""

    name: str
    """As in Photo.format."""
    offset: int
    """Where its signatures lie."""
    signatures: tuple[bytes, ...]
    """What such files hold there."""
    read: Callable[[BinaryIO, Path, int], Photo]
    """File, its path, most pixels allowed -> Photo.

    Raises DamagedFileError, UnsupportedFileError, OSError.
    """
    read_mark: Callable[[BinaryIO], str | None]
    """File -> the tool's own mark. Raises DamagedFileError, OSError."""


def _no_mark(_: BinaryIO) -> None:
    """Return None: results are never of this kind."""


FORMATS = (
    PhotoFormat("jpeg", 0, (b"\xff\xd8\xff",), read_jpeg, read_jpeg_mark),
    PhotoFormat("png", 0, (b"\x89PNG\r\n\x1a\n",), read_png, read_png_mark),
    PhotoFormat("tiff", 0, (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), read_tiff, read_tiff_mark),
    PhotoFormat("webp", 8, (b"WEBP",), read_webp, read_webp_mark),
    PhotoFormat("avif", 4, (b"ftypavif", b"ftypavis"), read_avif, read_avif_mark),
    PhotoFormat("jxl", 0, (CODESTREAM, SIGNATURE_BOX), read_jxl, read_jxl_mark),
    PhotoFormat("jp2", 0, (JPEG2000_BOX, JPEG2000_CODESTREAM), read_jpeg2000, _no_mark),
    PhotoFormat("bmp", 0, (b"BM",), read_bmp, _no_mark),
    PhotoFormat("heif", 4, (b"ftyphe", b"ftypmif1", b"ftypmsf1"), read_heif, _no_mark),
)
WRITERS: dict[str, Callable[[Photo, BinaryIO, Mark | None], None]] = {
    "jpeg": write_jpeg,
    "png": write_png,
    "tiff": write_tiff,
    "webp": write_webp,
    "avif": write_avif,
    "dng": write_dng,
    "jxl": write_jxl,
}
"""Photo, empty file, the tool's own mark or None; by Photo.format. They raise EncodingError, OSError."""

FOREIGN_SIGNATURES = (
    (8, b"CR\x02", "a camera raw file by another name (CR2)", RENAME_CURE),
    (4, b"ftypcrx", "a camera raw file by another name (CR3)", RENAME_CURE),
    (0, b"II\x1a\0\0\0HEAP", "a camera raw file by another name (CRW)", RENAME_CURE),
    (0, b"FUJIFILMCCD-RAW", "a camera raw file by another name (RAF)", RENAME_CURE),
    (0, b"IIRO", "a camera raw file by another name (ORF)", RENAME_CURE),
    (0, b"IIRS", "a camera raw file by another name (ORF)", RENAME_CURE),
    (0, b"MMOR", "a camera raw file by another name (ORF)", RENAME_CURE),
    (0, b"IIU\0", "a camera raw file by another name (RW2)", RENAME_CURE),
    (0, b"\0MRM", "a camera raw file by another name (MRW)", RENAME_CURE),
    (0, b"FOVb", "a camera raw file by another name (X3F)", RENAME_CURE),
    (0, b"GIF8", "a GIF file", CONVERT_CURE),
    (0, b"8BPS", "a Photoshop file", CONVERT_CURE),
    (0, b"v/1\x01", "an OpenEXR file", CONVERT_CURE),
    (0, b"%PDF", "a PDF document", "Skip it."),
)
"""Offset, bytes there, name, cure. The first match counts: longer signatures come first."""


TGA = PhotoFormat("tga", 0, (), read_tga, _no_mark)
"""Known by its ending alone, since it has no signature."""


def recognise(head: bytes, suffix: str = "") -> PhotoFormat:
    """Return the format of a file from its first SIGNATURE_BYTES bytes, and its ending where these do not tell.

    Raises UnsupportedFileError for kinds that are known but not handled, DamagedFileError for anything else.
    """
    if not head:
        raise DamagedFileError("the file is empty")
    for offset, signature, name, cure in FOREIGN_SIGNATURES:
        if head.startswith(signature, offset):
            raise UnsupportedFileError(f"{name}, which this version does not read", cure)
    for known in FORMATS:
        if head.startswith(known.signatures, known.offset):
            return known
    if suffix.lower() == ".tga" and is_tga(head):
        return TGA
    if head.startswith(b"ftyp", 4):
        raise UnsupportedFileError("a video", "Skip it.")
    raise DamagedFileError(
        "not a photo: it does not begin like any known kind of photo file",
        "Check where it comes from, or skip it.",
    )
