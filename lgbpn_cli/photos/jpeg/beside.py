"""What else a JPEG file holds beside its photo, by name: films, gain maps and second pictures of phones and cameras."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from PIL.JpegImagePlugin import JpegImageFile

from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError
from lgbpn_cli.photos.jpeg.multipicture import IDENTIFIER, PICTURE_BYTES, PICTURES_TAG
from lgbpn_cli.photos.jpeg.segments import APP2, START, Segment
from lgbpn_cli.photos.metadata.companions_in_file import (
    DEPTH_MAP,
    GAIN_MAP,
    LEAST_UNKNOWN_BYTES,
    SOUND,
    UNKNOWN,
    VIDEO,
    further_pictures,
)
from lgbpn_cli.photos.metadata.thumbnail import as_jpeg, reduced
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.tiff.directory import read_directory

ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
WORDS_IN_TRAILER = {
    b"ftyp": VIDEO,
    b"MotionPhoto_Data": VIDEO,
    b"SoundShot": SOUND,
    b"DualShot_DepthMap": DEPTH_MAP,
}
"""The first box of a film, and Samsung's names."""
PREVIEW_TYPES = frozenset({0x010001, 0x010002})
"""Smaller versions of the photo itself."""
PICTURE_TYPE = 0xFFFFFF
SEGMENT_HEAD_BYTES = 4
"""Marker and length."""


def beside_photo(segments: Sequence[Segment], trailer: bytes, named: frozenset[str]) -> frozenset[str]:
    """Return what lies beside the photo; `named` is what its XMP says."""
    found = set(named)
    if any(s.marker == APP2 and s.payload.startswith(ISO_GAIN_MAP) for s in segments):
        found.add(GAIN_MAP)
    found |= {kind for word, kind in WORDS_IN_TRAILER.items() if word in trailer}
    pictures = sum(kind not in PREVIEW_TYPES for s in segments for kind, _, _ in _further_pictures(s))
    if (photos := pictures - (GAIN_MAP in found)) > 0 and START in trailer:
        found |= further_pictures(1 + photos)
    if not found and not pictures and len(trailer.strip(b"\0")) >= LEAST_UNKNOWN_BYTES:
        found.add(UNKNOWN)
    return frozenset(found)


def with_own_previews(trailer: bytes, segments: Sequence[Segment], picture_bytes: int, photo: Photo) -> bytes:
    """Return what follows the photo with previews of it in place of those that cameras put there, of the same length.

    `picture_bytes` is where in the source the trailer begins. What is too small for a preview becomes zeros.
    """
    changed = bytearray(trailer)
    for segment in segments:
        for kind, length, offset in _further_pictures(segment):
            begin = segment.offset + SEGMENT_HEAD_BYTES + len(IDENTIFIER) + offset - picture_bytes
            old = trailer[begin : begin + length] if begin >= 0 else b""
            if kind not in PREVIEW_TYPES or not old.startswith(START) or len(old) < length:
                continue
            try:
                size = JpegImageFile(io.BytesIO(old)).size
                fits = max(size) <= max(photo.pixels.shape[:2])
                new = as_jpeg(reduced(photo, *size), length) if fits else None
            except CODEC_ERRORS:
                new = None
            changed[begin : begin + length] = (new or b"").ljust(length, b"\0")
    return bytes(changed)


def _further_pictures(segment: Segment) -> list[tuple[int, int, int]]:
    """Return type, length and offset of the pictures behind the first one, as an index segment lists them."""
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
    values = [
        struct.unpack_from(directory.order + "III", index, entry.value_offset + place) for place in places
    ]
    return [(kind & PICTURE_TYPE, length, offset) for kind, length, offset in values]
