"""What the format modules raise: causes without a file name, which `read_photo` and `write_photo` add.

The parsers work on bytes and open files and do not know where these came from.
"""

from __future__ import annotations

import struct
import zlib

DAMAGED_CURE = "Copy it again from the camera or a backup, or skip it."
CONVERT_CURE = "Convert it to an 8-bit or 16-bit RGB or grey TIFF, PNG or JPEG first, or skip it."
BLACK_AND_WHITE = "a picture of 1 bit, which has no grey for noise to be in"

# Pillow and imagecodecs raise nearly every class there is on damaged data: caught around their calls only.
CODEC_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    EOFError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class DamagedFileError(Exception):
    """The file contradicts its own format, or cannot be decoded."""

    def __init__(self, cause: str, cure: str = DAMAGED_CURE) -> None:
        """Keep what is wrong and what to do about it, both without the file's name."""
        super().__init__(cause)
        self.cause = one_line(cause)
        self.cure = cure


class UnsupportedFileError(Exception):
    """The file is of a kind that this version does not handle."""

    def __init__(self, cause: str, cure: str = CONVERT_CURE) -> None:
        """Keep what kind of file it is and what to do about it, both without the file's name."""
        super().__init__(cause)
        self.cause = one_line(cause)
        self.cure = cure


class EncodingError(Exception):
    """The result cannot be encoded, for a reason that is not the disk's."""

    def __init__(self, cause: str, cure: str) -> None:
        """Keep what is wrong and what to do about it, both without the file's name."""
        super().__init__(cause)
        self.cause = one_line(cause)
        self.cure = cure


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Return if a picture of this size may be decoded; to be called before any memory is asked for.

    Raises DamagedFileError for an empty picture or one above `max_pixels`.
    """
    if width < 1 or height < 1:
        raise DamagedFileError(f"its header claims an empty picture of {width} x {height} px")
    if width * height > max_pixels:
        raise DamagedFileError(
            f"its header claims {width} x {height} px, above the limit of {max_pixels} pixels",
            "It may be made to exhaust memory; if you trust it, give lgbpn denoise a higher `max_pixels`.",
        )


def one_line(text: object) -> str:
    """Return the text with all white space and control characters as single spaces, at most 200 long."""
    kept = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(kept.split()).rstrip(".")[:200]
