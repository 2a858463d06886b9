"""Maker notes that count positions from the beginning of their file are made to fit another place."""

from __future__ import annotations

import io
import struct

from lgbpn_cli.photos.metadata.exif import (
    EXIF_POINTER,
    MAKER_NOTE,
    Tag,
    collect_exif,
    header,
    longs,
    pack_directory,
)
from lgbpn_cli.photos.metadata.maker_note import moved_maker_note
from lgbpn_cli.photos.tiff.directory import read_directory, read_directory_at, read_value

TEXT = b"a lens of some length\0"


def note_at(offset: int) -> bytes:
    """A note like Canon's: one tag whose text lies behind the directory."""
    place = offset + 2 + 12 + 4
    return struct.pack("<HHHII", 1, 0x95, 2, len(TEXT), place) + bytes(4) + TEXT


def test_positions_inside_the_note_move_with_it() -> None:
    assert moved_maker_note(note_at(5000), "<", 5000, 120) == note_at(120)


def test_positions_that_lead_elsewhere_are_left_alone() -> None:
    assert moved_maker_note(note_at(0), "<", 5000, 120) == note_at(0)


def test_notes_that_are_no_directory_are_left_alone() -> None:
    for note in (b"Nikon\0\2\x10\0\0MM\0*" + bytes(40), b"FUJIFILM" + bytes(40), b"", b"\1"):
        assert moved_maker_note(note, "<", 5000, 120) == note


def test_a_note_is_readable_in_the_exif_taken_out_of_a_file() -> None:
    body = bytearray(header("<", 8))
    exif_offset = 4000
    body += pack_directory("<", [longs(EXIF_POINTER, exif_offset, order="<")], 8)
    body = body.ljust(exif_offset, b"\0")
    note = note_at(exif_offset + 18)
    body += pack_directory("<", [Tag(MAKER_NOTE, 7, len(note), note)], exif_offset)
    file = io.BytesIO(bytes(body))
    taken = collect_exif(file, len(body), read_directory(file, len(body)), lambda _: True)
    assert len(taken) < 200
    found = io.BytesIO(taken)
    pointer = read_directory(found, len(taken)).find(EXIF_POINTER)
    assert pointer is not None
    (offset,) = struct.unpack("<I", read_value(found, pointer))
    entry = read_directory_at(found, len(taken), "<", False, offset).find(MAKER_NOTE)
    assert entry is not None
    assert read_value(found, entry) == note_at(entry.value_offset)
