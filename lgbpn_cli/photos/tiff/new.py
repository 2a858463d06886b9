"""New TIFF files, for photos that were something else: 8 or 16 bits or floats, deflated, with EXIF, XMP and profile.

They begin with the EXIF blob as it is, so that maker notes, which count from the file's beginning, stay right.

Written by hand: tifffile refuses the pointers to EXIF and GPS among its `extratags` ("not writing extratag 34665"), so
exposure, lens and place would be lost, and it claims a resolution of 1 where a photo has none. Its directory would have
to be written a second time to put that right, by the same code that writes the only one here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from lgbpn_cli.photos.faults import EncodingError
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.exif import (
    BYTE,
    SOFTWARE,
    blob,
    header,
    longs,
    pack_directory,
    shorts,
    split_exif,
    text,
)
from lgbpn_cli.photos.metadata.orientation import ORIENTATION_TAG
from lgbpn_cli.photos.metadata.thumbnail import in_xmp, without_thumbnail
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.tiff.blocks import encode_block
from lgbpn_cli.photos.tiff.layout import DEFLATE, DIFFERENCES, FLOAT_DIFFERENCES, Block, Layout
from lgbpn_cli.photos.tiff.metadata import ICC_TAG, IPTC_TAG, MARK_TAG, XMP_TAG, describes_photo

STRIP_BYTES = 1 << 20
UNASSOCIATED_ALPHA = 2
SAMPLE_FORMAT_TAG, FLOATING = 339, 3
LARGEST_FILE_BYTES = (1 << 32) - (1 << 26)


@dataclass(frozen=True)
class NewTiffContainer(Container):
    """Marks a photo of another kind that is to become a TIFF; its metadata are all that is needed."""


def write_new_tiff(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write the photo as a TIFF that begins with its EXIF blob, so that all positions inside stay true.

    Raises EncodingError when it grows beyond what a TIFF can hold.
    """
    metadata = photo.metadata
    exif = without_thumbnail(metadata.exif or header("<", 8) + pack_directory("<", [], 8))
    order, described = split_exif(exif)
    file.write(exif)
    samples = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    layout = _layout(samples, photo.pixels.shape[2], order)
    places = []
    for block in layout.blocks:
        data = encode_block(samples, block, layout)
        places.append((_aligned(file), len(data)))
        file.write(data)
        if file.tell() > LARGEST_FILE_BYTES:
            raise EncodingError("the result is too large for a TIFF file", "Use `format=png`.")
    tags = [tag for tag in described if describes_photo(tag.tag) and tag.tag != ORIENTATION_TAG]
    tags += [
        longs(256, layout.width, order=order),
        longs(257, layout.height, order=order),
        shorts(258, *[layout.bits] * layout.samples, order=order),
        shorts(259, DEFLATE, order=order),
        shorts(262, 2 if layout.colours == 3 else 1, order=order),
        longs(273, *(offset for offset, _ in places), order=order),
        shorts(ORIENTATION_TAG, photo.orientation, order=order),
        shorts(277, layout.samples, order=order),
        longs(278, layout.block_rows, order=order),
        longs(279, *(length for _, length in places), order=order),
        shorts(284, 1, order=order),
        shorts(317, layout.predictor, order=order),
    ]
    if layout.floating:
        tags.append(shorts(SAMPLE_FORMAT_TAG, *[FLOATING] * layout.samples, order=order))
    if layout.samples > layout.colours:
        tags.append(shorts(338, UNASSOCIATED_ALPHA, order=order))
    xmp = metadata.xmp if mark is None else mark.in_xmp(metadata.xmp)
    xmp = in_xmp(xmp)
    if xmp is not None:
        tags.append(blob(XMP_TAG, xmp, BYTE))
    if metadata.iptc is not None:
        tags.append(blob(IPTC_TAG, metadata.iptc))
    if metadata.icc is not None:
        tags.append(blob(ICC_TAG, metadata.icc))
    if mark is not None:
        tags.append(text(MARK_TAG, "lgbpn " + mark.text))
        if all(tag.tag != SOFTWARE for tag in tags):
            tags.append(text(SOFTWARE, mark.software))
    offset = _aligned(file)
    file.write(pack_directory(order, tags, offset))
    file.seek(0)
    file.write(header(order, offset))


def _layout(samples: np.ndarray, colours: int, order: str) -> Layout:
    height, width, count = samples.shape
    rows = max(1, min(height, STRIP_BYTES // (width * count * samples.dtype.itemsize)))
    blocks = tuple(Block(top, 0, min(rows, height - top), width, 0, 0, 0) for top in range(0, height, rows))
    return Layout(
        width=width, height=height, samples=count, colours=colours, bits=samples.dtype.itemsize * 8,
        order=order, compression=DEFLATE,
        predictor=FLOAT_DIFFERENCES if samples.dtype == np.float32 else DIFFERENCES,
        floating=samples.dtype == np.float32, white_is_zero=False, separate=False,
        block_rows=rows, block_columns=width, tiled=False, blocks=blocks,
    )  # fmt: skip


def _aligned(file: BinaryIO) -> int:
    """Return the current position after making it even."""
    if file.tell() % 2:
        file.write(b"\0")
    return file.tell()
