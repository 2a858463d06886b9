"""Linear DNG: camera RGB after demosaicing, which raw developers treat like a raw file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import imagecodecs
import numpy as np

from lgbpn_cli.photos.faults import CODEC_ERRORS, EncodingError
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.exif import (
    BYTE,
    SOFTWARE,
    Tag,
    blob,
    header,
    longs,
    pack_directory,
    rationals,
    shorts,
    split_exif,
    text,
)
from lgbpn_cli.photos.metadata.orientation import ORIENTATION_TAG
from lgbpn_cli.photos.photo import Camera, Container, Photo
from lgbpn_cli.photos.raw.camera_colour import render
from lgbpn_cli.photos.tiff.metadata import IPTC_TAG, MARK_TAG, XMP_TAG, describes_raw

TILE_PX = 512
PREVIEW_PX = 640
"""Longer side of the small picture that file managers show."""
JPEG_COMPRESSION = 7
LINEAR_RAW = 34892
COLOUR_MATRIX, AS_SHOT_NEUTRAL, ILLUMINANT, CAMERA_MODEL = 50721, 50728, 50778, 50708
D65 = 21
AS_SHOT_WHITE = 50729
LARGEST_FILE_BYTES = 1 << 32


@dataclass(frozen=True)
class DngContainer(Container):
    """Marks a raw photo that is to become a DNG; all that is needed is in its camera and metadata."""


def write_dng(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write camera RGB as a linear DNG of 16 bits, compressed without loss. Raises EncodingError."""
    camera = photo.camera
    if camera is None or photo.pixels.dtype != np.uint16:
        raise TypeError("only a camera's own pixels become a DNG")
    exif = photo.metadata.exif or header("<", 8) + pack_directory("<", [], 8)
    order, described = split_exif(exif)
    file.write(exif)
    tiles = _write_tiles(photo.pixels, file)
    raw_offset = _aligned(file)
    file.write(pack_directory(order, _raw_tags(photo.pixels, camera, tiles, order), raw_offset))
    preview = _preview(photo.pixels, camera)
    preview_offset = _aligned(file)
    file.write(preview.tobytes())
    tags = [tag for tag in described if describes_raw(tag.tag)]
    tags += _missing(tags, _camera_tags(camera, photo.orientation, order))
    tags += _preview_tags(preview, preview_offset, raw_offset, order)
    tags += [blob(50706, b"\1\4\0\0", BYTE), blob(50707, b"\1\3\0\0", BYTE)]
    xmp = photo.metadata.xmp if mark is None else mark.in_xmp(photo.metadata.xmp)
    if xmp is not None:
        tags.append(blob(XMP_TAG, xmp, BYTE))
    if photo.metadata.iptc is not None:
        tags.append(blob(IPTC_TAG, photo.metadata.iptc))
    if mark is not None:
        tags.append(text(MARK_TAG, "lgbpn " + mark.text))
        tags += _missing(tags, [text(SOFTWARE, mark.software)])
    offset = _aligned(file)
    if offset >= LARGEST_FILE_BYTES - (1 << 26):
        raise EncodingError("the result is too large for a DNG file", "Use -f png.")
    file.write(pack_directory(order, tags, offset))
    file.seek(0)
    file.write(header(order, offset))


def _write_tiles(pixels: np.ndarray, file: BinaryIO) -> list[tuple[int, int]]:
    """Return offset and length of each tile."""
    places = []
    for tile in _tiles(pixels):
        try:
            data = imagecodecs.jpeg8_encode(
                tile,
                lossless=True,
                predictor=1,
                colorspace="RGB",
                outcolorspace="RGB",
                bitspersample=16,
            )
        except CODEC_ERRORS as error:
            cause = f"its pixels cannot be encoded ({error})"
            raise EncodingError(cause, "Free some memory and run again.") from error
        places.append((_aligned(file), len(data)))
        file.write(data)
    return places


def _tiles(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Return full tiles; those at the right and lower border repeat the last pixels."""
    height, width = pixels.shape[:2]
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            tile = pixels[top : top + TILE_PX, left : left + TILE_PX]
            missing = (TILE_PX - tile.shape[0], TILE_PX - tile.shape[1])
            yield np.pad(tile, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _raw_tags(pixels: np.ndarray, camera: Camera, tiles: list[tuple[int, int]], order: str) -> list[Tag]:
    height, width = pixels.shape[:2]
    left, top, shown_width, shown_height = camera.crop
    return [
        longs(254, 0, order=order),
        longs(256, width, order=order),
        longs(257, height, order=order),
        shorts(258, 16, 16, 16, order=order),
        shorts(259, JPEG_COMPRESSION, order=order),
        shorts(262, LINEAR_RAW, order=order),
        shorts(277, 3, order=order),
        shorts(284, 1, order=order),
        longs(322, TILE_PX, order=order),
        longs(323, TILE_PX, order=order),
        longs(324, *(offset for offset, _ in tiles), order=order),
        longs(325, *(length for _, length in tiles), order=order),
        shorts(339, 1, 1, 1, order=order),
        longs(50714, 0, 0, 0, order=order),
        longs(50717, 65535, 65535, 65535, order=order),
        longs(50719, left, top, order=order),
        longs(50720, shown_width, shown_height, order=order),
    ]


def _preview(pixels: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the picture in sRGB, 8 bits, small: every n-th pixel after averaging in blocks."""
    step = max(1, -(-max(pixels.shape[:2]) // PREVIEW_PX))
    height, width = (max(1, side // step) for side in pixels.shape[:2])
    if step > 1 and min(pixels.shape[:2]) >= step:
        blocks = pixels[: height * step, : width * step].reshape(height, step, width, step, 3)
        small = np.rint(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint16)
    else:
        small = pixels[:height, :width]
    return (render(small, camera) // 257).astype(np.uint8)


def _preview_tags(preview: np.ndarray, offset: int, raw_offset: int, order: str) -> list[Tag]:
    height, width = preview.shape[:2]
    return [
        longs(254, 1, order=order),
        longs(256, width, order=order),
        longs(257, height, order=order),
        shorts(258, 8, 8, 8, order=order),
        shorts(259, 1, order=order),
        shorts(262, 2, order=order),
        longs(273, offset, order=order),
        shorts(277, 3, order=order),
        longs(278, height, order=order),
        longs(279, preview.nbytes, order=order),
        shorts(284, 1, order=order),
        longs(330, raw_offset, order=order),
    ]


def _camera_tags(camera: Camera, orientation: int, order: str) -> list[Tag]:
    name = camera.model if camera.model.startswith(camera.make) else f"{camera.make} {camera.model}"
    matrix = [value for row in camera.from_xyz for value in row]
    return [
        text(271, camera.make or "unknown"),
        text(272, camera.model or "unknown"),
        shorts(ORIENTATION_TAG, orientation, order=order),
        text(CAMERA_MODEL, name.strip() or "unknown"),
        rationals(COLOUR_MATRIX, *matrix, order=order, signed=True),
        rationals(AS_SHOT_NEUTRAL, *(1 / gain for gain in camera.gains), order=order),
        shorts(ILLUMINANT, D65, order=order),
    ]


def _missing(tags: list[Tag], others: list[Tag]) -> list[Tag]:
    """Return those of the other tags that are not there yet; a DNG's own colours come in one piece."""
    present = {tag.tag for tag in tags}
    if COLOUR_MATRIX in present:
        present.add(ILLUMINANT)
    if AS_SHOT_WHITE in present:
        present.add(AS_SHOT_NEUTRAL)
    return [tag for tag in others if tag.tag not in present]


def _aligned(file: BinaryIO) -> int:
    """Return the current position after making it even."""
    if file.tell() % 2:
        file.write(b"\0")
    return file.tell()
