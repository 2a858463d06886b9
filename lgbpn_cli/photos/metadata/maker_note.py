"""Maker notes: opaque bytes, but some makers' count positions from the beginning of the whole file."""

from __future__ import annotations

import struct

from lgbpn_cli.photos.tiff.directory import TYPE_BYTES

HEADS = (
    (b"SONY DSC \0\0\0", 12),
    (b"SONY CAM \0\0\0", 12),
    (b"Panasonic\0\0\0", 12),
    (b"AOC\0", 6),
    (b"OLYMP\0", 8),
    (b"EPSON\0", 8),
    (b"MINOL\0", 8),
    (b"QVC\0\0\0", 6),
    (b"", 0),
)
"""Beginning of a note, and where its directory of tags lies. Canon's and many others have no heading."""
MAX_TAGS = 512


def moved_maker_note(note: bytes, order: str, old_offset: int, new_offset: int) -> bytes:
    """Return a note that lay at `old_offset` of one file, for its place at `new_offset` of another.

    Positions are changed only if the note reads as a directory and each of them leads into the note itself
    when counted from the file's beginning; other notes count from their own beginning and may lie anywhere.
    """
    begin = next(length for head, length in HEADS if note.startswith(head))
    if old_offset == new_offset or len(note) < begin + 2:
        return note
    (count,) = struct.unpack_from(order + "H", note, begin)
    if not 1 <= count <= MAX_TAGS or begin + 2 + 12 * count > len(note):
        return note
    moved = bytearray(note)
    for index in range(count):
        place = begin + 2 + 12 * index
        kind, values, offset = struct.unpack_from(order + "2xHII", note, place)
        if kind not in TYPE_BYTES:
            return note
        value_bytes = TYPE_BYTES[kind] * values
        if value_bytes <= 4:
            continue
        if not old_offset <= offset <= old_offset + len(note) - value_bytes:
            return note
        struct.pack_into(order + "I", moved, place + 8, offset - old_offset + new_offset)
    return bytes(moved)
