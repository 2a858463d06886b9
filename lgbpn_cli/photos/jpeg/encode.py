"""The picture of a JPEG made of pixels: its tables, its header and its scans, without what goes around them."""

from __future__ import annotations

import io
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
from PIL import Image, ImageFile

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import CODEC_ERRORS, EncodingError
from lgbpn_cli.photos.jpeg.segments import FRAMES, START_OF_SCAN, split_jpeg, walk_segments

WORST_BYTES_PER_PIXEL = 8
MOST_WITH_OWN_CODES_PX = 64_000_000
"""Larger pictures are written in the standard's Huffman codes, which makes files 2 to 7 % larger, noisy ones 14. Codes
of their own are known when all of the picture has been gone through, which takes 6 more bytes a pixel; the standard's
allow for one band after another, where Pillow would copy the picture to four bytes a pixel."""
COARSEST_STEP = 255
"""What baseline JPEG, which every program reads, has room for; libjpeg complains to the terminal about larger ones."""
BAND_ROWS = 64
"""Whole squares of every subsampling, and of the widest picture no more than a restart interval may have."""
SQUARE_PX = {"4:4:4": (8, 8), "4:2:2": (16, 8), "4:2:0": (16, 16)}
"""Width and height of what is coded together, by the colour's subsampling."""
RESTARTS = 8
"""The markers between bands count up to this."""
_encoder_buffer = threading.Lock()

Tables = tuple[tuple[int, ...], ...]


def encode_picture(
    pixels: np.ndarray, tables: Tables, subsampling: str, *, progressive: bool, stored_as_rgb: bool
) -> list[bytes]:
    """Return what lies between start and end of a JPEG file of these pixels, (h, w, c) uint8, in pieces.

    `tables` are the quantisation tables, one a component; steps above 255 become 255. Large pictures are never
    progressive. Raises EncodingError.
    """
    height, width, channels = pixels.shape
    # The encoder lets the last table serve all components that follow.
    given = [[min(step, COARSEST_STEP) for step in table] for table in tables]
    while len(given) > 1 and given[-1] == given[-2]:
        given.pop()
    options = {
        "qtables": given,
        "subsampling": subsampling if channels == 3 else "4:4:4",
        "keep_rgb": stored_as_rgb,
    }
    if height * width > MOST_WITH_OWN_CODES_PX:
        return _in_bands(pixels, options)
    return [split_jpeg(_encoded(pixels, options | {"progressive": progressive, "optimize": True})).coding]


def _in_bands(pixels: np.ndarray, options: dict[str, object]) -> list[bytes]:
    """Return the same, coded band by band: each begins anew, as behind the restart markers that are between them."""
    height, width, _ = pixels.shape
    pieces: list[bytes] = []
    for number, rows in enumerate(bands(height, BAND_ROWS)):
        coding = split_jpeg(_encoded(pixels[rows], options)).coding
        scan = _scan_begin(coding)
        if number == 0:
            across, down = SQUARE_PX[str(options["subsampling"])]
            squares = -(-width // across) * (BAND_ROWS // down)
            interval = struct.pack(">BBHH", 0xFF, 0xDD, 4, squares)
            pieces += [interval, _with_height(coding[:scan], height), coding[scan:]]
        else:
            length = int.from_bytes(coding[scan + 2 : scan + 4], "big")
            pieces += [bytes((0xFF, 0xD0 + (number - 1) % RESTARTS)), coding[scan + 2 + length :]]
    return pieces


def _scan_begin(coding: bytes) -> int:
    file = io.BytesIO(coding)
    for marker, payload in walk_segments(file):
        if marker == START_OF_SCAN:
            return file.tell() - len(payload) - 4
    raise EncodingError("its picture cannot be encoded", "Use another `format`.")


def _with_height(tables: bytes, height: int) -> bytes:
    """Return the tables before a scan with another height in their frame header."""
    file = io.BytesIO(tables)
    for marker, payload in walk_segments(file):
        if marker in FRAMES:
            place = file.tell() - len(payload) + 1  # behind the bits of a sample
            return tables[:place] + struct.pack(">H", height) + tables[place + 2 :]
    raise EncodingError("its picture cannot be encoded", "Use another `format`.")


def _encoded(pixels: np.ndarray, options: dict[str, object]) -> bytes:
    """Return a JPEG file of these pixels."""
    height, width, channels = pixels.shape
    image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    buffer = io.BytesIO()
    at_once = options.get("optimize") or options.get("progressive")
    try:
        with _roomy_encoder_buffer(height * width * WORST_BYTES_PER_PIXEL) if at_once else nullcontext():
            image.save(buffer, "JPEG", **options)
    except CODEC_ERRORS as error:
        raise EncodingError(
            f"its picture cannot be encoded ({error})", "Free some memory and run again."
        ) from error
    return buffer.getvalue()


@contextmanager
def _roomy_encoder_buffer(needed_bytes: int) -> Iterator[None]:
    """Let Pillow's encoder have a buffer for the whole picture while the block runs.

    With `optimize` or `progressive` libjpeg writes all at once, and fails on fine tables and busy pictures
    when the result does not fit the two bytes a pixel that Pillow allows for. The module constant is the only
    handle there is. Memory that is not written to is never really taken.
    """
    with _encoder_buffer:
        before = ImageFile.MAXBLOCK
        ImageFile.MAXBLOCK = max(before, min(needed_bytes + (1 << 16), (1 << 31) - 1))
        try:
            yield
        finally:
            ImageFile.MAXBLOCK = before


def encoder_bytes(samples: int, sample_bytes: int) -> int:
    """Return the memory that writing takes: Pillow's copy, the file, and all coefficients where codes are its own."""
    return int(samples * (3.2 if samples <= 3 * MOST_WITH_OWN_CODES_PX else 0.6))
