"""All directories of a camera raw file that is built like a TIFF: what they say about samples and photo."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.tiff.directory import Directory, read_directory_at, read_integers
from lgbpn_cli.photos.tiff.metadata import FIRST_DNG_TAG

TIFF, PANASONIC = 42, 0x55
TIFF_VERSIONS = (TIFF, 0x4F52, 0x5352, PANASONIC)
"""TIFF, two of Olympus's kinds, Panasonic's."""
SUB_DIRECTORIES = 330
MAX_DIRECTORIES = 64
"""More than any camera writes; a DNG with many semantic masks has a dozen."""
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
BLOCKS = ((273, 279), (324, 325))
"""Tags with offsets and lengths of strips, and of tiles."""
UNCOMPRESSED = 1
LOSSY_JPEG = 34892
JPEGS, JPEG_HEAD = (7, LOSSY_JPEG), b"\xff\xd8"
"""Compressions of a DNG whose strips and tiles are JPEG, without or with loss, and how each of those begins."""
DEFLATE = (8, 32946)
SAMPLE_FORMAT, FLOAT_SAMPLES = 339, 3
SMALLEST_SIDE = 22
ACTIVE_AREA = 50829
MOST_OF_NEEDED = 2
"""Uncompressed strips of so many times the bytes that the pixels need belong to other pixels than the file says."""
CFA, LINEAR_RAW = 32803, 34892
FILTER_SIZE, FILTER_COLOURS = 33421, 33422
FILTER_LAYOUT, RECTANGULAR = 50711, 1
TRUNCATED = "its raw data end early: the file is truncated"
PANASONIC_WIDTH, PANASONIC_HEIGHT, PANASONIC_FORMAT, PANASONIC_OFFSET = 2, 3, 45, 280
PANASONIC_VARIABLE_LENGTH = 8
"""Kinds of Panasonic's data before this one hold at most 14 samples in 16 bytes."""


@dataclass(frozen=True)
class RawDirectories:
    """The directories of one file, the first one first; damaged ones below it are left out."""

    order: str
    version: int
    all: tuple[Directory, ...]

    @property
    def first(self) -> Directory:
        """The one that the file's header points to."""
        return self.all[0]

    @property
    def is_dng(self) -> bool:
        """Whether the file says so."""
        return self.version == TIFF and self.first.find(FIRST_DNG_TAG) is not None

    def raw(self, file: BinaryIO) -> Directory | None:
        """Return the directory of the camera's samples, the largest if there are several; None without any."""
        found = [each for each in self.all if self._one(file, each, PHOTOMETRIC) in (CFA, LINEAR_RAW)]
        whole = [each for each in found if self._one(file, each, 254) in (None, 0)]
        return max(whole or found, key=lambda each: self._pixels(file, each), default=None)

    def deflated(self, file: BinaryIO) -> Directory | None:
        """Return the directory of a DNG's samples where they are deflated whole numbers, which LibRaw cannot read."""
        raw = self.raw(file) if self.is_dng else None
        if raw is None or self._one(file, raw, COMPRESSION) not in DEFLATE:
            return None
        return None if FLOAT_SAMPLES in self._integers(file, raw, SAMPLE_FORMAT) else raw

    def pointing(self, tag: int) -> Directory | None:
        """Return the first directory that has this tag."""
        return next((each for each in self.all if each.find(tag) is not None), None)

    def check_complete(self, file: BinaryIO, file_bytes: int) -> None:
        """Raise DamagedFileError if the samples reach beyond the end of the file, or are fewer than they should be.

        UnsupportedFileError where LibRaw would refuse them without a reason.
        LibRaw makes a picture of what there is, and invents the rest.
        """
        if self.version == PANASONIC:
            needed = self._panasonic_end(file)
            if needed > file_bytes:
                raise DamagedFileError(TRUNCATED)
            return
        raw = self.raw(file)
        largest = max(self.all, key=lambda each: sum(self._lengths(file, each)))
        for directory in {id(each): each for each in (raw, largest) if each is not None}.values():
            for offsets_tag, lengths_tag in BLOCKS:
                offsets = self._integers(file, directory, offsets_tag)
                lengths = self._integers(file, directory, lengths_tag)
                ends = (start + length for start, length in zip(offsets, lengths, strict=False))
                if max(ends, default=0) > file_bytes:
                    raise DamagedFileError(TRUNCATED)
        if raw is not None and self.is_dng:
            self._check_dng(file, raw)

    def _check_dng(self, file: BinaryIO, raw: Directory) -> None:
        """Raise DamagedFileError where a DNG's samples cannot be what it says; LibRaw makes a black picture of some.

        UnsupportedFileError where LibRaw would not say why it does not read them.
        """
        width, height = (self._one(file, raw, tag) or 0 for tag in (WIDTH, HEIGHT))
        if 0 < min(width, height) < SMALLEST_SIDE:
            cause = (
                f"a camera raw file of {width}x{height} pixels, and LibRaw reads none below {SMALLEST_SIDE}"
            )
            raise UnsupportedFileError(cause, "Skip it.")
        bits = self._integers(file, raw, BITS) or (16,)
        samples = self._one(file, raw, SAMPLES) or 1
        needed = self._pixels(file, raw) * samples * bits[0] // 8
        compression = self._one(file, raw, COMPRESSION)
        if compression == UNCOMPRESSED and sum(self._lengths(file, raw)) < needed:
            raise DamagedFileError("its strips or tiles hold too few bytes for its pixels")
        if compression == UNCOMPRESSED and sum(self._integers(file, raw, BLOCKS[0][1])) >= max(
            MOST_OF_NEEDED * needed, 1
        ):
            raise DamagedFileError(f"its strips hold too many bytes for pixels of {bits[0]} bits")
        if compression in JPEGS and not self._are_jpegs(file, raw):
            raise DamagedFileError("its strips or tiles are not JPEGs, as it says")
        top, left, bottom, right = self._integers(file, raw, ACTIVE_AREA)[:4] or (0, 0, 1, 1)
        if bottom <= top or right <= left:
            raise DamagedFileError("its active area is empty")

    def _are_jpegs(self, file: BinaryIO, raw: Directory) -> bool:
        for tag, _ in BLOCKS:
            for offset in self._integers(file, raw, tag):
                file.seek(offset)
                if file.read(len(JPEG_HEAD)) != JPEG_HEAD:
                    return False
        return True

    def _panasonic_end(self, file: BinaryIO) -> int:
        """Return where the samples end at the least; 0 where that cannot be told."""
        width, height = (self._one(file, self.first, tag) or 0 for tag in (PANASONIC_WIDTH, PANASONIC_HEIGHT))
        offset = self._one(file, self.first, PANASONIC_OFFSET)
        if offset is None:
            offset = self._one(file, self.first, BLOCKS[0][0]) or 0
        if (self._one(file, self.first, PANASONIC_FORMAT) or 0) >= PANASONIC_VARIABLE_LENGTH:
            return offset
        return offset + width * height * 16 // 14

    def _pixels(self, file: BinaryIO, directory: Directory) -> int:
        return (self._one(file, directory, WIDTH) or 0) * (self._one(file, directory, HEIGHT) or 0)

    def _lengths(self, file: BinaryIO, directory: Directory) -> tuple[int, ...]:
        return tuple(length for _, tag in BLOCKS for length in self._integers(file, directory, tag))

    def _integers(self, file: BinaryIO, directory: Directory, tag: int) -> tuple[int, ...]:
        entry = directory.find(tag)
        return () if entry is None else read_integers(file, directory, entry)

    def _one(self, file: BinaryIO, directory: Directory, tag: int) -> int | None:
        values = self._integers(file, directory, tag)
        return values[0] if values else None


def read_raw_directories(file: BinaryIO, file_bytes: int) -> RawDirectories | None:
    """Return all directories of a raw file that is built like a TIFF; None for any other, or a damaged first one."""
    file.seek(0)
    head = file.read(8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    version, offset = struct.unpack(order + "HI", head[2:])
    if version not in TIFF_VERSIONS:
        return None
    found: dict[int, Directory] = {}
    waiting = [offset]
    while waiting and len(found) < MAX_DIRECTORIES:
        offset = waiting.pop(0)
        if offset in found or not offset:
            continue
        try:
            directory = read_directory_at(file, file_bytes, order, False, offset)
            found[offset] = directory
            waiting.append(directory.next_offset)
            entry = directory.find(SUB_DIRECTORIES)
            if entry is not None:
                waiting += read_integers(file, directory, entry)
        except DamagedFileError:
            if not found:
                return None
    return RawDirectories(order, version, tuple(found.values())) if found else None
