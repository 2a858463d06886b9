"""A photo file in: `read_photo`."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError, shown
from lgbpn_cli.photos.decoding_cost import check_cost
from lgbpn_cli.photos.faults import DAMAGED_CURE, DamagedFileError, UnsupportedFileError, one_line
from lgbpn_cli.photos.formats import SIGNATURE_BYTES, recognise
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.reader import read_raw
from lgbpn_cli.photos.sidecars import with_sidecar
from lgbpn_cli.photos.suffixes import RAW_SUFFIXES

MAX_PIXELS = OutputConfig.max_pixels
"""Largest picture that is read unless the caller allows more: above any camera's."""


def read_photo(
    path: Path,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int | None = None,
    as_mosaic: bool = False,
    for_sites: bool = False,
) -> Photo:
    """Return the photo in a file of any kind that is handled.

    The content decides which kind, not the name; except for camera raw files, which go by their ending alone:
    many look like a TIFF, and some begin with a JPEG of what was seen on the camera.

    `as_mosaic` asks for the mosaic of camera raw files, too, `for_sites` for what it takes to put it back.
    Raises PhotoReadError for a file that cannot be opened, is damaged or incomplete, or claims more than
    `max_pixels` or needs more memory than `max_bytes` (decided from its header), and UnsupportedPhotoError for one of
    a kind that is not handled.
    """
    try:
        with open_regular(path) as file:
            if path.suffix.lower() in RAW_SUFFIXES:
                cost = check_cost(file, "raw", path, max_pixels, max_bytes)
                photo = with_sidecar(read_raw(path, max_pixels, as_mosaic=as_mosaic, for_sites=for_sites))
                return replace(photo, reading_bytes=cost.needed_bytes)
            head = file.read(SIGNATURE_BYTES)
            known = recognise(head, path.suffix)
            file.seek(0)
            cost = check_cost(file, known.name, path, max_pixels, max_bytes)
            return replace(known.read(file, path, max_pixels), reading_bytes=cost.needed_bytes)
    except DamagedFileError as error:
        raise PhotoReadError(shown(path), error.cause, error.cure) from error
    except UnsupportedFileError as error:
        raise UnsupportedPhotoError(shown(path), error.cause, error.cure) from error
    except MemoryError as error:
        cure = "Close other programs, or cut it into smaller pictures."
        raise PhotoReadError(shown(path), "there is not enough memory for it", cure) from error
    except OSError as error:
        cause = f"cannot be read ({one_line(error.strerror or error)})"
        cure = "Check its name and permissions." if error.errno else DAMAGED_CURE
        raise PhotoReadError(shown(path), cause, cure) from error


def is_photo(path: Path) -> bool:
    """Return whether a file's content is that of a photo, whatever its name is; False for what cannot be read."""
    try:
        with open_regular(path) as file:
            recognise(file.read(SIGNATURE_BYTES))
    except (DamagedFileError, UnsupportedFileError, OSError):
        return False
    return True


def open_regular(path: Path) -> BinaryIO:
    """Return the file, open for reading. Raises OSError, also for what is no regular file.

    A pipe is not waited for, and the file is asked for once: on a share, each question takes its time.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("it is not a regular file")
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
