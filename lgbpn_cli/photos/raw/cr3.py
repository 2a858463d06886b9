"""What Canon's CR3 files say about the photo: boxes (ISO 14496-12) that each hold a TIFF directory."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from lgbpn_cli.photos.metadata.exif import (
    EXIF_POINTER,
    GPS_POINTER,
    MAKER_NOTE,
    UNDEFINED,
    Tag,
    header,
    longs,
    pack_directory,
    split_exif,
)
from lgbpn_cli.photos.photo import Metadata
from lgbpn_cli.photos.tiff.metadata import describes_photo

CANON_BOX = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
MAIN, EXIF, CANON_NOTE, GPS = b"CMT1", b"CMT2", b"CMT3", b"CMT4"
MAX_DIRECTORY_BYTES = 1 << 24
MAX_XMP_BYTES = 1 << 24
MAX_BOXES = 1000


def cr3_metadata(file: BinaryIO) -> Metadata:
    """Return EXIF with Canon's maker note and GPS, and XMP; nothing of what is damaged. Never raises."""
    file_bytes = file.seek(0, io.SEEK_END)
    xmp = None
    directories: dict[bytes, bytes] = {}
    for kind, begin, end in _boxes(file, 0, file_bytes):
        if kind == b"moov":
            for inner, inner_begin, inner_end in _boxes(file, begin, end):
                if inner == b"uuid" and _read(file, inner_begin, 16) == CANON_BOX:
                    directories = _directories(file, inner_begin + 16, inner_end)
        elif kind == b"uuid" and _read(file, begin, 16) == XMP_BOX and end - begin <= MAX_XMP_BYTES:
            xmp = _read(file, begin + 16, end - begin - 16).rstrip(b"\0") or None
    return Metadata(exif=_exif(directories), xmp=xmp)


def _directories(file: BinaryIO, begin: int, end: int) -> dict[bytes, bytes]:
    return {
        kind: _read(file, place, stop - place)
        for kind, place, stop in _boxes(file, begin, end)
        if kind in (MAIN, EXIF, CANON_NOTE, GPS) and stop - place <= MAX_DIRECTORY_BYTES
    }


def _exif(directories: dict[bytes, bytes]) -> bytes | None:
    """Return one blob of the four directories; the maker note counts positions from the blob's beginning."""
    order, tags = split_exif(directories.get(MAIN, b""))
    tags = [tag for tag in tags if describes_photo(tag.tag)]
    if not tags:
        return None
    packed = bytearray(header(order, 8))
    exif_order, exif = split_exif(directories.get(EXIF, b""))
    note_order, note = split_exif(directories.get(CANON_NOTE, b""))
    gps_order, gps = split_exif(directories.get(GPS, b""))
    if exif and exif_order == order:
        if note and note_order == order:
            data = pack_directory(order, note, len(packed))
            exif.append(Tag(MAKER_NOTE, UNDEFINED, len(data), data, len(packed)))
        tags.append(longs(EXIF_POINTER, len(packed), order=order))
        packed += pack_directory(order, exif, len(packed))
    if gps and gps_order == order:
        tags.append(longs(GPS_POINTER, len(packed), order=order))
        packed += pack_directory(order, gps, len(packed))
    packed[:8] = header(order, len(packed))
    return bytes(packed) + pack_directory(order, tags, len(packed))


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Return kind, begin and end of the boxes in a part of the file, ending quietly where they make no sense."""
    for _ in range(MAX_BOXES):
        head = _read(file, begin, 16)
        if begin + 8 > end or len(head) < 8:
            return
        length, kind = struct.unpack_from(">I4s", head)
        place = begin + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
            place += 8
        stop = end if length == 0 else begin + length
        if not place <= stop <= end:
            return
        yield kind, place, stop
        begin = stop


def _read(file: BinaryIO, begin: int, length: int) -> bytes:
    file.seek(begin)
    return file.read(length)
