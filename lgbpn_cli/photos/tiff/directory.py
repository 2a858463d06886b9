"""The bones of a TIFF file (and of EXIF, which is one): the header and the first directory of tags.

Values are read on demand and never interpreted beyond integers, so that unknown tags survive as they are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from lgbpn_cli.photos.faults import DamagedFileError

TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of one value of each TIFF data type."""
INTEGER_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""struct codes of the unsigned integer types."""
SIGNED_CODES = {6: "b", 8: "h", 9: "i", 17: "q"}
"""Those of the signed ones, which some writers take for offsets and lengths."""
MAX_ENTRIES = 4096
"""More tags than any real file has."""
MAX_PAGES = 2000
MAX_ALL_ENTRIES = 100_000
"""More pages, and more tags of all pages together, than any real file has."""
MAX_INTEGERS = 1 << 22
"""More values than any list of strips or tiles has. Python integers take far more memory than the file's."""


@dataclass(frozen=True)
class Entry:
    """One tag of a directory."""

    tag: int
    type: int
    count: int
    """Number of values, as claimed by the file."""
    record: bytes
    """The entry as it lies in the directory: 12 bytes, or 20 in a BigTIFF file."""
    value_offset: int
    """Where in the file the values begin, be it inside the record."""

    @property
    def value_bytes(self) -> int:
        """Size of all values together; 0 for an unknown data type."""
        return TYPE_BYTES.get(self.type, 0) * self.count


@dataclass(frozen=True)
class Directory:
    """The first directory of a TIFF file."""

    order: str
    """struct's sign for the byte order: '<' or '>'."""
    big: bool
    """BigTIFF: 64-bit offsets."""
    offset: int
    """Where it lies in the file."""
    entries: tuple[Entry, ...]
    next_offset: int
    """Where the next directory lies; 0 when this is the only one."""

    @property
    def count_code(self) -> str:
        """struct code of the number of entries."""
        return self.order + ("Q" if self.big else "H")

    @property
    def offset_code(self) -> str:
        """struct code of an offset."""
        return self.order + ("Q" if self.big else "I")

    @property
    def record_bytes(self) -> int:
        """Size of one entry's record."""
        return 20 if self.big else 12

    @property
    def first_record_offset(self) -> int:
        """Where the first entry's record lies."""
        return self.offset + struct.calcsize(self.count_code)

    @property
    def end(self) -> int:
        """Where the directory ends, its pointer to the next one included."""
        pointer_bytes = struct.calcsize(self.offset_code)
        return self.first_record_offset + len(self.entries) * self.record_bytes + pointer_bytes

    def find(self, tag: int) -> Entry | None:
        """Return the first entry of this tag, or None."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


def read_directory(file: BinaryIO, file_bytes: int) -> Directory:
    """Return the first directory of the TIFF that begins at the file's start.

    All entries of known type are checked to have their values inside the file.
    Raises DamagedFileError when header, directory or values are not where they should be.
    """
    order, big, offset = _read_header(file)
    return read_directory_at(file, file_bytes, order, big, offset)


def read_directories(file: BinaryIO, file_bytes: int) -> list[Directory]:
    """Return the directories of all pages of a TIFF file. Raises DamagedFileError."""
    directories = [read_directory(file, file_bytes)]
    seen = {directories[0].offset}
    entries = len(directories[0].entries)
    while offset := directories[-1].next_offset:
        if offset in seen:
            raise DamagedFileError("its TIFF directories lead back to themselves")
        if offset > file_bytes:
            raise DamagedFileError("its TIFF directory points beyond the end of the file")
        first = directories[0]
        directories.append(read_directory_at(file, file_bytes, first.order, first.big, offset))
        seen.add(offset)
        entries += len(directories[-1].entries)
        if len(directories) > MAX_PAGES or entries > MAX_ALL_ENTRIES:
            raise DamagedFileError(f"it claims more than {MAX_PAGES} pages, or tags without end")
    return directories


def read_directory_at(file: BinaryIO, file_bytes: int, order: str, big: bool, offset: int) -> Directory:
    """Return the directory that lies at `offset`. Raises as `read_directory` does."""
    count_code = order + ("Q" if big else "H")
    (count,) = struct.unpack(count_code, _read_at(file, offset, struct.calcsize(count_code)))
    if not 1 <= count <= MAX_ENTRIES:
        raise DamagedFileError(f"its TIFF directory claims {count} tags")
    record_code = order + ("HHQ8s" if big else "HHI4s")
    record_bytes = struct.calcsize(record_code)
    first = offset + struct.calcsize(count_code)
    records = _read_at(file, first, count * record_bytes)
    entries = []
    for index in range(count):
        record = records[index * record_bytes : (index + 1) * record_bytes]
        tag, kind, values, field = struct.unpack(record_code, record)
        value_offset = first + (index + 1) * record_bytes - len(field)
        value_bytes = TYPE_BYTES.get(kind, 0) * values
        if value_bytes > len(field):
            (value_offset,) = struct.unpack(order + ("Q" if big else "I"), field)
            if value_offset + value_bytes > file_bytes:
                raise DamagedFileError(f"TIFF tag {tag} points beyond the end of the file")
        entries.append(Entry(tag, kind, values, record, value_offset))
    pointer_code = order + ("Q" if big else "I")
    pointer = _read_at(file, first + count * record_bytes, struct.calcsize(pointer_code))
    (next_offset,) = struct.unpack(pointer_code, pointer)
    return Directory(order, big, offset, tuple(entries), next_offset)


def read_integers(file: BinaryIO, directory: Directory, entry: Entry) -> tuple[int, ...]:
    """Return all values of an entry of an integer type, none of them negative; empty for other types.

    Raises DamagedFileError for negative ones, and when the file ends before the values do.
    """
    code = INTEGER_CODES.get(entry.type) or SIGNED_CODES.get(entry.type)
    if code is None:
        return ()
    if entry.count > MAX_INTEGERS:
        raise DamagedFileError(f"TIFF tag {entry.tag} claims {entry.count} values")
    data = _read_at(file, entry.value_offset, entry.value_bytes)
    values = struct.unpack(f"{directory.order}{entry.count}{code}", data)
    if entry.type in SIGNED_CODES and min(values, default=0) < 0:
        raise DamagedFileError(f"TIFF tag {entry.tag} holds a negative number")
    return values


def read_value(file: BinaryIO, entry: Entry) -> bytes:
    """Return the bytes of an entry's values. Raises DamagedFileError when the file ends before they do."""
    return _read_at(file, entry.value_offset, entry.value_bytes)


def _read_header(file: BinaryIO) -> tuple[str, bool, int]:
    head = _read_at(file, 0, 8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise DamagedFileError("its TIFF header names no byte order")
    (version,) = struct.unpack(order + "H", head[2:4])
    if version == 42:
        (offset,) = struct.unpack(order + "I", head[4:8])
        return order, False, offset
    if version == 43:
        (offset,) = struct.unpack(order + "Q", _read_at(file, 8, 8))
        return order, True, offset
    raise DamagedFileError(f"its TIFF header claims version {version}")


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    try:
        file.seek(offset)
        data = file.read(length)
    except (OverflowError, ValueError) as error:
        raise DamagedFileError(f"its TIFF structure points to byte {offset}") from error
    if len(data) < length:
        raise DamagedFileError("its TIFF structure ends early: the file is truncated")
    return data
