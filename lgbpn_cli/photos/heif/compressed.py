"""WebP and AVIF among the other kinds of photo files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.codec import NEW_FILE_QUALITY, Codec, NewFiles, Size, by_sample, bytes_of, exif_of_blob
from lgbpn_cli.photos.heif.items import coding_of, largest_pixels
from lgbpn_cli.photos.heif.webp_avif import (
    CompressedContainer,
    read_avif,
    read_avif_mark,
    read_webp,
    read_webp_mark,
    webp_exif,
    webp_size,
    write_avif,
    write_webp,
)
from lgbpn_cli.photos.photo import Container, Photo

WEBP_BYTES, COPIES = 22, 3
"""Memory that reading takes for a pixel, and how often the file's own bytes are held."""
AVIF_BYTES, AVIF_GREY_BYTES = {1: 15, 2: 22}, {1: 5, 2: 9}
"""The same by how many bytes a sample has."""


def _webp_claim(file: BinaryIO, path: Path) -> Size:
    width, height = webp_size(file)
    return Size(width * height, width * height * WEBP_BYTES + COPIES * bytes_of(file))


def _webp_exif(file: BinaryIO, path: Path) -> Image.Exif:
    return exif_of_blob(webp_exif(file))


def _avif_claim(file: BinaryIO, path: Path) -> Size:
    pixels, coding = largest_pixels(file), coding_of(file)
    bytes_a_pixel = (AVIF_GREY_BYTES if coding.is_grey else AVIF_BYTES)[coding.sample_bytes]
    needed = pixels * bytes_a_pixel + COPIES * bytes_of(file)
    return Size(pixels, needed, 1 if coding.is_grey else 3, coding.sample_bytes)


def new_container(
    photo: Photo, output: OutputConfig, kind: str
) -> tuple[CompressedContainer, tuple[str, ...]]:
    """Return how a photo becomes a new WebP or AVIF, which hold all metadata but IPTC: as it was, if it was one."""
    own = photo.container
    if isinstance(own, CompressedContainer) and output.jpeg_quality is None and photo.format == kind:
        return own, ()
    return CompressedContainer(lossless=False, quality=output.jpeg_quality or NEW_FILE_QUALITY), ()


def adapted_container(photo: Photo, output: OutputConfig) -> Container | None:
    """Return the container of a WebP or AVIF with another quality, where the options ask for it."""
    own = photo.container
    if output.jpeg_quality is None or not isinstance(own, CompressedContainer):
        return own
    return replace(own, lossless=False, quality=output.jpeg_quality)


WEBP = Codec(
    name="webp",
    endings=(".webp",),
    signatures=(b"WEBP",),
    place=8,
    size=_webp_claim,
    mark=read_webp_mark,
    exif=_webp_exif,
    read=read_webp,
    new=NewFiles(
        write=write_webp,
        encoder_bytes=by_sample(6.5, 0.0),
        longest_side_px=16_383,
        container=partial(new_container, kind="webp"),
        grey=False,
        quality=True,
        alone=True,
        adapted=adapted_container,
    ),
)
AVIF = Codec(
    name="avif",
    endings=(".avif",),
    signatures=(b"ftypavif", b"ftypavis"),
    place=4,
    size=_avif_claim,
    mark=read_avif_mark,
    read=read_avif,
    # 10 of 16 bits; not beside transparency, which the writer of such files does not know.
    new=NewFiles(
        write=write_avif,
        encoder_bytes=by_sample(14.0, 15.2),
        longest_side_px=32_768,
        container=partial(new_container, kind="avif"),
        bits=16,
        bits_beside_alpha=8,
        grey_beside_alpha=False,
        quality=True,
        alone=True,
        adapted=adapted_container,
    ),
)
