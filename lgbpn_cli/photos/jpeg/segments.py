"""JPEG files as a list of segments: metadata, coding tables and scans, and what follows the picture."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lgbpn_cli.photos.contents import Contents
from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError

START = b"\xff\xd8"
END = b"\xff\xd9"
APP0, APP1, APP2, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
END_OF_IMAGE, START_OF_SCAN = 0xD9, 0xDA
# DQT, DHT, DAC, DRI, DNL
CODING_TABLES = frozenset({0xDB, 0xC4, 0xCC, 0xDD, 0xDC})
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
ARITHMETIC, ARITHMETIC_PROGRESSIVE = 0xC9, 0xCA
MAX_PAYLOAD_BYTES = 65533
MAX_SCANS = 100
"""Encoders write about ten. Each one goes over the whole picture, however little of it is in the file."""
# Inside a scan 0xff is followed by a stuffed zero, a restart marker or a fill byte; all else ends the scan.
SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True)
class Segment:
    """One APPn or COM segment."""

    marker: int
    payload: bytes
    """Without marker and length."""
    offset: int = 0
    """Where in its file it begins."""

    def packed(self) -> bytes:
        """Return the segment's bytes as they lie in a file."""
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a JPEG segment cannot hold {len(self.payload)} bytes")
        return struct.pack(">BBH", 0xFF, self.marker, len(self.payload) + 2) + self.payload


@dataclass(frozen=True)
class Component:
    """One colour component of a frame."""

    name: int
    across: int
    """Horizontal sampling factor."""
    down: int
    """Vertical sampling factor."""
    table: int
    """Number of its quantisation table."""


@dataclass(frozen=True)
class Frame:
    """What the frame header (SOF) says about the picture."""

    marker: int
    width: int
    height: int
    components: tuple[Component, ...]

    @property
    def progressive(self) -> bool:
        """Whether the picture is stored in scans of growing detail."""
        return self.marker in (PROGRESSIVE, ARITHMETIC_PROGRESSIVE)

    @property
    def coefficients(self) -> int:
        """How many there are of all components, apart from padding."""
        across, down = (
            max(factors) for factors in zip(*((c.across, c.down) for c in self.components), strict=True)
        )
        return sum(self.width * self.height * c.across * c.down // (across * down) for c in self.components)


@dataclass(frozen=True)
class JpegFile:
    """The parts of one JPEG file."""

    segments: tuple[Segment, ...]
    """All APPn and COM segments before the end of the picture, in their order."""
    frame: Frame
    coding: bytes
    """Tables, frame header and scans: everything between SOI and EOI that is not in `segments`."""
    end: int
    """Where in the file the picture ends, EOI included; what follows may be further pictures."""


def split_jpeg(data: Contents) -> JpegFile:
    """Return the parts of a JPEG file.

    Raises DamagedFileError where the file ends early or contradicts itself, UnsupportedFileError for
    lossless, hierarchical and 12-bit pictures.
    """
    segments: list[Segment] = []
    coding: list[bytes] = []
    frame: Frame | None = None
    scans = 0
    position = len(START)
    while True:
        marker, position = _next_marker(data, position)
        if marker == END_OF_IMAGE:
            break
        begin = position - 2
        payload, position = _payload(data, position)
        if marker in range(APP0, APP0 + 16) or marker == COMMENT:
            segments.append(Segment(marker, payload, begin))
            continue
        if marker in FRAMES:
            if frame is not None:
                raise DamagedFileError("it claims two pictures in one")
            frame = parse_frame(marker, payload)
        elif marker == START_OF_SCAN:
            if frame is None:
                raise DamagedFileError("its picture data comes before its header")
            scans += 1
            if scans > MAX_SCANS:
                cure = "It is damaged or made to keep programs busy: leave it out."
                raise DamagedFileError(f"its picture comes in more than {MAX_SCANS} scans", cure)
            position = _end_of_scan(data, position)
        elif marker == 0xF7:
            raise UnsupportedFileError("a JPEG-LS file")
        elif marker not in CODING_TABLES:
            raise DamagedFileError(f"it holds a marker that makes no sense here (ff {marker:02x})")
        coding.append(data[begin:position])
    if frame is None:
        raise DamagedFileError("it holds no picture")
    return JpegFile(tuple(segments), frame, b"".join(coding), position)


def parse_frame(marker: int, payload: bytes) -> Frame:
    """Return the picture's header from a SOF segment. Raises as `split_jpeg` does."""
    if marker not in (BASELINE, EXTENDED, PROGRESSIVE, ARITHMETIC, ARITHMETIC_PROGRESSIVE):
        raise UnsupportedFileError("a lossless or hierarchical JPEG")
    if len(payload) < 6:
        raise DamagedFileError("its picture header is cut off")
    precision, height, width, count = struct.unpack_from(">BHHB", payload)
    if precision != 8:
        raise UnsupportedFileError(f"a JPEG of {precision} bits a sample")
    if not count or len(payload) < 6 + 3 * count:
        raise DamagedFileError("its picture header is cut off")
    components = []
    for index in range(count):
        name, sampling, table = payload[6 + 3 * index : 9 + 3 * index]
        across, down = sampling >> 4, sampling & 15
        if not (1 <= across <= 4 and 1 <= down <= 4):
            raise DamagedFileError("its colour sampling makes no sense")
        components.append(Component(name, across, down, table))
    return Frame(marker, width, height, tuple(components))


def _next_marker(data: Contents, position: int) -> tuple[int, int]:
    """Return the next marker and the position behind it; junk and fill bytes before it are skipped."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            raise DamagedFileError("it ends before its picture does: the file is truncated")
        while data[position : position + 1] == b"\xff":
            position += 1
        marker = data[position : position + 1]
        if not marker:
            raise DamagedFileError("it ends before its picture does: the file is truncated")
        position += 1
        if marker != b"\x00":
            return marker[0], position


def _payload(data: Contents, position: int) -> tuple[bytes, int]:
    """Return a segment's payload and the position behind it."""
    length = int.from_bytes(data[position : position + 2], "big")
    end = position + length
    if length < 2 or end > len(data):
        raise DamagedFileError("one of its segments is cut off: the file is truncated")
    return data[position + 2 : end], end


def _end_of_scan(data: Contents, position: int) -> int:
    found = SCAN_END.search(data, position)
    if found is None:
        raise DamagedFileError("its picture data ends early: the file is truncated")
    return found.start()


def walk_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Return markers and payloads from the current position on, ending quietly where they make no sense."""
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        if head[1] == 0xFF:  # a fill byte
            file.seek(-3, os.SEEK_CUR)
            continue
        length = int.from_bytes(head[2:], "big")
        payload = file.read(max(length - 2, 0))
        if length < 2 or len(payload) < length - 2:
            return
        yield head[1], payload
