"""TIFF tags as values that can be moved: EXIF out of a raw or TIFF file, and directories for new files."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.metadata.maker_note import moved_maker_note
from lgbpn_cli.photos.metadata.orientation import ORIENTATION_TAG, UPRIGHT, exif_orientation
from lgbpn_cli.photos.tiff.directory import (
    INTEGER_CODES,
    TYPE_BYTES,
    Directory,
    read_directory,
    read_directory_at,
    read_integers,
    read_value,
)
from lgbpn_cli.photos.tiff.edit import FreeSpace, TiffEditor, point_header_to

EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 34665, 34853, 40965
MAKER_NOTE = 37500
SOFTWARE = 305
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 12
DIRECTORY = 13
"""A LONG that is the place of a directory."""
CLASSIC_TYPES = frozenset(TYPE_BYTES) - {16, 17, 18}
LARGE_VALUE_BYTES = 1000
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


def doubles(tag: int, *values: float, order: str) -> Tag:
    """Return a tag of floating-point numbers of 64 bits."""
    return Tag(tag, DOUBLE, len(values), struct.pack(f"{order}{len(values)}d", *values))


def text(tag: int, value: str) -> Tag:
    """Return a tag of ASCII text."""
    data = value.encode("ascii", "replace") + b"\0"
    return Tag(tag, ASCII, len(data), data)


def blob(tag: int, data: bytes, kind: int = UNDEFINED) -> Tag:
    """Return a tag of bytes."""
    return Tag(tag, kind, len(data), data)


def in_order(tag: Tag, order: str, wanted: str) -> Tag:
    """Return the tag, whose values are in one byte order, with them in the wanted one."""
    width = {5: 4, 10: 4}.get(tag.type, TYPE_BYTES[tag.type])  # fractions are two numbers each
    if order == wanted or width == 1:
        return tag
    return replace(tag, data=np.frombuffer(tag.data, f"<u{width}").byteswap().tobytes())


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
    file: BinaryIO,
    file_bytes: int,
    directory: Directory,
    wanted: Callable[[int], bool],
    kept: Callable[[Tag], bool] = lambda tag: True,
) -> bytes:
    """Return a compact EXIF blob with those tags of a file's first directory that are `wanted`.

    EXIF, GPS and interoperability directories go along; `kept` decides about each value. Raises DamagedFileError.
    """
    order = directory.order
    packed = bytearray(8)
    tags = [tag for tag in read_tags(file, directory) if wanted(tag.tag) and kept(tag)]
    pointers = (EXIF_POINTER, GPS_POINTER)
    tags = _with_sub_directories(file, file_bytes, order, tags, packed, kept, pointers)
    packed[:8] = header(order, len(packed))
    return bytes(packed) + pack_directory(order, tags, len(packed))


def packed_within(exif: bytes, most_bytes: int) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the blob in at most so many bytes, and what had to be left out for it, perhaps all of it.

    Slack and thumbnail go first, then the maker note, then every value of more than a thousand bytes.
    """
    if len(exif) <= most_bytes:
        return exif, ()
    file = io.BytesIO(exif)
    try:
        directory = read_directory(file, len(exif))
        for left_out, kept in (
            ((), lambda tag: True),
            (("the maker note",), lambda tag: tag.tag != MAKER_NOTE),
            (("the maker note and large EXIF values",), lambda tag: len(tag.data) <= LARGE_VALUE_BYTES),
        ):
            packed = collect_exif(file, len(exif), directory, lambda tag: True, kept)
            if len(packed) <= most_bytes:
                return packed, left_out
    except DamagedFileError:
        pass
    orientation = exif_orientation(exif)
    return None if orientation == UPRIGHT else bare_exif(orientation), (f"{len(exif)} bytes of EXIF",)


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


def exif_turned(exif: bytes | None, width: int, height: int) -> bytes | None:
    """Return the blob of a photo that was turned to this size: sizes that say it lies on its side are swapped."""
    if exif is None or width == height:
        return exif
    changed = bytearray(exif)
    file = io.BytesIO(exif)
    try:
        first = read_directory(file, len(exif))
        inner = _inner_directory(file, len(exif), first)
        for directory, tags in ((first, (256, 257)), (inner, (40962, 40963))):
            entries = [directory.find(tag) if directory is not None else None for tag in tags]
            codes = [
                INTEGER_CODES.get(entry.type) if entry and entry.count == 1 else None for entry in entries
            ]
            if directory is None or None in entries or None in codes:
                continue
            values = [read_integers(file, directory, entry)[0] for entry in entries if entry is not None]
            if values != [height, width]:
                continue
            for entry, code, value in zip(entries, codes, (width, height), strict=True):
                if entry is not None:
                    struct.pack_into(f"{directory.order}{code}", changed, entry.value_offset, value)
    except (DamagedFileError, struct.error):
        return exif
    return bytes(changed)


def _inner_directory(file: BinaryIO, file_bytes: int, first: Directory) -> Directory | None:
    """Return the EXIF directory that a first directory points to."""
    pointer = first.find(EXIF_POINTER)
    if pointer is None or pointer.type not in (LONG, 13) or pointer.count != 1:
        return None
    (offset,) = read_integers(file, first, pointer)
    return read_directory_at(file, file_bytes, first.order, first.big, offset)


def bare_exif(orientation: int) -> bytes:
    """Return a blob that says nothing but how the photo is turned."""
    return header("<", 8) + pack_directory("<", [shorts(ORIENTATION_TAG, orientation, order="<")], 8)


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
    file: BinaryIO,
    file_bytes: int,
    order: str,
    tags: list[Tag],
    packed: bytearray,
    wanted: Callable[[Tag], bool],
    possible: tuple[int, ...],
) -> list[Tag]:
    """Return the tags with their pointers leading into `packed`, where the directories are appended.

    Pointers other than the `possible` ones are left out: in the wrong place one may lead back to where it lies.
    """
    kept = []
    for tag in tags:
        if tag.tag not in (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER):
            if tag.type != DIRECTORY:  # one that is not followed would point nowhere
                kept.append(tag)
            continue
        if tag.tag not in possible or tag.type not in (LONG, DIRECTORY) or tag.count != 1:
            continue
        (offset,) = struct.unpack(order + "I", tag.data)
        try:
            inner = read_tags(file, read_directory_at(file, file_bytes, order, False, offset))
        except DamagedFileError:
            continue
        inner = [each for each in inner if wanted(each)]
        if tag.tag == EXIF_POINTER:
            inner = _with_sub_directories(file, file_bytes, order, inner, packed, wanted, (INTEROP_POINTER,))
        place = len(packed)
        packed += pack_directory(order, inner, place)
        kept.append(longs(tag.tag, place, order=order))
    return kept
