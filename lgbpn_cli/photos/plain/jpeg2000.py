"""JPEG 2000 pictures of 8 to 16 bits, with EXIF, XMP and colour profile (ISO/IEC 15444-1, annexes A and I)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from lgbpn_cli.photos.codec import Codec, Size, bytes_of
from lgbpn_cli.photos.contents import GAP_WORDS, gap_in
from lgbpn_cli.photos.depth import over_whole_range
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError, check_size
from lgbpn_cli.photos.heif.boxes import top_level_boxes
from lgbpn_cli.photos.metadata.colour_description import ColourDescription
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import UPRIGHT, exif_orientation
from lgbpn_cli.photos.photo import Container, Metadata, Photo

SIGNATURE_BOX = b"\0\0\0\x0cjP  "
CODESTREAM = b"\xff\x4f\xff\x51"
END = b"\xff\xd9"
SIZE_BYTES = 43
SQUARE_PX = 32
WORKING_BYTES, COPIES = 4, 3
"""What the decoder takes for each sample beside the sample, and how often the file's own bytes are held."""
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_UUID = b"JpgTiffExif->JP2"
ENUMERATED, PROFILES = 1, (2, 3)
SRGB, GREY = 16, 17
OTHER_COLOURS = {12: "CMYK", 14: "Lab", 18: "YCbCr"}


class Jpeg2000Container(Container):
    """Such files are never written; this marks a photo that has to become another type."""


@dataclass(frozen=True)
class _Size:
    width: int
    height: int
    channels: int
    bits: int


def read_jpeg2000(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a JPEG 2000 file or bare codestream.

    Raises DamagedFileError, also for a truncated file, and UnsupportedFileError for other colours and depths.
    """
    file.seek(0)
    data = file.read()
    boxes = [] if data.startswith(CODESTREAM) else list(_boxes(data))
    codestream = data if not boxes else next((contents for kind, contents in boxes if kind == b"jp2c"), b"")
    size = _size(codestream)
    check_size(size.width, size.height, max_pixels)
    if not codestream.rstrip(b"\0").endswith(END):
        raise DamagedFileError("it ends before its picture does: the file is truncated")
    icc = _profile(boxes)
    samples = _decode(data, size)
    colours = 1 if samples.shape[2] <= 2 else 3
    damaged = gap_in(codestream.rstrip(b"\0")) and not _has_even_square(samples)
    exif, xmp = (_in_uuid(boxes, name) for name in (EXIF_UUID, XMP_UUID))
    profile = ColourDescription(icc=icc, exif=exif).profile(colours)
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(samples[..., :colours]),
        alpha=samples[..., colours].copy() if samples.shape[2] > colours else None,
        format="jp2",
        orientation=UPRIGHT if exif is None else exif_orientation(exif),
        container=Jpeg2000Container(),
        metadata=Metadata(exif=exif, xmp=xmp, icc=profile),
        linear=is_linear(profile),
        damage=(GAP_WORDS,) if damaged else (),
    )


def _has_even_square(samples: np.ndarray) -> bool:
    """Return whether a square of the picture has one value, as blank paper has: zeros stand for many of them."""
    height, width, channels = samples.shape
    whole = samples[: height - height % SQUARE_PX, : width - width % SQUARE_PX]
    if not whole.size:
        return False
    squares = whole.reshape(height // SQUARE_PX, SQUARE_PX, width // SQUARE_PX, SQUARE_PX, channels)
    return bool((squares.max(axis=(1, 3)) == squares.min(axis=(1, 3))).all(axis=-1).any())


def _size_in(file: BinaryIO) -> _Size:
    """Return what the header claims. Raises DamagedFileError, UnsupportedFileError for other depths."""
    file.seek(0)
    begin = 0
    if file.read(len(CODESTREAM)) != CODESTREAM:
        begin = next((begin for kind, begin, _ in top_level_boxes(file) if kind == b"jp2c"), 0)
    file.seek(begin)
    return _size(file.read(SIZE_BYTES))


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give kind and contents of the boxes, those of the header's box among them."""
    for kind, begin, end in top_level_boxes(io.BytesIO(data)):
        yield kind, data[begin:end]
        if kind == b"jp2h":
            inner = data[begin:end]
            yield from ((kind, inner[first:last]) for kind, first, last in top_level_boxes(io.BytesIO(inner)))


def _size(codestream: bytes) -> _Size:
    if len(codestream) < SIZE_BYTES or not codestream.startswith(CODESTREAM):
        raise DamagedFileError("it holds no picture")
    right, bottom, left, top = struct.unpack_from(">4I", codestream, 8)
    channels, depth = struct.unpack_from(">HB", codestream, 40)
    bits = (depth & 0x7F) + 1
    if depth & 0x80 or bits > 16 or channels > 4:
        raise UnsupportedFileError(f"a JPEG 2000 of {channels} channels of {bits} bits")
    return _Size(max(0, right - left), max(0, bottom - top), channels, bits)


def _profile(boxes: list[tuple[bytes, bytes]]) -> bytes | None:
    for kind, contents in boxes:
        if kind != b"colr" or len(contents) < 3:
            continue
        if contents[0] in PROFILES:
            return contents[3:]
        code = int.from_bytes(contents[3:7], "big")
        if contents[0] == ENUMERATED and code in OTHER_COLOURS:
            raise UnsupportedFileError(f"a JPEG 2000 with {OTHER_COLOURS[code]} colours")
    return None


def _decode(data: bytes, size: _Size) -> np.ndarray:
    try:
        samples: np.ndarray = imagecodecs.jpeg2k_decode(data)
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[:2] != (size.height, size.width) or samples.dtype not in (np.uint8, np.uint16):
        raise DamagedFileError("its picture is not what its header claims")
    if samples.dtype == np.uint16:
        return over_whole_range(samples, size.bits)
    if size.bits < 8:
        levels = samples.astype(np.uint16) * 255 // ((1 << size.bits) - 1)
        return levels.astype(np.uint8)
    return samples


def _in_uuid(boxes: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    for kind, contents in boxes:
        if kind == b"uuid" and contents.startswith(name):
            return contents[len(name) :] or None
    return None


def _claim(file: BinaryIO, path: Path) -> Size:
    size = _size_in(file)
    pixels, sample_bytes = size.width * size.height, 1 if size.bits <= 8 else 2
    needed = pixels * size.channels * (WORKING_BYTES + sample_bytes) + COPIES * bytes_of(file)
    return Size(pixels, needed, 3 if size.channels > 2 else 1, sample_bytes)


JPEG2000 = Codec(
    name="jp2",
    endings=(".jp2", ".j2k", ".j2c", ".jpf", ".jpx"),
    signatures=(SIGNATURE_BOX, CODESTREAM),
    size=_claim,
    read=read_jpeg2000,
    becomes="png",
    announced_as="JPEG 2000",
)
