"""TIFF tags as values that can be moved: EXIF out of a raw or TIFF file, and directories for new files."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.metadata.maker_note import moved_maker_note
from lgbpn_cli.photos.metadata.orientation import ORIENTATION_TAG
from lgbpn_cli.photos.tiff.directory import (
    TYPE_BYTES,
    Directory,
    read_directory,
    read_directory_at,
    read_value,
)
from lgbpn_cli.photos.tiff.edit import FreeSpace, TiffEditor, point_header_to

EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 34665, 34853, 40965
MAKER_NOTE = 37500
SOFTWARE = 305
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL = 1, 2, 3, 4, 5, 7, 10
CLASSIC_TYPES = frozenset(TYPE_BYTES) - {16, 17, 18}
MAX_VALUE_BYTES = 1 << 24
"""No value that describes a photo is larger; embedded originals are."""


@dataclass(frozen=True)
class Tag:
    """One tag with its values."""

    tag: int
    type: int
    count: int
    data: bytes
    """The values in the byte order of their file."""
    offset: int = 0
    """Where in its file they lay."""


def shorts(tag: int, *values: int, order: str) -> Tag:
    """Return a tag of 16-bit integers."""
    return Tag(tag, SHORT, len(values), struct.pack(f"{order}{len(values)}H", *values))


def longs(tag: int, *values: int, order: str) -> Tag:
    """Return a tag of 32-bit integers."""
    return Tag(tag, LONG, len(values), struct.pack(f"{order}{len(values)}I", *values))


def rationals(tag: int, *values: float, order: str, signed: bool = False) -> Tag:
    """Return a tag of fractions, exact to a millionth."""
    parts = [part for value in values for part in (round(value * 1_000_000), 1_000_000)]
    data = struct.pack(f"{order}{len(parts)}{'i' if signed else 'I'}", *parts)
    return Tag(tag, SIGNED_RATIONAL if signed else RATIONAL, len(values), data)


def text(tag: int, value: str) -> Tag:
    """Return a tag of ASCII text."""
    data = value.encode("ascii", "replace") + b"\0"
    return Tag(tag, ASCII, len(data), data)


def blob(tag: int, data: bytes, kind: int = UNDEFINED) -> Tag:
    """Return a tag of bytes."""
    return Tag(tag, kind, len(data), data)


def read_tags(file: BinaryIO, directory: Directory) -> list[Tag]:
    """Return the tags of a directory that a classic TIFF can hold, without monstrous ones."""
    found = []
    for entry in directory.entries:
        if entry.type in CLASSIC_TYPES and 0 < entry.value_bytes <= MAX_VALUE_BYTES:
            value = read_value(file, entry)
            found.append(Tag(entry.tag, entry.type, entry.count, value, entry.value_offset))
    return found


def pack_directory(order: str, tags: Iterable[Tag], offset: int) -> bytes:
    """Return a directory that is to lie at `offset`, with its values behind it and no successor.

    Maker notes that count positions from the beginning of the file are made to fit their new place.
    """
    ordered = sorted({tag.tag: tag for tag in tags}.values(), key=lambda tag: tag.tag)
    values = bytearray()
    values_offset = offset + 2 + 12 * len(ordered) + 4
    records = []
    for tag in ordered:
        data = tag.data
        if len(data) > 4:
            place = values_offset + len(values)
            if tag.tag == MAKER_NOTE and tag.offset:
                data = moved_maker_note(data, order, tag.offset, place)
            values += data + bytes(len(data) % 2)
            data = struct.pack(order + "I", place)
        records.append(struct.pack(order + "HHI", tag.tag, tag.type, tag.count) + data.ljust(4, b"\0"))
    return struct.pack(order + "H", len(records)) + b"".join(records) + bytes(4) + bytes(values)


def header(order: str, offset: int) -> bytes:
    """Return the first 8 bytes of a TIFF whose first directory lies at `offset`."""
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, offset)


def collect_exif(
    file: BinaryIO, file_bytes: int, directory: Directory, wanted: Callable[[int], bool]
) -> bytes:
    """Return a compact EXIF blob with those tags of a file's first directory that are `wanted`.

    EXIF, GPS and interoperability directories go along whole. Raises DamagedFileError.
    """
    order = directory.order
    packed = bytearray(8)
    tags = [tag for tag in read_tags(file, directory) if wanted(tag.tag)]
    tags = _with_sub_directories(file, file_bytes, order, tags, packed)
    packed[:8] = header(order, len(packed))
    return bytes(packed) + pack_directory(order, tags, len(packed))


def split_exif(exif: bytes) -> tuple[str, list[Tag]]:
    """Return byte order and first directory of an EXIF blob; a damaged blob has no tags."""
    file = io.BytesIO(exif)
    try:
        directory = read_directory(file, len(exif))
        return directory.order, read_tags(file, directory)
    except DamagedFileError:
        return "<", []


def exif_with_orientation(exif: bytes | None, orientation: int) -> bytes | None:
    """Return the blob with its orientation tag set to this value; one without the tag as it is."""
    if exif is None:
        return None
    try:
        directory = read_directory(io.BytesIO(exif), len(exif))
    except DamagedFileError:
        return exif
    entry = directory.find(ORIENTATION_TAG)
    if entry is None or entry.type != SHORT or entry.count != 1:
        return exif
    changed = bytearray(exif)
    struct.pack_into(directory.order + "H", changed, entry.value_offset, orientation)
    return bytes(changed)


def bare_exif(orientation: int) -> bytes:
    """Return a blob that says nothing but how the photo is turned."""
    return header("<", 8) + pack_directory("<", [shorts(ORIENTATION_TAG, orientation, order="<")], 8)


def without_thumbnail(exif: bytes) -> bytes:
    """Return the blob with its second directory, the thumbnail's, cut off; all offsets stay as they are."""
    try:
        directory = read_directory(io.BytesIO(exif), len(exif))
    except DamagedFileError:
        return exif
    if directory.big or not directory.next_offset:
        return exif
    changed = bytearray(exif)
    changed[directory.end - 4 : directory.end] = bytes(4)
    return bytes(changed)


def with_software(exif: bytes | None, software: str) -> bytes:
    """Return the blob with a Software tag; one that has the tag, or cannot be read, as it is.

    The first directory is written anew behind the blob; all other bytes, maker notes among them, stay put.
    """
    if exif is None:
        return header("<", 8) + pack_directory("<", [text(SOFTWARE, software)], 8)
    file = io.BytesIO(exif)
    try:
        directory = read_directory(file, len(exif))
    except DamagedFileError:
        return exif
    if directory.big or directory.find(SOFTWARE) is not None:
        return exif
    editor = TiffEditor(file, directory, FreeSpace((), len(exif)))
    editor.set_text(SOFTWARE, software)
    point_header_to(file, directory, editor.finish(directory.next_offset))
    return file.getvalue()


def _with_sub_directories(
    file: BinaryIO, file_bytes: int, order: str, tags: list[Tag], packed: bytearray
) -> list[Tag]:
    """Return the tags with their pointers leading into `packed`, where the directories are appended."""
    kept = []
    for tag in tags:
        if tag.tag not in (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER):
            kept.append(tag)
            continue
        if tag.type not in (LONG, 13) or tag.count != 1:
            continue
        (offset,) = struct.unpack(order + "I", tag.data)
        try:
            inner = read_tags(file, read_directory_at(file, file_bytes, order, False, offset))
        except DamagedFileError:
            continue
        if tag.tag == EXIF_POINTER:
            inner = _with_sub_directories(file, file_bytes, order, inner, packed)
        place = len(packed)
        packed += pack_directory(order, inner, place)
        kept.append(longs(tag.tag, place, order=order))
    return kept
