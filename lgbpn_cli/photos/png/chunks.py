"""PNG files as a list of chunks, with their checksums looked at."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lgbpn_cli.photos.contents import Contents
from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_INFLATED_BYTES = 1 << 24
"""Of profiles and texts."""
HEADER_BYTES = len(SIGNATURE) + 8 + 13 + 4
"""Signature and IHDR, which a PNG always begins with."""
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
ALLOWED_DEPTHS = {
    GREY: {1, 2, 4, 8, 16},
    RGB: {8, 16},
    PALETTE: {1, 2, 4, 8},
    GREY_ALPHA: {8, 16},
    RGB_ALPHA: {8, 16},
}
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
CHUNK_BYTES = {b"cHRM": 32, b"cICP": 4, b"gAMA": 4, b"pHYs": 9, b"sRGB": 1, b"tIME": 7}
"""Lengths of chunks that have only one."""
BEFORE_PIXELS = frozenset({
    b"PLTE", b"bKGD", b"cHRM", b"cICP", b"cLLI", b"gAMA", b"hIST", b"iCCP", b"mDCV", b"pHYs", b"sBIT", b"sPLT", b"sRGB",
    b"tRNS",
})  # fmt: skip
"""Chunks that have a meaning before the pixels alone; behind them some programs refuse the file for their sake."""


@dataclass(frozen=True)
class Chunk:
    """One chunk of a PNG file."""

    kind: bytes
    payload: bytes
    """Without length, kind and checksum."""

    @property
    def is_critical(self) -> bool:
        """Whether the picture cannot be decoded without it."""
        return self.kind[:1].isupper()


@dataclass(frozen=True)
class Header:
    """What IHDR says about the picture."""

    width: int
    height: int
    depth: int
    """Bits of a sample, or of a palette index."""
    colour_type: int

    @property
    def least_raw_bytes(self) -> int:
        """Bytes of the decompressed picture, apart from filter bytes and padding."""
        return self.width * self.height * self.depth * SAMPLES[self.colour_type] // 8


def read_header(head: bytes) -> Header:
    """Return the picture's header from the file's first HEADER_BYTES bytes.

    Raises DamagedFileError, and UnsupportedFileError for a file of Apple's that only looks like PNG.
    """
    if head[12:16] == b"CgBI":
        raise UnsupportedFileError("a PNG of Apple's own kind (CgBI)")
    if len(head) < HEADER_BYTES:
        raise DamagedFileError("it ends inside its header: the file is truncated")
    chunk = next(split_chunks(head))
    if chunk.kind != b"IHDR" or len(chunk.payload) != 13:
        raise DamagedFileError("it does not begin with a PNG header")
    width, height, depth, colour_type, compression, filters, interlace = struct.unpack(
        ">IIBBBBB", chunk.payload
    )
    if depth not in ALLOWED_DEPTHS.get(colour_type, set()) or compression or filters or interlace > 1:
        raise DamagedFileError("its PNG header makes no sense")
    return Header(width, height, depth, colour_type)


def split_chunks(data: Contents) -> Iterator[Chunk]:
    """Return the chunks of a whole PNG file one by one, up to and with IEND.

    Raises DamagedFileError where a chunk is cut off or its checksum is wrong.
    """
    view = memoryview(data)
    position = len(SIGNATURE)
    while True:
        if position + 12 > len(data):
            raise DamagedFileError("it ends before its last chunk: the file is truncated")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if not kind.isalpha():
            raise DamagedFileError("one of its chunks has no name")
        if end > len(data):
            raise DamagedFileError(f"its {kind.decode('ascii')} chunk is cut off: the file is truncated")
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != checksum:
            raise DamagedFileError(f"the checksum of its {kind.decode('ascii')} chunk is wrong")
        yield Chunk(kind, data[position + 8 : end - 4])
        if kind == b"IEND":
            return
        position = end


def pack_chunk(chunk: Chunk) -> bytes:
    """Return the bytes of a chunk: length, kind, payload, checksum."""
    body = chunk.kind + chunk.payload
    return struct.pack(">I", len(chunk.payload)) + body + struct.pack(">I", zlib.crc32(body))


def inflated(data: bytes) -> bytes:
    """Return what was deflated, at most MAX_INFLATED_BYTES of it; nothing where it is damaged."""
    try:
        return zlib.decompressobj().decompress(data, MAX_INFLATED_BYTES)
    except zlib.error:
        return b""
