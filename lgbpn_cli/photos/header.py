"""What a photo's file says before any of its picture is decoded: its size, how it was shot, the tool's own mark."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from lgbpn_cli.photos.codec import Size
from lgbpn_cli.photos.codecs import SIGNATURE_BYTES, codec_of


class Header:
    """The header of one open file; each part is read when it is asked for, and once."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Recognise the file. Raises DamagedFileError, UnsupportedFileError, OSError."""
        self.file, self.path = file, path
        self.codec = codec_of(path.name, file.read(SIGNATURE_BYTES))

    @cached_property
    def size(self) -> Size:
        """What the picture claims. Raises DamagedFileError, UnsupportedFileError, OSError."""
        return self.codec.size(self._at_its_beginning(), self.path)

    @cached_property
    def exif(self) -> Image.Exif:
        """The EXIF, which can be asked as long as the file is open. Raises CODEC_ERRORS."""
        return self.codec.exif(self._at_its_beginning(), self.path)

    @cached_property
    def mark(self) -> str | None:
        """The tool's own mark, None for a file of another program. Raises DamagedFileError, OSError."""
        return self.codec.mark(self._at_its_beginning())

    def _at_its_beginning(self) -> BinaryIO:
        self.file.seek(0)
        return self.file


@contextmanager
def opened_header(path: Path) -> Iterator[Header]:
    """Give the header of the file, open for reading. Raises OSError, also for what is not a regular file.

    Raises DamagedFileError and UnsupportedFileError for what is not recognised.
    """
    with open_regular(path) as file:
        yield Header(file, path)


def open_regular(path: Path) -> BinaryIO:
    """Return the file, open for reading. Raises OSError, also for what is not a regular file.

    A pipe is not waited for, and the file is asked for once: on a share, each question takes its time.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("it is not a regular file")
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
