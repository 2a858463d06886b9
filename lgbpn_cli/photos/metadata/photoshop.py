"""Photoshop's resources: numbered pieces of data in a JPEG's segment and in a tag of TIFFs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

RESOURCE_SIGNATURE = b"8BIM"
IPTC_RESOURCE = 0x0404


@dataclass(frozen=True)
class Resource:
    """One resource, and where in the whole it lies."""

    number: int
    data: bytes
    begin: int
    end: int
    """Behind its padding; beyond the end of the whole where it is cut off."""


def resources_in(data: bytes) -> Iterator[Resource]:
    """Yield Photoshop's resources, ending quietly where they make no sense."""
    begin = 0
    while data[begin : begin + 4] == RESOURCE_SIGNATURE and begin + 7 <= len(data):
        (number,) = struct.unpack_from(">H", data, begin + 4)
        name_bytes = 1 + data[begin + 6]
        place = begin + 6 + name_bytes + name_bytes % 2
        if place + 4 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 4 + length + length % 2
        yield Resource(number, data[place + 4 : place + 4 + length], begin, end)
        begin = end
