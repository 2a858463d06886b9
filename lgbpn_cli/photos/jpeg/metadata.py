"""EXIF, XMP, ICC profile and IPTC in the segments of a JPEG: out of them, and into new ones."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from lgbpn_cli.photos.faults import UnsupportedFileError
from lgbpn_cli.photos.jpeg.segments import (
    APP0,
    APP1,
    APP2,
    MAX_PAYLOAD_BYTES,
    START,
    START_OF_SCAN,
    Segment,
    walk_segments,
)
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.colour_description import ColourDescription
from lgbpn_cli.photos.metadata.exif import without_thumbnail
from lgbpn_cli.photos.photo import Metadata

APP13 = 0xED
EXIF_PREFIX = b"Exif\0\0"
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
ICC_PREFIX = b"ICC_PROFILE\0"
PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"
RESOURCE_SIGNATURE = b"8BIM"
IPTC_RESOURCE = 0x0404


def metadata_of(segments: Sequence[Segment], channels: int) -> Metadata:
    """Return what the segments of a JPEG say about a photo of 1 or 3 channels.

    Raises UnsupportedFileError for HDR colours.
    """
    profile = sorted(
        s.payload[len(ICC_PREFIX) :]
        for s in segments
        if s.marker == APP2 and s.payload.startswith(ICC_PREFIX) and len(s.payload) > len(ICC_PREFIX) + 2
    )
    exif = _first(segments, APP1, EXIF_PREFIX)
    return Metadata(
        exif=exif,
        xmp=_first(segments, APP1, XMP_PREFIX),
        icc=ColourDescription(icc=b"".join(part[2:] for part in profile) or None, exif=exif).profile(
            channels
        ),
        iptc=_iptc(_first(segments, APP13, PHOTOSHOP_PREFIX)),
    )


def segments_for(metadata: Metadata) -> tuple[Segment, ...]:
    """Return the segments of a new JPEG. Raises UnsupportedFileError for what does not fit into one."""
    segments = []
    if metadata.exif is not None:
        segments.append(_segment(APP1, EXIF_PREFIX + metadata.exif, "EXIF"))
    if metadata.xmp is not None:
        segments.append(_segment(APP1, XMP_PREFIX + metadata.xmp, "XMP"))
    if metadata.iptc is not None:
        resource = RESOURCE_SIGNATURE + struct.pack(">HHI", IPTC_RESOURCE, 0, len(metadata.iptc))
        padded = metadata.iptc + bytes(len(metadata.iptc) % 2)
        segments.append(_segment(APP13, PHOTOSHOP_PREFIX + resource + padded, "IPTC"))
    if metadata.icc is not None:
        room = MAX_PAYLOAD_BYTES - len(ICC_PREFIX) - 2
        parts = [metadata.icc[begin : begin + room] for begin in range(0, len(metadata.icc), room)]
        for number, part in enumerate(parts, start=1):
            segments.append(Segment(APP2, ICC_PREFIX + bytes([number, len(parts)]) + part))
    return tuple(segments)


def with_cut_thumbnail(segment: Segment) -> Segment:
    """Return an EXIF segment without its thumbnail, which shows the noisy photo; others as they are."""
    if segment.marker != APP1 or not segment.payload.startswith(EXIF_PREFIX):
        return segment
    return replace(segment, payload=EXIF_PREFIX + without_thumbnail(segment.payload[len(EXIF_PREFIX) :]))


def with_provenance(segments: Sequence[Segment], mark: Mark) -> list[Segment]:
    """Return the segments with the mark in XMP, and as EXIF's Software where none is.

    What would grow beyond a segment's limit stays as it was.
    """
    changed = list(segments)
    for prefix, edit in ((EXIF_PREFIX, mark.in_exif), (XMP_PREFIX, mark.in_xmp)):
        places = [i for i, s in enumerate(changed) if s.marker == APP1 and s.payload.startswith(prefix)]
        old = changed[places[0]].payload[len(prefix) :] if places else None
        payload = prefix + edit(old)
        if len(payload) > MAX_PAYLOAD_BYTES:
            continue
        if places:
            changed[places[0]] = replace(changed[places[0]], payload=payload)
        else:
            changed.insert(_place_of_new(changed), Segment(APP1, payload))
    return changed


def _place_of_new(segments: Sequence[Segment]) -> int:
    """Return the place behind JFIF's segment and EXIF's, which readers look for at the beginning."""
    place = 0
    for segment in segments:
        exif = segment.marker == APP1 and segment.payload.startswith(EXIF_PREFIX)
        if not (exif or segment.marker == APP0):
            break
        place += 1
    return place


def exif_of_jpeg(file: BinaryIO) -> bytes | None:
    """Return the EXIF blob of a JPEG file, looking at the segments before the picture only."""
    file.seek(len(START))
    for marker, payload in walk_segments(file):
        if marker == START_OF_SCAN:
            return None
        if marker == APP1 and payload.startswith(EXIF_PREFIX):
            return payload[len(EXIF_PREFIX) :]
    return None


def _first(segments: Sequence[Segment], marker: int, prefix: bytes) -> bytes | None:
    for segment in segments:
        if segment.marker == marker and segment.payload.startswith(prefix):
            return segment.payload[len(prefix) :] or None
    return None


def _iptc(resources: bytes | None) -> bytes | None:
    for number, data in _resources(resources or b""):
        if number == IPTC_RESOURCE:
            return data or None
    return None


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Return Photoshop's resources, ending quietly where they make no sense."""
    position = 0
    while data[position : position + 4] == RESOURCE_SIGNATURE and position + 7 <= len(data):
        (number,) = struct.unpack_from(">H", data, position + 4)
        name_bytes = 1 + data[position + 6]
        place = position + 6 + name_bytes + name_bytes % 2
        if place + 4 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, place)
        yield number, data[place + 4 : place + 4 + length]
        position = place + 4 + length + length % 2


def _segment(marker: int, payload: bytes, name: str) -> Segment:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise UnsupportedFileError(
            f"a photo whose {name} data of {len(payload)} bytes do not fit into a JPEG file",
            "Use -f tiff or -f png.",
        )
    return Segment(marker, payload)
