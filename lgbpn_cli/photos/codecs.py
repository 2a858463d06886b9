"""The kinds of photo files, one line each: all that depends on the kind is derived from this table."""

from __future__ import annotations

from lgbpn_cli.photos.codec import Codec, NewFiles
from lgbpn_cli.photos.faults import CONVERT_CURE, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.heif.boxes import is_avif_by_second_brand
from lgbpn_cli.photos.heif.compressed import AVIF, WEBP
from lgbpn_cli.photos.heif.heic import HEIF
from lgbpn_cli.photos.jpeg.codec import JPEG
from lgbpn_cli.photos.jxl.codec import JXL
from lgbpn_cli.photos.plain.bitmap import BMP, TGA
from lgbpn_cli.photos.plain.jpeg2000 import JPEG2000
from lgbpn_cli.photos.png.codec import PNG
from lgbpn_cli.photos.raw.codec import CFA_DNG, DNG, RAW
from lgbpn_cli.photos.raw.endings import is_raw_name
from lgbpn_cli.photos.tiff.codec import TIFF

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        JPEG,
        PNG,
        TIFF,
        WEBP,
        AVIF,
        JXL,
        DNG,
        CFA_DNG,
        RAW,
        JPEG2000,
        BMP,
        HEIF,
        TGA,
    )
}
"""By name; those that are written come in the order in which a user is told of them."""
SIGNATURE_BYTES = 64
RENAME_CURE = (
    "Rename it to the ending of its kind, such as .cr2 or .dng: raw files are told apart by their names."
)
FOREIGN_SIGNATURES = (
    (8, b"CR\x02", "a camera raw file with the wrong ending (CR2)", RENAME_CURE),
    (4, b"ftypcrx", "a camera raw file with the wrong ending (CR3)", RENAME_CURE),
    (0, b"II\x1a\0\0\0HEAP", "a camera raw file with the wrong ending (CRW)", RENAME_CURE),
    (0, b"FUJIFILMCCD-RAW", "a camera raw file with the wrong ending (RAF)", RENAME_CURE),
    (0, b"IIRO", "a camera raw file with the wrong ending (ORF)", RENAME_CURE),
    (0, b"IIRS", "a camera raw file with the wrong ending (ORF)", RENAME_CURE),
    (0, b"MMOR", "a camera raw file with the wrong ending (ORF)", RENAME_CURE),
    (0, b"IIU\0", "a camera raw file with the wrong ending (RW2)", RENAME_CURE),
    (0, b"\0MRM", "a camera raw file with the wrong ending (MRW)", RENAME_CURE),
    (0, b"FOVb", "a camera raw file with the wrong ending (X3F)", RENAME_CURE),
    (0, b"GIF8", "a GIF file", CONVERT_CURE),
    (0, b"8BPS", "a Photoshop file", CONVERT_CURE),
    (0, b"v/1\x01", "an OpenEXR file", CONVERT_CURE),
    (0, b"%PDF", "a PDF document", "Skip it."),
)
"""Offset, bytes there, name, cure. The first match counts: longer signatures come first."""


def new_files(name: str) -> NewFiles:
    """Return how files of a kind that can be written are made. Raises KeyError for all others."""
    new = CODECS[name].new
    if new is None:
        raise KeyError(name)
    return new


def codec_of(name: str, head: bytes) -> Codec:
    """Return the codec of a file of this name, from its first SIGNATURE_BYTES bytes. Raises as `recognise` does.

    The content decides, not the name; except for camera raw files, which go by their ending alone: many look like a
    TIFF, and some begin with a JPEG of what was seen on the camera.
    """
    return RAW if is_raw_name(name) else recognise(head, name)


def recognise(head: bytes, name: str = "") -> Codec:
    """Return the codec of a file's first SIGNATURE_BYTES bytes, and its name where these do not tell.

    Raises UnsupportedFileError for kinds that are known but not handled, DamagedFileError for anything else.
    """
    if not head:
        raise DamagedFileError("the file is empty")
    for offset, signature, kind, cure in FOREIGN_SIGNATURES:
        if head.startswith(signature, offset):
            raise UnsupportedFileError(f"{kind}, which this version does not read", cure)
    if is_avif_by_second_brand(head):
        return AVIF
    for codec in CODECS.values():
        if codec.signatures and head.startswith(codec.signatures, codec.place):
            return codec
        if name.lower().endswith(codec.endings) and codec.may_be(head):
            return codec
    if head.startswith(b"ftyp", 4):
        raise UnsupportedFileError("a video", "Skip it.")
    raise DamagedFileError(
        "not a photo: it does not begin like any known kind of photo file",
        "Check where it comes from, or skip it.",
    )
