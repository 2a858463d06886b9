"""The pixels of a JPEG, and what its decoder says is wrong with them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError
from lgbpn_cli.photos.jpeg.completeness import check_complete, check_scans
from lgbpn_cli.photos.jpeg.segments import APP0, APP14, BASELINE, END, EXTENDED, START, JpegFile

BAND_ROWS = 512
WORDS_OF_DAMAGE = ("Corrupt JPEG data", "Premature end", "Invalid SOS parameters", "Inconsistent progression")
"""How libjpeg's warnings begin that are about the picture itself."""
SQUARE_PX = 8
LEAST_BITS = {BASELINE: 2, EXTENDED: 2}
"""Bits that no 8 x 8 square can do without: a code for its mean and one for the end; in other kinds its mean alone."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture and how it is coded."""

    pixels: np.ndarray
    """(h, w, c) uint8."""
    quantisation: dict[int, list[int]]
    """Tables by their numbers, in rows of 8."""
    damage: tuple[str, ...]
    """What is wrong with it, where anything is."""


def decode_picture(parts: JpegFile) -> Decoded:
    """Return the picture of a JPEG file; where a part of it is damaged, with words about that.

    Raises DamagedFileError where it ends early or cannot be decoded.
    """
    _check_length(parts)
    check_scans(parts)
    bare = _bare(parts, parts.coding)
    try:
        header = JpegImageFile(io.BytesIO(bare))
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    shape = (parts.frame.height, parts.frame.width, len(parts.frame.components))
    complaint = ""
    try:
        # Unlike Pillow's decoder this one reports damage that it passes over; whole pictures are the same in both.
        pixels = simplejpeg.decode_jpeg(bare, "RGB" if shape[2] == 3 else "GRAY", strict=True)
        if pixels.shape == shape:
            return Decoded(pixels, header.quantization, ())
    except CODEC_ERRORS as error:
        complaint = str(error)
    pixels = _pixels_with_gaps(parts)
    if pixels.shape != shape:
        raise DamagedFileError("its picture is not what its header claims")
    damage = complaint.startswith(WORDS_OF_DAMAGE)
    words = f"its picture data are damaged: parts of the picture may be wrong ({complaint[:80]})"
    return Decoded(pixels, header.quantization, (words,) if damage else ())


def _check_length(parts: JpegFile) -> None:
    """Raise DamagedFileError for a file that is far too short for its picture, before any memory is taken for it."""
    frame = parts.frame
    across, down = (
        max(factors) for factors in zip(*((c.across, c.down) for c in frame.components), strict=True)
    )
    squares = sum(
        -(-frame.width * part.across // (across * SQUARE_PX)) * -(-frame.height * part.down // (down * SQUARE_PX))
        for part in frame.components
    )  # fmt: skip
    if 8 * len(parts.coding) < squares * LEAST_BITS.get(frame.marker, 1):
        raise DamagedFileError(
            "its picture ends early: there is too little data for its size", "Copy it again, or skip it."
        )


def _bare(parts: JpegFile, coding: bytes) -> bytes:
    """Return a JPEG file of the picture alone.

    Decoders get to see no EXIF, profile or index of further pictures: they parse them and fail on damaged ones. The
    two segments that decide how components become colours stay.
    """
    deciding = [
        s for s in parts.segments if s.marker in (APP0, APP14) and s.payload[:5] in (b"JFIF\0", b"Adobe")
    ]
    # Shorter ones are ignored by every decoder, and Pillow stumbles over them.
    whole = [s for s in deciding if len(s.payload) >= 12]
    return b"".join([START, *(s.packed() for s in whole), coding, END])


def _pixels_with_gaps(parts: JpegFile) -> np.ndarray:
    """Return the pixels of a damaged picture, or one of a kind that only Pillow decodes.

    `Image.open` is not used because it warns above a size of its own; the size was checked before.
    """

    def decode(coding: bytes) -> JpegImageFile:
        try:
            image = JpegImageFile(io.BytesIO(_bare(parts, coding)))
            image.load()
        except CODEC_ERRORS as error:
            raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
        return image

    image = decode(parts.coding)
    if image.mode not in ("L", "RGB") or image.size != (parts.frame.width, parts.frame.height):
        raise DamagedFileError("its picture is not what its header claims")
    check_complete(parts, image, decode)
    return _pixels(image)


def _pixels(image: Image.Image) -> np.ndarray:
    """Return the pixels as (h, w, c) uint8, copied in bands: Pillow keeps four bytes for every RGB pixel."""
    width, height = image.size
    pixels = np.empty((height, width, len(image.getbands())), np.uint8)
    for rows in bands(height, BAND_ROWS):
        band = np.asarray(image.crop((0, rows.start, width, rows.stop)))
        pixels[rows] = band.reshape(rows.stop - rows.start, width, -1)
    return pixels
