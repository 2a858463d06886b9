"""EXIF, XMP, ICC profile and IPTC in the segments of a JPEG: out of them, and into new ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

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
from lgbpn_cli.photos.metadata.exif import packed_within
from lgbpn_cli.photos.metadata.photoshop import IPTC_RESOURCE, RESOURCE_SIGNATURE, resources_in
from lgbpn_cli.photos.metadata.thumbnail import in_exif, in_resources, in_xmp
from lgbpn_cli.photos.metadata.xmp_packet import completed, extended_name, joined, parted
from lgbpn_cli.photos.photo import Metadata, Photo

APP13 = 0xED
EXIF_PREFIX = b"Exif\0\0"
JFIF_PREFIX, JFIF_EXTENSION_PREFIX = b"JFIF\0", b"JFXX\0"
JFIF_BYTES = 14
"""Bytes of JFIF's segment up to its thumbnail."""
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_XMP_PREFIX = b"http://ns.adobe.com/xmp/extension/\0"
EXTENDED_HEAD_BYTES = 40
"""MD5 of the extended packet in hexadecimal letters, its length, and where in it a segment's part begins."""
ICC_PREFIX = b"ICC_PROFILE\0"
MOST_PROFILE_PARTS = 255
ROOM_FOR_MARK = 2048
"""Left free where metadata have to be shortened anyway: the tool's own mark grows by less."""
PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"


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
        xmp=_whole_xmp(segments),
        icc=ColourDescription(icc=b"".join(part[2:] for part in profile) or None, exif=exif).profile(
            channels
        ),
        iptc=_iptc(_all(segments, APP13, PHOTOSHOP_PREFIX)),
    )


def segments_for(metadata: Metadata) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """Return the segments of a new JPEG, and names of what does not fit into any.

    EXIF is packed anew where it has slack, XMP is parted into a standard and an extended packet, IPTC and profile go
    into several segments.
    """
    segments: list[Segment] = []
    left_out: list[str] = []
    if metadata.exif is not None:
        exif, lost = packed_within(metadata.exif, MAX_PAYLOAD_BYTES - len(EXIF_PREFIX) - ROOM_FOR_MARK)
        left_out += lost
        if exif is not None:
            segments.append(Segment(APP1, EXIF_PREFIX + exif))
    if metadata.xmp is not None:
        packets = _xmp_segments(metadata.xmp)
        left_out += [] if packets else [f"{len(metadata.xmp)} bytes of XMP"]
        segments += packets
    if metadata.iptc is not None:
        resource = RESOURCE_SIGNATURE + struct.pack(">HHI", IPTC_RESOURCE, 0, len(metadata.iptc))
        padded = resource + metadata.iptc + bytes(len(metadata.iptc) % 2)
        segments += [
            Segment(APP13, PHOTOSHOP_PREFIX + part) for part in _parts(padded, len(PHOTOSHOP_PREFIX))
        ]
    if metadata.icc is not None:
        parts = _parts(metadata.icc, len(ICC_PREFIX) + 2)
        if len(parts) > MOST_PROFILE_PARTS:
            left_out.append(f"a colour profile of {len(metadata.icc)} bytes")
            parts = []
        for number, part in enumerate(parts, start=1):
            segments.append(Segment(APP2, ICC_PREFIX + bytes([number, len(parts)]) + part))
    return tuple(segments), tuple(left_out)


def _xmp_segments(xmp: bytes) -> list[Segment]:
    """Return the segments of a packet, none where it cannot be made to fit."""
    room = MAX_PAYLOAD_BYTES - len(XMP_PREFIX)
    if len(xmp) <= room:
        return [Segment(APP1, XMP_PREFIX + xmp)]
    both = parted(xmp, room - ROOM_FOR_MARK)
    if both is None:
        return []
    standard, extended = both
    name = extended_name(standard) or b""
    segments = [Segment(APP1, XMP_PREFIX + standard)]
    position = 0
    for part in _parts(extended, len(EXTENDED_XMP_PREFIX) + EXTENDED_HEAD_BYTES):
        head = name + struct.pack(">II", len(extended), position)
        segments.append(Segment(APP1, EXTENDED_XMP_PREFIX + head + part))
        position += len(part)
    return segments


def _whole_xmp(segments: Sequence[Segment]) -> bytes | None:
    """Return the XMP of a JPEG as one packet; of an extended one that is not whole, nothing."""
    xmp = _first(segments, APP1, XMP_PREFIX)
    begins = EXTENDED_XMP_PREFIX + ((extended_name(xmp) if xmp else None) or b"no such name")
    found = [s.payload[len(begins) :] for s in segments if s.marker == APP1 and s.payload.startswith(begins)]
    parts = sorted((struct.unpack_from(">II", part)[::-1], part[8:]) for part in found if len(part) > 8)
    extended = b"".join(part for _, part in parts)
    if xmp is not None and parts and len(extended) == parts[0][0][1]:
        xmp = joined(xmp, extended)
    for segment in segments:  # some programs add a packet of their own
        if xmp is not None and segment.marker == APP1 and segment.payload.startswith(XMP_PREFIX):
            xmp = completed(xmp, segment.payload[len(XMP_PREFIX) :])
    return xmp


def _parts(data: bytes, head_bytes: int) -> list[bytes]:
    """Return the data in parts that fit into a segment behind so many bytes."""
    room = MAX_PAYLOAD_BYTES - head_bytes
    return [data[begin : begin + room] for begin in range(0, len(data), room)]


def _all(segments: Sequence[Segment], marker: int, prefix: bytes) -> bytes:
    return b"".join(
        s.payload[len(prefix) :] for s in segments if s.marker == marker and s.payload.startswith(prefix)
    )


def with_own_thumbnails(segments: Sequence[Segment], photo: Photo) -> list[Segment]:
    """Return the segments with the photo's own thumbnail where EXIF had one, and without those of other kinds."""
    changed = []
    for segment in segments:
        payload = segment.payload
        if segment.marker == APP1 and payload.startswith(EXIF_PREFIX):
            exif = payload[len(EXIF_PREFIX) :]
            payload = EXIF_PREFIX + (in_exif(exif, photo, MAX_PAYLOAD_BYTES - len(EXIF_PREFIX)) or b"")
        elif segment.marker == APP1 and payload.startswith(XMP_PREFIX):
            payload = XMP_PREFIX + (in_xmp(payload[len(XMP_PREFIX) :]) or b"")
        elif segment.marker == APP13 and payload.startswith(PHOTOSHOP_PREFIX):
            payload = PHOTOSHOP_PREFIX + in_resources(payload[len(PHOTOSHOP_PREFIX) :])
        elif segment.marker == APP0 and payload.startswith(JFIF_EXTENSION_PREFIX):
            continue
        elif segment.marker == APP0 and payload.startswith(JFIF_PREFIX) and len(payload) > JFIF_BYTES:
            payload = payload[: JFIF_BYTES - 2] + bytes(2)
        changed.append(replace(segment, payload=payload))
    return changed


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


def _iptc(resources: bytes) -> bytes | None:
    for resource in resources_in(resources):
        if resource.number == IPTC_RESOURCE:
            return resource.data or None
    return None
