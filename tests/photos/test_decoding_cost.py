"""Bombs: small files that would take all memory or time there is are told from their headers."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_samples import smooth
from PIL import Image

from lgbpn_cli.errors import PhotoReadError
from lgbpn_cli.photos.jpeg.segments import MAX_SCANS, SCAN_END, START_OF_SCAN
from lgbpn_cli.photos.read import read_photo

MEGABYTE_BYTES = 1_000_000


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def empty_png(path: Path, side: int) -> Path:
    """16-bit RGBA, all zeros: a thousandth of its size when packed."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 8 * side)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    parts = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", packed), png_chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def many_pages(path: Path) -> Path:
    with tifffile.TiffWriter(path) as writer:
        for _ in range(60):
            writer.write(
                np.zeros((600, 600, 3), np.uint16), photometric="rgb", compression="zlib", metadata=None
            )
    return path


def empty_webp(path: Path) -> Path:
    Image.new("RGB", (6000, 4000)).save(path, lossless=True, method=0)
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "a.png": lambda path: empty_png(path, 2500),
    "a.tif": many_pages,
    "a.webp": empty_webp,
}


@pytest.mark.parametrize("name", MAKERS)
def test_what_does_not_fit_into_memory_is_refused_unread(tmp_path: Path, name: str) -> None:
    path = MAKERS[name](tmp_path / name)
    start = time.process_time()
    with pytest.raises(
        PhotoReadError, match=r"needs about \d+ MB of memory|cannot hold a photo of 24 megapixels"
    ):
        read_photo(path, max_bytes=90 * MEGABYTE_BYTES)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("name", ["jpeg_396mp.jpg", "jpegprog_396mp.jpg", "webp_268mp.webp"])
def test_a_few_bytes_are_no_photo_of_hundreds_of_megapixels(data_root: Path, name: str) -> None:
    with pytest.raises(PhotoReadError, match="bytes cannot hold a photo of"):
        read_photo(data_root / "cases/oom_34_bytes" / name)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif"])
def test_a_photo_fits_into_the_memory_it_is_said_to_need(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(smooth(200, 300)).save(path)
    assert read_photo(path, max_bytes=10 * MEGABYTE_BYTES).pixels.shape == (200, 300, 3)
    with pytest.raises(PhotoReadError, match="of memory"):
        read_photo(path, max_bytes=100_000)


def test_deep_avif_counts_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(imagecodecs.avif_encode(smooth(200, 300).astype(np.uint16) << 2, bitspersample=10))
    with pytest.raises(PhotoReadError, match="of memory"):
        read_photo(path, max_bytes=1_000_000)


def test_a_jpeg_of_endless_scans_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(smooth(64, 64)).save(path, progressive=True)
    data = path.read_bytes()
    begin = data.rindex(bytes([0xFF, START_OF_SCAN]))
    end = SCAN_END.search(data, begin + 2)
    assert end is not None
    path.write_bytes(data[:begin] + data[begin : end.start()] * (MAX_SCANS + 1) + data[end.start() :])
    with pytest.raises(PhotoReadError, match=f"more than {MAX_SCANS} scans"):
        read_photo(path)


def test_a_jpeg_with_too_little_data_is_known_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(smooth(64, 64)).save(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", 2000, 2000)))
    with pytest.raises(PhotoReadError, match="too little data for its size"):
        read_photo(path)
