"""Further pictures behind the first one (MPO, gain maps): their positions after the first changed its size.

CIPA DC-007 keeps a small TIFF directory in an APP2 segment; its tag 0xB002 lists size and position of each
picture, positions counted from the byte where that directory begins.
"""

from __future__ import annotations

import io
import struct

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.jpeg.segments import APP2, Segment
from lgbpn_cli.photos.tiff.directory import read_directory

IDENTIFIER = b"MPF\0"
PICTURES_TAG = 0xB002
PICTURE_BYTES = 16


def move_pictures(segment: Segment, first_bytes: int, shift_bytes: int) -> Segment:
    """Return the index segment for a first picture of `first_bytes` bytes.

    `shift_bytes` is how far the further pictures moved relative to this segment. Segments that are not an index,
    and damaged ones, come back unchanged.
    """
    if segment.marker != APP2 or not segment.payload.startswith(IDENTIFIER):
        return segment
    index = segment.payload[len(IDENTIFIER) :]
    try:
        directory = read_directory(io.BytesIO(index), len(index))
    except DamagedFileError:
        return segment
    entry = directory.find(PICTURES_TAG)
    if entry is None or entry.value_bytes < PICTURE_BYTES or entry.value_bytes % PICTURE_BYTES:
        return segment
    moved = bytearray(index)
    for number in range(entry.value_bytes // PICTURE_BYTES):
        place = entry.value_offset + number * PICTURE_BYTES + 4  # behind the picture's attributes
        size, offset = struct.unpack_from(directory.order + "II", index, place)
        if offset == 0:
            size = first_bytes
        else:
            offset = (offset + shift_bytes) % (1 << 32)
        struct.pack_into(directory.order + "II", moved, place, size, offset)
    return Segment(APP2, IDENTIFIER + bytes(moved), segment.offset)
