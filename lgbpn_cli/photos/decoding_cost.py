"""What memory a decoder will need for a photo, copies included: told from its header, before any of it is taken.

The bytes a pixel were measured as the most that this program occupied while it read photos of 6 to 24 megapixels;
`benchmarks/reading.py` measures them again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.heif.items import largest_pixels
from lgbpn_cli.photos.heif.webp_avif import webp_size
from lgbpn_cli.photos.jpeg.segments import FRAMES, START, parse_frame, walk_segments
from lgbpn_cli.photos.jxl.codec import jxl_pixels
from lgbpn_cli.photos.plain.bitmap import bitmap_pixels
from lgbpn_cli.photos.plain.jpeg2000 import jpeg2000_pixels
from lgbpn_cli.photos.png.chunks import HEADER_BYTES, PALETTE, SAMPLES, read_header
from lgbpn_cli.photos.raw.reader import raw_megapixels
from lgbpn_cli.photos.tiff.directory import Directory, read_directories, read_integers

JPEG_BYTES = {1: 3, 3: 11}
"""A pixel of each number of colours, where the picture is damaged: decoded twice and compared."""
PROGRESSIVE_BYTES = 2
"""More for each sample: its coefficients stay until the last scan."""
WEBP_BYTES, AVIF_BYTES, HEIF_BYTES, RAW_BYTES, JXL_BYTES = 22, 27, 20, 38, 40
JPEG2000_BYTES, BITMAP_BYTES = 40, 16
COPIES = 3
"""Of the file's own bytes, or parts of it."""
LARGEST_NOTHING_PX = 10_000_000
MOST_PIXELS_A_BYTE = 10_000
"""No photo comes near; a picture of one colour does."""


@dataclass(frozen=True)
class Cost:
    """What a picture claims."""

    pixels: int
    needed_bytes: int


def check_cost(file: BinaryIO, kind: str, path: Path, max_pixels: int, max_bytes: int | None) -> Cost:
    """Return what a file of that kind, a format's name or raw, claims, if it is within `max_bytes` (None: any number).

    What has more than `max_pixels` is left to its reader. Raises DamagedFileError.
    """
    file_bytes = os.fstat(file.fileno()).st_size
    cost = COSTS[kind](file, path)
    file.seek(0)
    if cost.pixels > max_pixels:
        return cost
    if cost.pixels > LARGEST_NOTHING_PX and cost.pixels > MOST_PIXELS_A_BYTE * file_bytes:
        raise DamagedFileError(
            f"a file of {file_bytes} bytes cannot hold a photo of {cost.pixels / 1e6:.0f} megapixels",
            "It is empty, or made to exhaust memory: skip it.",
        )
    if max_bytes is not None and cost.needed_bytes > max_bytes:
        raise DamagedFileError(
            f"reading its {cost.pixels / 1e6:.0f} megapixels needs about {_amount(cost.needed_bytes)} of memory, and "
            f"{_amount(max_bytes)} is available",
            "Close other programs, allow more memory, or skip it.",
        )
    return cost


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _jpeg(file: BinaryIO, path: Path) -> Cost:
    file.seek(len(START))
    for marker, payload in walk_segments(file):
        if marker in FRAMES:
            frame = parse_frame(marker, payload)
            pixels, count = frame.width * frame.height, len(frame.components)
            kept = PROGRESSIVE_BYTES * count if frame.progressive else 0
            return Cost(pixels, pixels * (JPEG_BYTES.get(count, 0) + kept) + COPIES * _bytes_of(file))
    return Cost(0, 0)


def _png(file: BinaryIO, path: Path) -> Cost:
    header = read_header(file.read(HEADER_BYTES))
    samples = 4 if header.colour_type == PALETTE else SAMPLES[header.colour_type]
    pixels = header.width * header.height
    return Cost(pixels, 2 * pixels * samples * max(1, header.depth // 8) + COPIES * _bytes_of(file))


def _tiff(file: BinaryIO, path: Path) -> Cost:
    """Count all pages, the largest of them twice more: a strip may be a whole page, and predictors need another."""
    pages = [_page(file, directory) for directory in read_directories(file, _bytes_of(file))]
    pixels = max(pixels for pixels, _ in pages)
    largest = max(size for _, size in pages)
    return Cost(pixels, sum(size for _, size in pages) + 2 * largest + min(_bytes_of(file), largest))


def _page(file: BinaryIO, directory: Directory) -> tuple[int, int]:
    """Return pixels and bytes of a page's samples."""

    def value(tag: int) -> int:
        entry = directory.find(tag)
        values = () if entry is None else read_integers(file, directory, entry)
        return max(values, default=1)

    pixels = value(256) * value(257)
    return pixels, pixels * value(277) * max(1, value(258) // 8)


def _webp(file: BinaryIO, path: Path) -> Cost:
    width, height = webp_size(file)
    return Cost(width * height, width * height * WEBP_BYTES + COPIES * _bytes_of(file))


def _boxes(bytes_per_pixel: int) -> Callable[[BinaryIO, Path], Cost]:
    def cost(file: BinaryIO, path: Path) -> Cost:
        pixels = largest_pixels(file)
        return Cost(pixels, pixels * bytes_per_pixel + COPIES * _bytes_of(file))

    return cost


def _jxl(file: BinaryIO, path: Path) -> Cost:
    pixels = jxl_pixels(file)
    return Cost(pixels, pixels * JXL_BYTES + COPIES * _bytes_of(file))


def _jpeg2000(file: BinaryIO, path: Path) -> Cost:
    pixels = jpeg2000_pixels(file)
    return Cost(pixels, pixels * JPEG2000_BYTES + COPIES * _bytes_of(file))


def _bitmap(kind: str) -> Callable[[BinaryIO, Path], Cost]:
    def cost(file: BinaryIO, path: Path) -> Cost:
        pixels = bitmap_pixels(file, kind)
        return Cost(pixels, pixels * BITMAP_BYTES + _bytes_of(file))

    return cost


def _raw(file: BinaryIO, path: Path) -> Cost:
    pixels = round((raw_megapixels(path) or 0.0) * 1e6)
    return Cost(pixels, pixels * RAW_BYTES + _bytes_of(file))


def _bytes_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


COSTS: dict[str, Callable[[BinaryIO, Path], Cost]] = {
    "jpeg": _jpeg,
    "png": _png,
    "tiff": _tiff,
    "webp": _webp,
    "avif": _boxes(AVIF_BYTES),
    "heif": _boxes(HEIF_BYTES),
    "jxl": _jxl,
    "jp2": _jpeg2000,
    "bmp": _bitmap("bmp"),
    "tga": _bitmap("tga"),
    "raw": _raw,
}
"""By the names of formats, and raw."""
