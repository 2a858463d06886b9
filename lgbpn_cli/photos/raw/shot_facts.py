"""Date and exposure for raw files whose maker keeps them outside EXIF, such as Canon's CRW: as LibRaw found them."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from typing import Any

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.metadata.exif import (
    EXIF_POINTER,
    Tag,
    header,
    longs,
    pack_directory,
    rationals,
    read_tags,
    shorts,
    split_exif,
    text,
)
from lgbpn_cli.photos.tiff.directory import read_directory_at

DATE, DATE_TAKEN, DATE_DIGITISED, ARTIST = 306, 36867, 36868, 315
EXPOSURE, APERTURE, ISO, FOCAL_LENGTH = 33434, 33437, 34855, 37386
LIBRAWS_SOFTWARE = b"dcraw v"
"""What LibRaw calls the program, in EXIF that it made up."""
EARLIEST_YEAR = 1990
"""Before it there was no camera raw file."""


def with_shot_facts(exif: bytes | None, raw: Any) -> bytes | None:
    """Return an EXIF blob with date and exposure, of which the old one has none; as it is where it has a date.

    `raw` is an open `rawpy.RawPy`. What is there already is kept, and nothing but the two directories moves.
    """
    order, first = ("<", []) if exif is None else split_exif(exif)
    packed = bytearray(header(order, 8) if exif is None else exif)
    packed += bytes(len(packed) % 2)
    inner = _settings(packed, order, first)
    taken = raw.other.timestamp
    if any(tag.tag == DATE_TAKEN for tag in inner) or taken is None or taken.year < EARLIEST_YEAR:
        return exif
    if exif is None or not inner:  # such files keep the camera's own time as seconds, without a zone
        taken = datetime.fromtimestamp(taken.timestamp(), UTC)
    date = taken.strftime("%Y:%m:%d %H:%M:%S")
    known = {tag.tag for tag in inner}
    inner += [tag for tag in _found(raw, date, order) if tag.tag not in known]
    place = len(packed)
    packed += pack_directory(order, inner, place)
    packed += bytes(len(packed) % 2)
    stays = [tag for tag in first if tag.tag != EXIF_POINTER and not tag.data.startswith(LIBRAWS_SOFTWARE)]
    first = [*stays, longs(EXIF_POINTER, place, order=order)]
    known = {tag.tag for tag in first}
    outer = [text(DATE, date)] + ([text(ARTIST, raw.other.artist)] if raw.other.artist else [])
    first += [tag for tag in outer if tag.tag not in known]
    packed[:8] = header(order, len(packed))
    return bytes(packed) + pack_directory(order, first, len(packed))


def _settings(packed: bytearray, order: str, first: list[Tag]) -> list[Tag]:
    pointer = next((tag for tag in first if tag.tag == EXIF_POINTER and len(tag.data) == 4), None)
    if pointer is None:
        return []
    (offset,) = struct.unpack(order + "I", pointer.data)
    file = io.BytesIO(bytes(packed))
    try:
        return read_tags(file, read_directory_at(file, len(packed), order, False, offset))
    except DamagedFileError:
        return []


def _found(raw: Any, date: str, order: str) -> list[Tag]:
    other = raw.other
    tags = [text(DATE_TAKEN, date), text(DATE_DIGITISED, date)]
    if 0 < other.iso_speed < 65536:
        tags.append(shorts(ISO, round(other.iso_speed), order=order))
    for number, value in (
        (EXPOSURE, other.shutter_speed), (APERTURE, other.aperture), (FOCAL_LENGTH, other.focal_length)
    ):  # fmt: skip
        if 0 < value < 4000:
            tags.append(rationals(number, value, order=order))
    return tags
