"""BMP and Targa pictures: 8 bits, and nothing beside them but pixels."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL.BmpImagePlugin import BmpImageFile, DibImageFile
from PIL.TgaImagePlugin import TgaImageFile

from lgbpn_cli.photos.codec import Codec, Size
from lgbpn_cli.photos.faults import (
    BLACK_AND_WHITE,
    CODEC_ERRORS,
    DamagedFileError,
    UnsupportedFileError,
    check_size,
)
from lgbpn_cli.photos.metadata.orientation import UPRIGHT
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.pillow_limit import pillow_without_limit

BMP_SIGNATURE = b"BM"
HEADER_LENGTHS = frozenset({12, 40, 52, 56, 64, 108, 124})
"""Of the headers below a BMP's own, by which they are told apart."""
BYTES_A_PIXEL = 10
"""Memory that reading takes."""
CHANNELS = {"L": 1, "LA": 1, "RGB": 3, "RGBA": 3}
PALETTES = {"P": "RGB", "PA": "RGBA"}
TGA_KINDS, TGA_DEPTHS = frozenset({1, 2, 3, 9, 10, 11}), frozenset({8, 15, 16, 24, 32})


class BitmapContainer(Container):
    """Such files are never written; this marks a photo that has to become another type."""


def is_tga(head: bytes) -> bool:
    """Return whether a file can be a Targa, which has no signature: its header has to make sense."""
    return len(head) >= 12 and head[1] in (0, 1) and head[2] in TGA_KINDS and head[7] in (0, *TGA_DEPTHS)


def is_dib(head: bytes) -> bool:
    """Return whether a file can be a BMP without its file header, as clipboards and resources hold it."""
    return len(head) >= 4 and int.from_bytes(head[:4], "little") in HEADER_LENGTHS


def read_bmp(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a BMP. Raises DamagedFileError, UnsupportedFileError for black and white of 1 bit."""
    return _read(file, path, max_pixels, "bmp")


def read_tga(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a Targa. Raises as `read_bmp` does."""
    return _read(file, path, max_pixels, "tga")


def bitmap_pixels(file: BinaryIO, kind: str) -> int:
    """Return how many pixels the header claims. Raises DamagedFileError, UnsupportedFileError as `read_bmp` does."""
    try:
        with pillow_without_limit():
            image = _opened(file, kind)
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its header makes no sense ({error})") from error
    if image.mode not in CHANNELS and image.mode not in PALETTES:
        raise UnsupportedFileError(BLACK_AND_WHITE)
    width, height = image.size
    return int(width * height)


def _opened(file: BinaryIO, kind: str) -> BmpImageFile | TgaImageFile:
    file.seek(0)
    if kind == "tga":
        return TgaImageFile(file)
    has_own_header = file.read(len(BMP_SIGNATURE)) == BMP_SIGNATURE
    file.seek(0)
    return BmpImageFile(file) if has_own_header else DibImageFile(file)


def _read(file: BinaryIO, path: Path, max_pixels: int, kind: str) -> Photo:
    try:
        with pillow_without_limit():
            image = _opened(file, kind)
            check_size(*image.size, max_pixels)
            picture = image.convert(PALETTES[image.mode]) if image.mode in PALETTES else image
            samples = np.array(picture)
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    if picture.mode not in CHANNELS:
        raise UnsupportedFileError(BLACK_AND_WHITE)
    samples = samples.reshape(*samples.shape[:2], -1)
    colours = CHANNELS[picture.mode]
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(samples[..., :colours]),
        alpha=samples[..., colours].copy() if samples.shape[2] > colours else None,
        format=kind,
        orientation=UPRIGHT,
        container=BitmapContainer(),
    )


def _claim(file: BinaryIO, kind: str) -> Size:
    pixels = bitmap_pixels(file, kind)
    return Size(pixels, pixels * BYTES_A_PIXEL)


BMP = Codec(
    name="bmp",
    endings=(".bmp", ".dib"),
    signatures=(BMP_SIGNATURE,),
    may_be=is_dib,
    size=lambda file, path: _claim(file, "bmp"),
    read=read_bmp,
    becomes="png",
    announced_as="BMP",
)
TGA = Codec(
    name="tga",
    endings=(".tga",),
    may_be=is_tga,
    size=lambda file, path: _claim(file, "tga"),
    read=read_tga,
    becomes="png",
    announced_as="Targa",
)
