"""What else a JPEG file holds beside its photo, by name: films, gain maps and second pictures of phones and cameras."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.jpeg.multipicture import IDENTIFIER, PICTURE_BYTES, PICTURES_TAG
from lgbpn_cli.photos.jpeg.segments import APP2, START, Segment
from lgbpn_cli.photos.metadata.companions_in_file import GAIN_MAP, PICTURE, VIDEO
from lgbpn_cli.photos.tiff.directory import read_directory

ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
FILM_BOX = b"ftyp"
SAMSUNG_FILM = b"MotionPhoto_Data"
PREVIEW_TYPES = frozenset({0x010001, 0x010002})
"""Smaller versions of the photo itself."""
PICTURE_TYPE = 0xFFFFFF


def beside_photo(segments: Sequence[Segment], trailer: bytes, named: frozenset[str]) -> frozenset[str]:
    """Return what lies beside the photo; `named` is what its XMP says."""
    found = set(named)
    if any(s.marker == APP2 and s.payload.startswith(ISO_GAIN_MAP) for s in segments):
        found.add(GAIN_MAP)
    if FILM_BOX in trailer or SAMSUNG_FILM in trailer:
        found.add(VIDEO)
    pictures = sum(kind not in PREVIEW_TYPES for s in segments for kind in _further_pictures(s))
    if pictures > (GAIN_MAP in found) and START in trailer:
        found.add(PICTURE)
    return frozenset(found)


def _further_pictures(segment: Segment) -> list[int]:
    """Return the types of the pictures behind the first one, as an index segment lists them."""
    if segment.marker != APP2 or not segment.payload.startswith(IDENTIFIER):
        return []
    index = segment.payload[len(IDENTIFIER) :]
    try:
        directory = read_directory(io.BytesIO(index), len(index))
    except DamagedFileError:
        return []
    entry = directory.find(PICTURES_TAG)
    if entry is None or entry.value_bytes % PICTURE_BYTES:
        return []
    places = range(PICTURE_BYTES, entry.value_bytes, PICTURE_BYTES)
    values = (
        struct.unpack_from(directory.order + "I", index, entry.value_offset + place)[0] for place in places
    )
    return [value & PICTURE_TYPE for value in values]
