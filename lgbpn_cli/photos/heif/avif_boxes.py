"""AVIF files of more than 8 bits: what their boxes say, and boxes for what the encoder leaves out.

Boxes and their order are those of ISO 14496-12 and 23008-12 (HEIF). The encoder writes one picture and nothing
else; EXIF, XMP and colour profile become further items and a property of that picture.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lgbpn_cli.photos.faults import EncodingError
from lgbpn_cli.photos.heif.boxes import boxes_in

PICTURE = 1
"""Number of the encoder's only item."""
EXIF_HEAD = bytes(4)
"""Where in the item the TIFF structure begins: at once."""
XMP_TYPE = b"application/rdf+xml\0"


@dataclass(frozen=True)
class AvifColour:
    """What the boxes say about the samples, by the numbers of ITU-T H.273."""

    bits: int = 8
    primaries: int | None = None
    transfer: int | None = None


def read_colour(meta: bytes) -> AvifColour:
    """Return depth and colours from the contents of a `meta` box; the standard's defaults for what is missing."""
    bits, primaries, transfer = 8, None, None
    place = meta.find(b"pixi")
    if 0 <= place < len(meta) - 8:
        bits = max(meta[place + 9 : place + 9 + meta[place + 8]], default=8)
    place = meta.find(b"colrnclx")
    if 0 <= place <= len(meta) - 12:
        primaries, transfer = struct.unpack_from(">HH", meta, place + 8)
    return AvifColour(bits, primaries, transfer)


def with_metadata(encoded: bytes, exif: bytes | None, xmp: bytes | None, icc: bytes | None) -> bytes:
    """Return the file of one picture with EXIF, XMP and profile. Raises EncodingError for any other file."""
    top = dict(boxes_in(encoded))
    meta = dict(boxes_in(top.get(b"meta", b"")[4:]))
    properties = dict(boxes_in(meta.get(b"iprp", b"")))
    picture = top.get(b"mdat")
    association = properties.get(b"ipma", b"")
    if picture is None or association[4:10] != struct.pack(">IH", 1, PICTURE):
        raise EncodingError(
            "its picture cannot be encoded (not one picture)", "Use another `format`, such as png."
        )
    items = [picture]
    entries = [_entry(PICTURE, b"av01", b"Color\0")]
    if exif is not None:
        items.append(EXIF_HEAD + exif)
        entries.append(_entry(len(items), b"Exif", b"\0"))
    if xmp is not None:
        items.append(xmp)
        entries.append(_entry(len(items), b"mime", b"\0" + XMP_TYPE))
    container = properties[b"ipco"]
    if icc is not None:
        container += _box(b"colr", b"prof" + icc)
        last = len(list(boxes_in(container)))
        count = association[10]
        association = association[:10] + bytes([count + 1]) + association[11:] + bytes([last])
    references = b"".join(
        _box(b"cdsc", struct.pack(">HHH", number, 1, PICTURE)) for number in range(2, len(items) + 1)
    )
    parts = [
        _box(b"hdlr", meta[b"hdlr"]),
        _box(b"pitm", meta[b"pitm"]),
        b"",
        _box(b"iinf", bytes(4) + struct.pack(">H", len(entries)) + b"".join(entries)),
        _box(b"iref", bytes(4) + references) if references else b"",
        _box(b"iprp", _box(b"ipco", container) + _box(b"ipma", association)),
    ]
    head = _box(b"ftyp", top[b"ftyp"])
    parts[2] = _locations(items, 0)
    begin = len(head) + len(_box(b"meta", bytes(4) + b"".join(parts))) + 8
    parts[2] = _locations(items, begin)
    return head + _box(b"meta", bytes(4) + b"".join(parts)) + _box(b"mdat", b"".join(items))


def _locations(items: list[bytes], begin: int) -> bytes:
    """Return the box that says where each item lies when the first one does at `begin`."""
    body = bytes(4) + b"\x44\0" + struct.pack(">H", len(items))
    for number, item in enumerate(items, start=1):
        body += struct.pack(">HHHII", number, 0, 1, begin, len(item))
        begin += len(item)
    return _box(b"iloc", body)


def _entry(number: int, kind: bytes, name: bytes) -> bytes:
    return _box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + kind + name)


def _box(kind: bytes, contents: bytes) -> bytes:
    return struct.pack(">I", 8 + len(contents)) + kind + contents
