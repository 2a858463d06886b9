"""Whether a photo can be written, found out before the network works on it for minutes."""

from __future__ import annotations

import io
from dataclasses import replace

from lgbpn_cli.errors import UnsupportedPhotoError, shown
from lgbpn_cli.photos.codecs import new_files
from lgbpn_cli.photos.faults import CODEC_ERRORS, EncodingError, one_line
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.photo import Photo

SIDE_PX = 16
REHEARSED_MARK = Mark("{}" + " " * 500, "lgbpn", "1:2")
"""About as long as a real one."""


def check_writable(photo: Photo) -> None:
    """Return if a corner of the photo, with all its metadata, can be written, or if a corner cannot tell.

    Raises UnsupportedPhotoError.
    """
    container = None if photo.container is None else photo.container.for_a_corner()
    if container is None:
        return
    corner = slice(0, SIDE_PX), slice(0, SIDE_PX)
    alpha = None if photo.alpha is None else photo.alpha[corner]
    small = replace(photo, pixels=photo.pixels[corner], alpha=alpha, container=container, further=())
    try:
        new_files(photo.format).write(small, io.BytesIO(), REHEARSED_MARK)
    except EncodingError as error:
        raise UnsupportedPhotoError(shown(photo.path), error.cause, error.cure) from error
    except CODEC_ERRORS as error:
        words = f"{type(error).__name__}: {one_line(error)}"
        cause = f"its metadata cannot be written into a {photo.format} file ({words})"
        raise UnsupportedPhotoError(
            shown(photo.path), cause, "Use `strip_metadata`, or another `format`."
        ) from error
