"""Samples of a DNG decoded by tifffile, where LibRaw would change them or cannot read them."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError, check_size
from lgbpn_cli.photos.raw.directories import COMPRESSION, UNCOMPRESSED
from lgbpn_cli.photos.tiff.directory import Directory

STRIPS, TILES = (273, 278, 279), (324, 323, 325)
"""Tags of where the samples lie, how many rows each part has, and how many bytes."""
TILE_WIDTH, PREDICTOR, NO_PREDICTOR = 322, 317, 1
LONG = 4


@contextmanager
def page_at(path: Path, offset: int) -> Iterator[Any]:
    """Return the `tifffile.TiffPage` whose directory lies there. Raises DamagedFileError where it cannot be decoded."""
    import tifffile  # here, for few photos need it

    try:
        with tifffile.TiffFile(path) as tiff:
            found = [page for page in _all_pages(tiff.pages) if page.offset == offset]
            if not found:
                raise DamagedFileError("its samples are in a directory that makes no sense")
            if math.prod(found[0].chunked) != len(found[0].dataoffsets):
                raise DamagedFileError("the number of its strips or tiles does not fit its pixels")
            yield found[0]
    except (*CODEC_ERRORS, tifffile.TiffFileError) as error:
        raise DamagedFileError(f"its samples cannot be decoded ({error})") from error


def _all_pages(pages: Any) -> list[Any]:
    found = []
    for page in pages or ():
        found.append(page)
        found += _all_pages(page.pages) if page.subifds else []
    return found


def inflated(path: Path, directory: Directory, max_pixels: int) -> bytes:
    """Return a DNG of whole numbers compressed by deflate as LibRaw reads it: its samples behind it, as they are.

    `directory` is that of its samples. Raises DamagedFileError, UnsupportedFileError for other than 8 or 16 bits.
    """
    with page_at(path, directory.offset) as page:
        check_size(page.imagewidth, page.imagelength, max_pixels)
        if page.bitspersample not in (8, 16) or page.planarconfig != 1:
            cause = f"a DNG of {page.bitspersample} bits a sample compressed by deflate"
            raise UnsupportedFileError(cause, "Convert it with Adobe's DNG Converter.")
        samples = np.asarray(page.asarray(maxworkers=1))
    samples = samples.astype(np.dtype(directory.order + samples.dtype.str[1:]), copy=False)
    data = bytearray(path.read_bytes())
    data += bytes(len(data) % 2)
    height, width = samples.shape[:2]
    offsets, rows, lengths = TILES if directory.find(TILES[0]) is not None else STRIPS
    said = {offsets: len(data), rows: height, lengths: samples.nbytes, TILE_WIDTH: width}
    said |= {COMPRESSION: UNCOMPRESSED, PREDICTOR: NO_PREDICTOR}
    place = directory.offset + 2
    for entry in directory.entries:
        if entry.tag in said:
            data[place : place + 12] = struct.pack(
                directory.order + "HHII", entry.tag, LONG, 1, said[entry.tag]
            )
        place += 12
    return bytes(data + samples.tobytes())
