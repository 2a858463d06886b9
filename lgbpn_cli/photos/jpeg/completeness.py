"""Whether a JPEG holds the whole picture: a truncated file that somebody closed decodes without an error.

The decoder fills what is missing with grey and gives only a warning, which Pillow keeps to itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.jpeg.segments import (
    BASELINE,
    EXTENDED,
    PROGRESSIVE,
    SCAN_END,
    START_OF_SCAN,
    JpegFile,
)

LAST_COEFFICIENT = 63
CODES = np.random.default_rng(0).integers(0, 255, 4096, np.uint8).tobytes()
"""Bytes without a marker."""
FILLER = b"\xaa" * 4 + CODES + 2 * b"".join(bytes([0xFF, 0xD0 + number]) + CODES[:256] for number in range(8))
"""Codes that a decoder short of data would take for picture: random ones, so that they mean a change whatever the
tables, with restart markers behind them, which it may be waiting for. What is alike in the pictures of most encoders
is the last code, of no change, and it begins with two bits that these do not begin with."""
BAND_ROWS = 512
GREY = 128
CAUSE = "its picture ends early, although the file is closed: what is missing would come out grey"


def check_complete(parts: JpegFile, image: Image.Image, decode: Callable[[bytes], Image.Image]) -> None:
    """Raise DamagedFileError where the last scan holds less than the whole picture.

    `image` is the decoded picture, `decode` decodes a file's coding (tables, frame header and scans).
    What follows the last square of a whole picture is never looked at: the same picture with more codes at
    its end decodes alike, and one that lacks squares does not.
    """
    if parts.frame.marker not in (BASELINE, EXTENDED, PROGRESSIVE):
        return  # arithmetic coding leaves zeros at the end out
    if not parts.frame.progressive and not _ends_grey(image):
        return
    if _differ(image, decode(parts.coding + FILLER)):
        raise DamagedFileError(CAUSE)


def check_scans(parts: JpegFile) -> None:
    """Raise DamagedFileError where a scan of a progressive picture is missing."""
    if parts.frame.marker == PROGRESSIVE and not _all_detail(parts):
        raise DamagedFileError("its last scans are missing: the file was truncated and closed")


def _all_detail(parts: JpegFile) -> bool:
    """Return whether the scans of a progressive picture carry every coefficient in full precision.

    A component without any scan above the lowest coefficient is flat, which some encoders write so.
    """
    precise: dict[int, set[int]] = {part.name: set() for part in parts.frame.components}
    coarse: dict[int, set[int]] = {part.name: set() for part in parts.frame.components}
    for header in _scan_headers(parts.coding):
        count = header[0] if header else 0
        if len(header) < 4 + 2 * count:
            return False
        first, last, shift = header[1 + 2 * count], header[2 + 2 * count], header[3 + 2 * count] & 15
        for name in header[1 : 1 + 2 * count : 2]:
            coefficients = set(range(first, min(last, LAST_COEFFICIENT) + 1))
            (coarse if shift else precise).setdefault(name, set()).update(coefficients)
    return all(
        0 in precise[part.name] and coarse[part.name] <= precise[part.name] for part in parts.frame.components
    )


def _scan_headers(coding: bytes) -> list[bytes]:
    """Return the contents of each scan's header; inside scans a marker's byte is always followed by zero."""
    headers = []
    position = 0
    while position + 4 <= len(coding):
        marker, length = coding[position + 1], int.from_bytes(coding[position + 2 : position + 4], "big")
        end = position + 2 + length
        if marker == START_OF_SCAN:
            headers.append(coding[position + 4 : end])
            found = SCAN_END.search(coding, end)
            end = len(coding) if found is None else found.start()
        position = end
    return headers


def _ends_grey(image: Image.Image) -> bool:
    """Return whether the picture's last pixel has the grey that stands for missing ones."""
    width, height = image.size
    last = np.asarray(image.crop((width - 1, height - 1, width, height))).astype(int)
    return bool((np.abs(last - GREY) <= 1).all())


def _differ(one: Image.Image, other: Image.Image) -> bool:
    width, height = one.size
    for rows in bands(height, BAND_ROWS):
        box = (0, rows.start, width, rows.stop)
        if not np.array_equal(np.asarray(one.crop(box)), np.asarray(other.crop(box))):
            return True
    return False
