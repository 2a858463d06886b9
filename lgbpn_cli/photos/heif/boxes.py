"""HEIC and AVIF files as a row of boxes (ISO 14496-12), with their lengths looked at."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from lgbpn_cli.photos.faults import DamagedFileError

MAX_BOXES = 10_000
PICTURE_KINDS = {b"meta", b"mdat"}
"""A photo is whole where both came, each to its end."""
KNOWN_KINDS = PICTURE_KINDS | {b"ftyp", b"moov", b"moof", b"free", b"skip", b"uuid", b"mpvd", b"sefd"}
"""What cameras write: where one of these is cut off, the file was."""
GENERAL_BRANDS = (b"mif1", b"msf1", b"miaf")
"""Those that AVIF and HEIC share (ISO 23008-12); what the pictures are coded in, further brands tell."""


def is_avif_by_second_brand(head: bytes) -> bool:
    """Return whether a file begins as HEIC and AVIF files both may, and names AVIF alone among its further brands."""
    if head[4:8] != b"ftyp" or head[8:12] not in GENERAL_BRANDS:
        return False
    box = head[: int.from_bytes(head[:4], "big")]
    brands = {box[place : place + 4] for place in range(16, len(box), 4)}
    return b"avif" in brands and not any(brand.startswith(b"he") for brand in brands)


def top_level_boxes(file: BinaryIO) -> list[tuple[bytes, int, int]]:
    """Return the kind of each box, and where its contents begin and end, up to what is none.

    Behind a whole picture, what no decoder knows and does not end with the file is no box, but data that some program
    appended. Decoders fill what is missing at a file's end with grey. Raises DamagedFileError when a box is cut off.
    """
    file.seek(0, io.SEEK_END)
    file_bytes = file.tell()
    boxes: list[tuple[bytes, int, int]] = []
    position = 0
    while position < file_bytes:
        file.seek(position)
        head = file.read(16)
        is_whole = {each for each, _, _ in boxes} >= PICTURE_KINDS
        if len(head) < 8 and is_whole:
            break
        if len(head) < 8 or len(boxes) > MAX_BOXES:
            raise DamagedFileError("it ends inside a box: the file is truncated")
        length, kind = struct.unpack_from(">I4s", head)
        if kind == bytes(4):  # zeros behind the last box, as interrupted downloads leave them
            break
        begin = position + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
            begin += 8
        end = file_bytes if length == 0 else position + length
        if is_whole and kind not in KNOWN_KINDS and not begin <= end <= file_bytes:
            break
        if end < begin:
            raise DamagedFileError("one of its boxes is shorter than its own header")
        if end > file_bytes:
            raise DamagedFileError("its last box is cut off: the file is truncated")
        boxes.append((kind, begin, end))
        position = end
    return boxes


def whole_boxes(file: BinaryIO) -> BinaryIO:
    """Return the file up to the end of its last box, in memory. Raises DamagedFileError when a box is cut off."""
    boxes = top_level_boxes(file)
    file.seek(0)
    return io.BytesIO(file.read(boxes[-1][2]) if boxes else b"")


def boxes_in(data: bytes, place: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and contents of the short boxes from `place` on; what is none ends them."""
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if length < 8:
            return
        yield kind, data[place + 8 : place + length]
        place += length
