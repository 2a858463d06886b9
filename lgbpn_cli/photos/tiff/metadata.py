"""What of a TIFF-like file describes the photo, and what only says how its samples are stored."""

from __future__ import annotations

import math
import struct
from typing import BinaryIO

from lgbpn_cli.photos.metadata.colour_description import (
    CHROMATICITIES,
    PRIMARIES,
    WHITE_POINT,
    ColourDescription,
    fractions,
)
from lgbpn_cli.photos.metadata.exif import SHORT, Tag, collect_exif, read_tags
from lgbpn_cli.photos.photo import Metadata
from lgbpn_cli.photos.tiff.directory import Directory, read_value

TRANSFER_FUNCTION = 301
LEAST_TABLE = 256
"""Entries of the smallest table of transfer values; beyond it, lengths follow the bits of a sample."""
XMP_TAG, IPTC_TAG, ICC_TAG = 700, 33723, 34675
PROCESSING_SOFTWARE = 11
FIRST_TIFF_TAG = 254
"""What has lower numbers is a maker's own, but for PROCESSING_SOFTWARE."""
POINTER_TAGS = frozenset({400, 33424, 34310, 34954, 65024})
"""Makers' pointers to directories that stay behind."""
STORAGE_TAGS = frozenset({
    *range(254, 260), 262, 263, 264, 265, 266, 273, *range(277, 282), 284, *range(288, 294), 297, 301,
    *range(317, 348), *range(512, 522), *range(529, 533), 559, 32997, 32998, 33421, 33422, 34377, 34675,
    37724,
})  # fmt: skip
"""Tags that describe stored samples, point to other pictures, or are Photoshop's own view of the file."""
FIRST_DNG_TAG = 50706
DNG_DESCRIPTION_TAGS = frozenset({
    50708, 50709, *range(50721, 50731), *range(50734, 50737), 50740, 50741, 50778, 50779, 50827,
    *range(50831, 50835), 50879, 50931, 50932, 50934, *range(50936, 50943), *range(50964, 50966),
    50981, 50982, 51107, 51108, 51109, 51110, *range(52529, 52534), 52536, 52543, 52544,
    52551, 52552,
})  # fmt: skip
"""DNG's tags about the camera's colours and its owner: as true for the result as for the source.

Not among them: black and white levels, opcodes and noise profile, which describe the samples as they were, and the
file offsets of further profiles, which are moved by themselves.
"""
MARK_TAG = 65207
"""Private ASCII tag that holds "lgbpn " and the tool's own mark."""


def describes_photo(tag: int) -> bool:
    """Return whether a tag may go into any new file's EXIF."""
    if not (FIRST_TIFF_TAG <= tag < FIRST_DNG_TAG or tag == PROCESSING_SOFTWARE):
        return False
    return tag not in STORAGE_TAGS | POINTER_TAGS and tag not in (XMP_TAG, IPTC_TAG, MARK_TAG)


def describes_raw(tag: int) -> bool:
    """Return whether a tag of a DNG may go into a new DNG."""
    return describes_photo(tag) or tag in DNG_DESCRIPTION_TAGS


def tiff_metadata(file: BinaryIO, file_bytes: int, directory: Directory, *, is_dng: bool = False) -> Metadata:
    """Return what describes the photo in a TIFF-like file. Raises DamagedFileError."""

    def value(tag: int) -> bytes | None:
        entry = directory.find(tag)
        return None if entry is None or not entry.value_bytes else read_value(file, entry)

    exif = collect_exif(file, file_bytes, directory, describes_raw if is_dng else describes_photo)
    return Metadata(exif=exif, xmp=value(XMP_TAG), icc=value(ICC_TAG), iptc=value(IPTC_TAG))


def tiff_profile(
    file: BinaryIO, directory: Directory, channels: int, exif: bytes | None = None
) -> bytes | None:
    """Return the profile of a page's colours, be it told by a profile, measured primaries or EXIF.

    Raises DamagedFileError, and UnsupportedFileError for HDR colours.
    """
    entry = directory.find(ICC_TAG)
    icc = None if entry is None or not entry.value_bytes else read_value(file, entry)
    wanted = (WHITE_POINT, PRIMARIES, TRANSFER_FUNCTION)
    tags = [] if icc else [tag for tag in read_tags(file, directory) if tag.tag in wanted]
    measures = fractions(directory.order, tags, WHITE_POINT) + fractions(directory.order, tags, PRIMARIES)
    return ColourDescription(
        icc=icc,
        chromaticities=measures if len(measures) == CHROMATICITIES else None,
        gamma=_gamma(directory.order, tags),
        exif=exif,
    ).profile(channels)


def _gamma(order: str, tags: list[Tag]) -> float | None:
    """Return the power that a table of transfer values comes nearest to at half its length."""
    table = next((tag for tag in tags if tag.tag == TRANSFER_FUNCTION and tag.type == SHORT), None)
    if table is None or table.count < LEAST_TABLE:
        return None
    length = table.count // 3 if table.count % 3 == 0 else table.count
    (light,) = struct.unpack_from(order + "H", table.data, 2 * (length // 2))
    return math.log(light / 65535) / math.log((length // 2) / (length - 1)) if 0 < light < 65535 else None
