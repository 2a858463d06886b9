"""A photo file in: `read_photo`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError, shown
from lgbpn_cli.photos.codec import bytes_of
from lgbpn_cli.photos.codecs import SIGNATURE_BYTES, recognise
from lgbpn_cli.photos.decoding_cost import check_size
from lgbpn_cli.photos.faults import DAMAGED_CURE, DamagedFileError, UnsupportedFileError, one_line
from lgbpn_cli.photos.header import open_regular, opened_header
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.codec import RAW, read_with_mosaic

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
    with faults_named(path), opened_header(path) as header:
        size = header.size.for_mosaic() if as_mosaic else header.size
        check_size(size, bytes_of(header.file), max_pixels, max_bytes)
        if as_mosaic and header.codec is RAW:
            photo = read_with_mosaic(path, max_pixels, for_sites=for_sites)
        else:
            header.file.seek(0)
            photo = header.codec.read(header.file, path, max_pixels)
        return replace(photo, reading_bytes=size.needed_bytes)


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Raise what reading a file raises as PhotoReadError or UnsupportedPhotoError, which name it."""
    try:
        yield
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
