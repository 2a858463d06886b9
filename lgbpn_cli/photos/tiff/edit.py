"""Changes to a copy of a TIFF file: new blocks, new positions, one more tag. All else stays byte for byte."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterable
from typing import BinaryIO

from lgbpn_cli.photos.faults import EncodingError
from lgbpn_cli.photos.tiff.directory import INTEGER_CODES, Directory, Entry

BYTE_TYPE, ASCII_TYPE, SHORT_TYPE, LONG_TYPE, LONG8_TYPE = 1, 2, 3, 4, 16


class FreeSpace:
    """Hands out room in a file: first where old blocks lay, then at the end."""

    def __init__(self, extents: Iterable[tuple[int, int]], file_bytes: int) -> None:
        """Take the old blocks as (begin, end), and the file's size; `end` moves as room is handed out."""
        self.end = file_bytes
        self._holes: list[tuple[int, int]] = []
        for begin, end in sorted(extents):
            # One byte between blocks is padding to an even offset.
            if self._holes and begin <= self._holes[-1][1] + 1:
                self._holes[-1] = (self._holes[-1][0], max(end, self._holes[-1][1]))
            elif end > begin:
                self._holes.append((begin, end))
        if self._holes and self._holes[-1][1] >= file_bytes:
            self.end = self._holes.pop()[0]
        self._holes.reverse()  # the next one to fill is popped from the end
        self._touched = False

    def take(self, length: int, *, even: bool) -> int:
        """Return the offset of `length` free bytes, an even one if asked for."""
        while self._holes:
            begin, end = self._holes[-1]
            begin += begin % 2 if even else 0
            if begin + length <= end:
                self._holes[-1] = (begin + length, end)
                self._touched = True
                return begin
            if not self._touched:
                # A block that outgrew its old place; the place may do for the next one.
                break
            self._holes.pop()
            self._touched = False
        offset = self.end + (self.end % 2 if even else 0)
        self.end = offset + length
        return offset


class TiffEditor:
    """Rewrites tags of one directory of an open TIFF file; `finish` puts the directory in place."""

    def __init__(
        self, file: BinaryIO, directory: Directory, space: FreeSpace, *, values_in_place: bool = True
    ) -> None:
        """Take the copy, the directory it was read with, and the room there is for new bytes.

        Without `values_in_place` lists are always written anew: pages may share equal ones.
        """
        self._file = file
        self._directory = directory
        self._space = space
        self._values_in_place = values_in_place
        self._records = [entry.record for entry in directory.entries]
        self._field_bytes = 8 if directory.big else 4

    def write_block(self, data: bytes | bytearray | memoryview) -> int:
        """Return where a block's bytes were written. Raises EncodingError beyond a classic TIFF's 4 GiB."""
        # Old blocks of odd length often lie side by side, and their successors have no more room than that.
        return self._write(data, even=False)

    def _write(self, data: bytes | bytearray | memoryview, *, even: bool) -> int:
        offset = self._space.take(len(data), even=even)
        if not self._directory.big and self._space.end >= 1 << 32:
            raise EncodingError(
                "the result is too large for a TIFF file", "Save the source as BigTIFF first."
            )
        self._file.seek(offset)
        self._file.write(data)
        return offset

    def set_integers(self, tag: int, values: list[int]) -> None:
        """Replace the values of a tag by unsigned integers, in place where they fit; no such tag: no change."""
        entry = self._directory.find(tag)
        if entry is None:
            return
        order = self._directory.order
        code = INTEGER_CODES.get(entry.type)
        if code is None or max(values) >= 1 << 8 * struct.calcsize(code):
            kind = LONG8_TYPE if self._directory.big else LONG_TYPE
            self._set(
                tag, kind, len(values), struct.pack(f"{order}{len(values)}{INTEGER_CODES[kind]}", *values)
            )
            return
        data = struct.pack(f"{order}{len(values)}{code}", *values)
        if entry.value_bytes <= self._field_bytes:
            field = data + entry.record[-self._field_bytes :][len(data) :]
            self._put(tag, entry.record[: -self._field_bytes] + field)
        elif self._values_in_place:
            self._file.seek(entry.value_offset)
            self._file.write(data)
        else:
            self._set(tag, entry.type, len(values), data)

    def set_shorts(self, tag: int, *values: int) -> None:
        """Set a tag to 16-bit integers, adding it to the directory if it is not there."""
        data = struct.pack(f"{self._directory.order}{len(values)}H", *values)
        self._set(tag, SHORT_TYPE, len(values), data)

    def remove(self, *tags: int) -> None:
        """Take tags out of the directory; those that are not there are passed over."""
        codes = [struct.unpack_from(self._directory.order + "H", record)[0] for record in self._records]
        self._records = [
            record for code, record in zip(codes, self._records, strict=True) if code not in tags
        ]

    def set_text(self, tag: int, text: str) -> None:
        """Set a tag to ASCII text, adding it to the directory if it is not there."""
        data = text.encode("ascii") + b"\0"
        self._set(tag, ASCII_TYPE, len(data), data)

    def set_bytes(self, tag: int, data: bytes) -> None:
        """Set a tag to bytes, adding it to the directory if it is not there."""
        self._set(tag, BYTE_TYPE, len(data), data)

    def shorten_bytes(self, entry: Entry, data: bytes) -> None:
        """Replace the bytes of a tag by as many or fewer, in place; what is left of the old ones becomes zeros."""
        if len(data) >= entry.value_bytes or not data or entry.value_bytes <= self._field_bytes:
            return
        self._file.seek(entry.value_offset)
        self._file.write(data.ljust(entry.value_bytes, b"\0"))
        head = struct.pack(
            self._directory.order + ("HHQ" if self._directory.big else "HHI"),
            entry.tag,
            entry.type,
            len(data),
        )
        field = (
            entry.record[len(head) :]
            if len(data) > self._field_bytes
            else data.ljust(self._field_bytes, b"\0")
        )
        self._put(entry.tag, head + field)

    def finish(self, next_offset: int) -> int:
        """Write the directory, followed by the one at `next_offset` (0: none), and return where it lies now.

        It stays where it was unless tags were added. Whoever points to it has to follow.
        """
        directory = self._directory
        count = struct.pack(directory.count_code, len(self._records))
        data = count + b"".join(self._records) + struct.pack(directory.offset_code, next_offset)
        if len(self._records) > len(directory.entries):
            return self._write(data, even=True)
        self._file.seek(directory.offset)
        self._file.write(data)
        return directory.offset

    def _set(self, tag: int, kind: int, count: int, data: bytes) -> None:
        directory = self._directory
        if len(data) <= self._field_bytes:
            field = data.ljust(self._field_bytes, b"\0")
        else:
            field = struct.pack(directory.offset_code, self._write(data, even=True))
        head = struct.pack(directory.order + ("HHQ" if directory.big else "HHI"), tag, kind, count)
        self._put(tag, head + field)

    def _put(self, tag: int, record: bytes) -> None:
        """Replace the tag's record, or add it where the ascending order of tags wants it."""
        tags = [struct.unpack_from(self._directory.order + "H", old)[0] for old in self._records]
        if tag in tags:
            self._records[tags.index(tag)] = record
        else:
            self._records.insert(bisect.bisect(tags, tag), record)


def point_header_to(file: BinaryIO, first: Directory, offset: int) -> None:
    """Let the file's header point to its first directory, which was `first` and now lies at `offset`."""
    file.seek(8 if first.big else 4)
    file.write(struct.pack(first.offset_code, offset))
