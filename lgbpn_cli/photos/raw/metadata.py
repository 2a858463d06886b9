"""What a camera raw file says about its photo and its samples, from its directories; LibRaw has no part in it."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.jpeg.metadata import exif_of_jpeg
from lgbpn_cli.photos.metadata.exif import (
    EXIF_POINTER,
    MAKER_NOTE,
    Tag,
    collect_exif,
    pack_directory,
    read_tags,
    split_exif,
)
from lgbpn_cli.photos.photo import Metadata
from lgbpn_cli.photos.raw.black import BlackLevels, read_black_levels
from lgbpn_cli.photos.raw.cr3 import cr3_metadata
from lgbpn_cli.photos.raw.directories import (
    COMPRESSION,
    FILTER_COLOURS,
    FILTER_LAYOUT,
    FILTER_SIZE,
    FLOAT_SAMPLES,
    LOSSY_JPEG,
    PANASONIC,
    RECTANGULAR,
    SAMPLE_FORMAT,
    SAMPLES,
    RawDirectories,
    read_raw_directories,
)
from lgbpn_cli.photos.raw.frame import SITE_TAGS
from lgbpn_cli.photos.raw.mosaic import BLUE, COLOUR_NAMES, GREEN, PERIODS, RAW_CURE, RED
from lgbpn_cli.photos.raw.opcodes import (
    MAP_POLYNOMIAL,
    OPCODE_LIST_1,
    OPCODE_LIST_2,
    OPCODE_LIST_3,
    Opcode,
    read_opcodes,
)
from lgbpn_cli.photos.tiff.directory import Directory, read_directory_at, read_integers, read_value
from lgbpn_cli.photos.tiff.metadata import (
    FIRST_TIFF_TAG,
    IPTC_TAG,
    MARK_TAG,
    XMP_TAG,
    describes_photo,
    describes_raw,
    tiff_metadata,
)

ISO = 34855
PANASONIC_JPEG = 46
NOISE_PROFILE = 51041
MOST_PROFILE_NUMBERS = 8
CROP_TAGS = (50719, 50720)
GAIN_TABLE_MAP = 52525
KEPT_RAW_TAGS = frozenset(
    {50718, *CROP_TAGS, 50780, OPCODE_LIST_3, 51125, GAIN_TABLE_MAP, *range(0x7031, 0x7038)}
)
"""Tags of the samples' directory that are true of the result too: scale, crops, lens opcodes, ProRAW's map, and what
Sony says of its lenses."""
EXTRA_PROFILES = 50933
MOST_PROFILES, PROFILE_BYTES = 100, 1 << 24
PROFILE_MAGIC = {b"IIRC": "<", b"MMCR": ">"}
ACTIVE_AREA = 50829
LINEARIZATION_TABLE = 50712
NUMBER_TYPES = {1: "u1", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 8: "i2", 9: "i4", 10: "i4", 11: "f4", 12: "f8"}
FRACTIONS = (5, 10)
"""Types of two numbers a value."""


@dataclass(frozen=True)
class RawFacts:
    """What is known of a raw file before LibRaw opens it."""

    metadata: Metadata = field(default_factory=Metadata)
    is_dng: bool = False
    is_result: bool = False
    """Whether this program wrote it."""
    order: str = "<"
    """Byte order of the tags."""
    raw_tags: tuple[Tag, ...] = ()
    """Of the samples' directory, those that are true of the result too."""
    site_tags: tuple[Tag, ...] = ()
    """Of the samples' directory, those that are true of denoised samples in the same places."""
    profiles: tuple[bytes, ...] = ()
    """Further camera profiles, each a TIFF structure of its own."""
    opcodes: tuple[tuple[Opcode, ...], ...] = ((), (), ())
    """DNG's lists 1, 2 and 3."""
    noise_profile: tuple[float, ...] = ()
    """DNG's: a and b of the variance a x + b, once for all colours or for each."""
    black: BlackLevels | None = None
    """Where LibRaw does not know it."""
    deflated: Directory | None = None
    """The directory of whole numbers compressed by deflate, which LibRaw cannot read."""
    decoded_here: int | None = None
    """Where the directory of samples lies that LibRaw would change: floating-point ones, which it reduces to 14 bits,
    and lossy ones under a table, which it takes for sRGB's curve."""


def read_raw_facts(path: Path, *, cut_too: bool = False) -> RawFacts:
    """Return what a raw file says about itself; nothing of a kind that is neither like TIFF nor CR3.

    `cut_too` is for those who do not want its samples.

    Raises DamagedFileError for samples that reach beyond the end of the file, UnsupportedFileError for colour filters
    that cannot be demosaiced, OSError.
    """
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        if file.read(8)[4:] == b"ftyp":
            return RawFacts(cr3_metadata(file))
        directories = read_raw_directories(file, file_bytes)
        if directories is None:
            return RawFacts()
        if not cut_too:
            directories.check_complete(file, file_bytes)
        raw = directories.raw(file)
        facts = RawFacts(
            metadata=_metadata(file, file_bytes, directories),
            is_dng=directories.is_dng,
            is_result=directories.first.find(MARK_TAG) is not None,
            order=directories.order,
        )
        if raw is None:
            return facts
        check_filters(file, raw)
        if not facts.is_dng:
            return replace(facts, raw_tags=_kept(file, directories, raw))
        opcodes = [
            read_opcodes(_value(file, raw, tag)) for tag in (OPCODE_LIST_1, OPCODE_LIST_2, OPCODE_LIST_3)
        ]
        is_lossy = _integers(file, raw, COMPRESSION) == (LOSSY_JPEG,)
        decoded_here = FLOAT_SAMPLES in _integers(file, raw, SAMPLE_FORMAT)
        if is_lossy:  # LibRaw decodes by the polynomials, and knows nothing of tables
            by_polynomial = any(each.number == MAP_POLYNOMIAL for each in opcodes[1])
            decoded_here |= not by_polynomial and raw.find(LINEARIZATION_TABLE) is not None
            opcodes[1] = tuple(each for each in opcodes[1] if each.number != MAP_POLYNOMIAL)
        return replace(
            facts,
            raw_tags=_kept(file, directories, raw),
            site_tags=tuple(tag for tag in read_tags(file, raw) if tag.tag in SITE_TAGS),
            profiles=_profiles(file, file_bytes, directories),
            opcodes=tuple(opcodes),
            noise_profile=_noise_profile(file, directories),
            black=read_black_levels(
                lambda tag: _numbers(file, raw, tag),
                max((1, *_integers(file, raw, SAMPLES))),
                *(*_integers(file, raw, ACTIVE_AREA), 0, 0)[:2],
            ),
            deflated=directories.deflated(file),
            decoded_here=raw.offset if decoded_here else None,
        )


def filter_size_of_dng(path: Path) -> tuple[int, ...] | None:
    """Return rows and columns of a DNG's colour filter pattern, () where it has none; None for other files."""
    with path.open("rb") as file:
        directories = read_raw_directories(file, path.stat().st_size)
        if directories is None or not directories.is_dng:
            return None
        raw = directories.raw(file)
        return None if raw is None else _integers(file, raw, FILTER_SIZE)


def _noise_profile(file: BinaryIO, directories: RawDirectories) -> tuple[float, ...]:
    """Return the numbers of DNG's NoiseProfile, wherever it is; none where it makes no sense."""
    data = _elsewhere(file, directories, NOISE_PROFILE) or b""
    count = len(data) // 8
    if len(data) % 8 or count > MOST_PROFILE_NUMBERS:
        return ()
    return struct.unpack(f"{directories.order}{count}d", data)


def check_filters(file: BinaryIO, raw: Directory) -> None:
    """Raise UnsupportedFileError for colour filters that LibRaw would take for others, by their name."""
    layout = max((RECTANGULAR, *_integers(file, raw, FILTER_LAYOUT)))
    if layout != RECTANGULAR:
        cause = (
            f"a camera raw file whose colour filters lie in staggered rows or columns (CFALayout {layout})"
        )
        raise UnsupportedFileError(cause, RAW_CURE)
    size = _integers(file, raw, FILTER_SIZE)
    colours = _value(file, raw, FILTER_COLOURS)
    if len(size) != 2 or len(colours) != size[0] * size[1] or not colours:
        return  # makers' own files have it in other places; LibRaw knows these
    rows = [colours[row * size[1] : (row + 1) * size[1]] for row in range(size[0])]
    others = set(colours) - {RED, GREEN, BLUE}
    if size[0] == size[1] in PERIODS and set(colours) == {RED, GREEN, BLUE}:
        return
    if not others and len(set(colours)) == 3:
        quad = size == (4, 4) and rows[0] == rows[1] and rows[2] == rows[3]
        name = f"a colour filter pattern of {size[0]} x {size[1]} sites{' (Quad Bayer)' if quad else ''}"
    else:
        names = ", ".join(COLOUR_NAMES.get(each, f"colour {each}") for each in sorted(set(colours)))
        name = f"colour filters of {names}"
    raise UnsupportedFileError(f"a camera raw file with {name}", RAW_CURE)


def _metadata(file: BinaryIO, file_bytes: int, directories: RawDirectories) -> Metadata:
    """Return EXIF, XMP and IPTC from whichever directories have them."""
    try:
        found = tiff_metadata(file, file_bytes, directories.first, is_dng=directories.is_dng)
    except DamagedFileError:
        found = Metadata()
    inner = None
    if directories.version == PANASONIC:  # its first directory is full of the samples' own numbers
        inner = exif_of_jpeg(io.BytesIO(_value(file, directories.first, PANASONIC_JPEG)))
        inner = inner or collect_exif(file, file_bytes, directories.first, _describes_panasonic)
    elif found.exif is None or not tells_settings(found.exif):
        inner = _exif_of_others(file, file_bytes, directories)
    return Metadata(
        exif=found.exif if inner is None else inner,
        xmp=found.xmp or _elsewhere(file, directories, XMP_TAG),
        iptc=found.iptc or _elsewhere(file, directories, IPTC_TAG),
    )


def _describes_panasonic(tag: int) -> bool:
    return describes_photo(tag) and tag >= FIRST_TIFF_TAG


def _exif_of_others(file: BinaryIO, file_bytes: int, directories: RawDirectories) -> bytes | None:
    """Return EXIF of the first directory together with that of a later one that has the camera's settings."""
    later = directories.pointing(EXIF_POINTER)
    if later is None or later is directories.first:
        return None
    own = {entry.tag for entry in directories.first.entries if describes_raw(entry.tag)}
    entries = [entry for entry in later.entries if entry.tag not in own and describes_photo(entry.tag)]
    joined = replace(directories.first, entries=(*directories.first.entries, *entries))
    try:
        return collect_exif(
            file, file_bytes, joined, describes_raw if directories.is_dng else describes_photo
        )
    except DamagedFileError:
        return None


def tells_settings(exif: bytes) -> bool:
    """Return whether an EXIF blob holds the camera's ISO or maker note."""
    order, tags = split_exif(exif)
    if any(tag.tag == ISO for tag in tags):
        return True
    pointer = next((tag for tag in tags if tag.tag == EXIF_POINTER and len(tag.data) == 4), None)
    if pointer is None:
        return False
    (offset,) = struct.unpack(order + "I", pointer.data)
    try:
        inner = read_directory_at(io.BytesIO(exif), len(exif), order, False, offset)
    except DamagedFileError:
        return False
    return inner.find(ISO) is not None or inner.find(MAKER_NOTE) is not None


def _elsewhere(file: BinaryIO, directories: RawDirectories, tag: int) -> bytes | None:
    directory = directories.pointing(tag)
    return None if directory is None else _value(file, directory, tag) or None


def _kept(file: BinaryIO, directories: RawDirectories, raw: Directory) -> tuple[Tag, ...]:
    kept = [tag for tag in read_tags(file, raw) if tag.tag in KEPT_RAW_TAGS]
    if raw.find(GAIN_TABLE_MAP) is None:
        kept += [tag for tag in read_tags(file, directories.first) if tag.tag == GAIN_TABLE_MAP]
    return tuple(kept)


def _profiles(file: BinaryIO, file_bytes: int, directories: RawDirectories) -> tuple[bytes, ...]:
    """Return the DNG's further camera profiles, whole; those that make no sense are left out."""
    found = []
    for offset in _integers(file, directories.first, EXTRA_PROFILES)[:MOST_PROFILES]:
        file.seek(min(offset, file_bytes))
        data = file.read(PROFILE_BYTES)
        order = PROFILE_MAGIC.get(data[:4])
        if order is None or len(data) < 8:
            continue
        (begin,) = struct.unpack(order + "I", data[4:8])
        try:
            inner = io.BytesIO(data)
            tags = read_tags(inner, read_directory_at(inner, len(data), order, False, begin))
        except DamagedFileError:
            continue
        found.append(data[:4] + struct.pack(order + "I", 8) + pack_directory(order, tags, 8))
    return tuple(found)


def _integers(file: BinaryIO, directory: Directory, tag: int) -> tuple[int, ...]:
    entry = directory.find(tag)
    return () if entry is None else read_integers(file, directory, entry)


def _numbers(file: BinaryIO, directory: Directory, tag: int) -> NDArray[np.float64]:
    """Return a tag's values, whole or fractions; none where it is missing or of another type."""
    entry = directory.find(tag)
    if entry is None or entry.type not in NUMBER_TYPES:
        return np.empty(0)
    found = np.frombuffer(read_value(file, entry), directory.order + NUMBER_TYPES[entry.type]).astype(
        np.float64
    )
    return found[::2] / np.maximum(found[1::2], 1) if entry.type in FRACTIONS else found


def _value(file: BinaryIO, directory: Directory, tag: int) -> bytes:
    entry = directory.find(tag)
    return b"" if entry is None else read_value(file, entry)
