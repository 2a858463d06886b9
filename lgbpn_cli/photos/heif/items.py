"""The items of a HEIC or AVIF file: how large its pictures are, and whether their data can be whole.

Boxes are those of ISO 14496-12 and 23008-12; what makes no sense is passed over, for decoders say more about it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lgbpn_cli.photos.contents import GAP_WORDS, gap_in
from lgbpn_cli.photos.heif.boxes import boxes_in, top_level_boxes
from lgbpn_cli.photos.metadata.companions_in_file import (
    DEPTH_MAP,
    GAIN_MAP,
    LEAST_UNKNOWN_BYTES,
    UNKNOWN,
    VIDEO,
)

HEVC_TYPES, AV1_TYPES = (b"hvc1", b"hev1"), (b"av01",)
AVIF_PICTURES = (*AV1_TYPES, b"grid", b"iovl", b"iden")
"""Coded, put together of tiles or layers, and turned ones."""
DERIVED_FROM, SERVING = b"dimg", (b"auxl", b"thmb")
"""References from a picture to what it is made of; from maps and thumbnails to the picture that they serve."""
NAL_LENGTH_BYTES = 4
IMPOSSIBLE_IN_HEVC = b"\0\0\0"
"""Inside its units a coder puts a 3 after two zeros (ITU-T H.265, 7.4.2)."""
BESIDE_WORDS = {
    b"tmap": GAIN_MAP,
    b"hdrgainmap": GAIN_MAP,
    b"auxiliary:depth": DEPTH_MAP,
    b"auxid:2": DEPTH_MAP,
}
"""ISO 21496's derived picture, Apple's auxiliary one; depth as H.273 and H.265 name it."""
FILM_BOXES = {b"mpvd": VIDEO, b"moov": VIDEO}
"""Google's and Samsung's motion photos, and sequences."""
MAX_META_BYTES = 1 << 24
LOOKED_AT_BYTES = 1 << 16
"""Of what lies behind the last box."""
MAX_ITEMS = 10_000
SLICES_WORDS = "the lengths of its slices do not add up: parts of the picture may be wrong"


def largest_pixels(file: BinaryIO) -> int:
    """Return the pixels of the largest picture that any item claims; 0 where none does."""
    meta = _meta(file)
    largest, place = 0, meta.find(b"ispe")
    while 0 <= place <= len(meta) - 16:
        width, height = struct.unpack_from(">II", meta, place + 8)
        largest = max(largest, width * height)
        place = meta.find(b"ispe", place + 4)
    return largest


def beside_of(file: BinaryIO) -> frozenset[str]:
    """Return what else a file says that it holds beside its photo: maps of it, and films."""
    meta = _meta(file)
    found = {name for word, name in BESIDE_WORDS.items() if word in meta}
    boxes = top_level_boxes(file)
    found |= {FILM_BOXES[kind] for kind, _, _ in boxes if kind in FILM_BOXES}
    file.seek(boxes[-1][2] if boxes else 0)
    if len(file.read(LOOKED_AT_BYTES).strip(b"\0")) >= LEAST_UNKNOWN_BYTES:
        found.add(UNKNOWN)
    return frozenset(found)


def pictures_in(file: BinaryIO) -> int:
    """Return how many pictures an AVIF means to be shown: neither tiles nor maps nor thumbnails of others."""
    boxes = dict(boxes_in(_meta(file), 4))
    primary = int.from_bytes(boxes.get(b"pitm", b"")[4:], "big")
    shown = {item for item, kind in _types(boxes.get(b"iinf", b""), hidden=False) if kind in AVIF_PICTURES}
    return len((shown - set(_parts(boxes.get(b"iref", b"")))) | {primary})


@dataclass(frozen=True)
class Coding:
    """How the samples of a file's pictures are stored, told by the first of them."""

    bits: int = 8
    is_grey: bool = False

    @property
    def sample_bytes(self) -> int:
        """What a decoded sample takes."""
        return 1 if self.bits == 8 else 2


def coding_of(file: BinaryIO) -> Coding:
    """Return how the pictures are stored: of 8 bits and in colour where the file does not tell."""
    meta = _meta(file)
    place = meta.find(b"av1C")
    if place >= 0 and len(meta) >= place + 7:
        flags = meta[place + 6]
        return Coding(10 if flags & 0x40 else 8, bool(flags & 0x10))
    place = meta.find(b"hvcC")
    if place >= 0 and len(meta) >= place + 22:
        return Coding(8 + (meta[place + 21] & 7), meta[place + 20] & 3 == 0)
    return Coding()


def damage_of(file: BinaryIO) -> tuple[str, ...]:
    """Return what is wrong with the data of the pictures, as far as their coding tells; nothing, or one cause."""
    meta = _meta(file)
    boxes = dict(boxes_in(meta, 4))
    types = dict(_types(boxes.get(b"iinf", b"")))
    for item, offset, length in _extents(boxes.get(b"iloc", b"")):
        kind = types.get(item)
        if kind not in (*HEVC_TYPES, *AV1_TYPES):
            continue
        file.seek(offset)
        data = file.read(length)
        if kind in HEVC_TYPES and (words := _damage_of_units(data)):
            return (words,)
        if gap_in(data):
            return (GAP_WORDS,)
    return ()


def _damage_of_units(data: bytes) -> str:
    place = 0
    while place + NAL_LENGTH_BYTES <= len(data):
        end = place + NAL_LENGTH_BYTES + int.from_bytes(data[place : place + NAL_LENGTH_BYTES], "big")
        if end > len(data):
            return SLICES_WORDS
        if data.find(IMPOSSIBLE_IN_HEVC, place + NAL_LENGTH_BYTES, end) >= 0:
            return GAP_WORDS
        place = end
    return SLICES_WORDS if place < len(data) else ""


def _meta(file: BinaryIO) -> bytes:
    for kind, begin, end in top_level_boxes(file):
        if kind == b"meta" and end - begin <= MAX_META_BYTES:
            file.seek(begin)
            return file.read(end - begin)
    return b""


def _types(iinf: bytes, *, hidden: bool = True) -> Iterator[tuple[int, bytes]]:
    """Return number and type of each item, with or without those that are not to be shown."""
    for kind, entry in boxes_in(iinf, 6 if iinf[:1] == b"\0" else 8):
        wide = entry[:1] >= b"\3"
        if kind == b"infe" and len(entry) >= (14 if wide else 12):
            if entry[3] & 1 and not hidden:
                continue
            number = int.from_bytes(entry[4:8] if wide else entry[4:6], "big")
            yield number, entry[10:14] if wide else entry[8:12]


def _parts(iref: bytes) -> Iterator[int]:
    """Return the numbers of items that are parts, maps or thumbnails of others."""
    number_bytes = 4 if iref[:1] == b"\1" else 2
    for kind, reference in boxes_in(iref, 4):
        numbers = [
            int.from_bytes(reference[place : place + number_bytes], "big")
            for place in (0, *range(number_bytes + 2, len(reference), number_bytes))
        ]
        if kind == DERIVED_FROM:
            yield from numbers[1:]
        elif kind in SERVING:
            yield numbers[0]


def _extents(iloc: bytes) -> Iterator[tuple[int, int, int]]:
    """Return number, offset and length of the items that lie in one piece in the file."""
    if len(iloc) < 8:
        return
    version, sizes = iloc[0], iloc[4:6]
    offset_bytes, length_bytes = sizes[0] >> 4, sizes[0] & 15
    base_bytes, index_bytes = sizes[1] >> 4, sizes[1] & 15 if version else 0
    number_bytes = 4 if version == 2 else 2
    place = 6
    count, place = _number(iloc, place, number_bytes)
    for _ in range(min(count, MAX_ITEMS)):
        item, place = _number(iloc, place, number_bytes)
        method = 0
        if version:
            method, place = _number(iloc, place, 2)
        place += 2  # which file: this one
        base, place = _number(iloc, place, base_bytes)
        pieces, place = _number(iloc, place, 2)
        for _ in range(pieces):
            offset, place = _number(iloc, place + index_bytes, offset_bytes)
            length, place = _number(iloc, place, length_bytes)
            if method & 15 == 0 and pieces == 1:
                yield item, base + offset, length
        if place > len(iloc):
            return


def _number(data: bytes, place: int, length: int) -> tuple[int, int]:
    return int.from_bytes(data[place : place + length], "big"), place + length
