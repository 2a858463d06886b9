"""Linear DNG: camera RGB after demosaicing, which raw developers treat like a raw file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from lgbpn_cli.image.bands import in_order as results_in_order
from lgbpn_cli.photos.faults import EncodingError
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.exif import (
    BYTE,
    SOFTWARE,
    Tag,
    blob,
    doubles,
    header,
    in_order,
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
from lgbpn_cli.photos.raw.frame import SensorFrame, filter_tags
from lgbpn_cli.photos.raw.lossless_jpeg import encode_lossless
from lgbpn_cli.photos.raw.mosaic import Mosaic
from lgbpn_cli.photos.raw.noise import measure_mosaic_noise
from lgbpn_cli.photos.tiff.metadata import IPTC_TAG, MARK_TAG, XMP_TAG, describes_raw

TILE_PX = 512
THREADS = min(4, os.cpu_count() or 1)
"""Tiles encoded at a time."""
PREVIEW_PX = 640
"""Longer side of the small picture that file managers show."""
JPEG_COMPRESSION = 7
PHOTOMETRIC, LINEAR_RAW = 262, 34892
COLOUR_MATRIX, AS_SHOT_NEUTRAL, ILLUMINANT, CAMERA_MODEL = 50721, 50728, 50778, 50708
D65 = 21
COLOUR_TAGS = frozenset({COLOUR_MATRIX, AS_SHOT_NEUTRAL, ILLUMINANT})
"""Nothing for a sensor that sees grey alone."""
NOISE_REDUCTION_APPLIED = 50935
EXTRA_PROFILES = 50933
DNG_VERSION = 50706
FIRST_TAG_OF_VERSION_6 = 52525
"""Of DNG 1.6, together with ProRAW's gain table map."""
AS_SHOT_WHITE = 50729
NOISE_PROFILE = 51041
USUAL_LIGHT = (0.1, 1)
"""What a and b are multiplied with where two noises are compared: a tenth of white."""
LARGEST_FILE_BYTES = 1 << 32


@dataclass(frozen=True)
class DngContainer(Container):
    """Marks a raw photo that is to become a DNG; what else is needed is in its camera and metadata."""

    order: str = "<"
    """Byte order of `raw_tags`."""
    raw_tags: tuple[Tag, ...] = ()
    """What the source says of its samples and is true of the result's, lens opcodes among it."""
    profiles: tuple[bytes, ...] = ()
    """Further camera profiles, each a TIFF structure of its own."""
    filters: np.ndarray | None = None
    """(2, 2) uint8: the colours of a mosaic's sites, where the picture is put back on one; None: linear DNG."""
    frame: SensorFrame | None = None
    """All sites as the source has them; without it a mosaic's DNG holds the visible ones."""
    noise: tuple[float, ...] = ()
    """What the mosaic's noise was: a and b of each colour; empty: not known."""


def write_dng(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write camera RGB as a linear DNG of 16 bits, compressed without loss. Raises EncodingError."""
    camera = photo.camera
    container = photo.container
    if camera is None or photo.pixels.dtype != np.uint16 or not isinstance(container, DngContainer):
        raise TypeError("only a camera's own pixels become a DNG")
    exif = photo.metadata.exif or header("<", 8) + pack_directory("<", [], 8)
    order, described = split_exif(exif)
    file.write(exif)
    profiles = _write_blobs(container.profiles, file)
    stored, black = photo.pixels, camera.black
    about_sites: list[Tag] = []
    if container.filters is not None:
        stored, black, about_sites = _on_sites(photo.pixels, camera, container, order)
    tiles = _write_tiles(stored, black, file, in_pairs=container.filters is not None)
    raw_offset = _aligned(file)
    raw_tags = _raw_tags(stored, camera, tiles, order)
    raw_tags += [in_order(tag, container.order, order) for tag in container.raw_tags]
    raw_tags += about_sites  # of tags that are there twice, the last one counts
    file.write(pack_directory(order, raw_tags, raw_offset))
    preview = _preview(photo.pixels, camera)
    preview_offset = _aligned(file)
    file.write(preview.tobytes())
    tags = [tag for tag in described if describes_raw(tag.tag)]
    about = _camera_tags(camera, photo.orientation, order)
    if photo.pixels.shape[2] == 1:
        about = [tag for tag in about if tag.tag not in COLOUR_TAGS]
    tags += _missing(tags, about)
    if profiles:
        tags.append(longs(EXTRA_PROFILES, *profiles, order=order))
    tags += _preview_tags(preview, preview_offset, raw_offset, order)
    tags += [blob(DNG_VERSION, _version(container), BYTE), blob(50707, b"\1\3\0\0", BYTE)]
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
        raise EncodingError("the result is too large for a DNG file", "Use `format=png`.")
    file.write(pack_directory(order, tags, offset))
    file.seek(0)
    file.write(header(order, offset))


def on_sites(pixels: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Return of pixels (h, w, 3) what a sensor's sites behind these filters see: (h, w, 1)."""
    period = len(filters)
    sites = np.empty((*pixels.shape[:2], 1), pixels.dtype)
    for row in range(period):
        for column in range(period):
            place = (slice(row, None, period), slice(column, None, period))
            sites[(*place, 0)] = pixels[(*place, filters[row, column])]
    return sites


def _on_sites(
    pixels: np.ndarray, camera: Camera, container: DngContainer, order: str
) -> tuple[np.ndarray, int, list[Tag]]:
    """Return a mosaic's samples (h, w, 1), the level of black that they are stored without, and their own tags."""
    filters, frame = container.filters, container.frame
    if filters is None:
        raise TypeError("not a mosaic's result")
    sites = on_sites(pixels, filters)
    light = (sites[..., 0].astype(np.float32) - camera.black) / np.float32(camera.white - camera.black)
    mosaic = Mosaic(light, filters)
    profile = _noise_tags(mosaic, container.noise, order)
    if frame is None:
        return sites, camera.black, [*filter_tags(filters, order), *profile]
    return frame.with_light(mosaic)[..., None], 0, [*frame.dng_tags(mosaic, order), *profile]


def _noise_tags(mosaic: Mosaic, before: tuple[float, ...], order: str) -> list[Tag]:
    """Return a NoiseProfile of what is left of the noise, which no program should take off again."""
    if not before:
        return []
    levels = np.array(before).reshape(3, 2)
    left = measure_mosaic_noise(mosaic.samples, mosaic.pattern)
    of_before = 1.0 if left is None else float((left[1] @ USUAL_LIGHT) / max(levels[1] @ USUAL_LIGHT, 1e-12))
    return [doubles(NOISE_PROFILE, *(levels * min(1.0, of_before)).ravel().tolist(), order=order)]


def _version(container: DngContainer) -> bytes:
    """Return 1.4, or that which knows all tags that come along."""
    newer = any(tag.tag >= FIRST_TAG_OF_VERSION_6 for tag in container.raw_tags)
    return b"\1\6\0\0" if newer else b"\1\4\0\0"


def _write_blobs(blobs: tuple[bytes, ...], file: BinaryIO) -> list[int]:
    """Return the offset of each."""
    offsets = []
    for each in blobs:
        offsets.append(_aligned(file))
        file.write(each)
    return offsets


def _write_tiles(pixels: np.ndarray, black: int, file: BinaryIO, *, in_pairs: bool) -> list[tuple[int, int]]:
    """Return offset and length of each tile, or of the one strip.

    Sites of a mosaic are pairs, as Adobe has them: each is then told from its neighbour of the same colour.
    """
    places = []

    def encoded(tile: np.ndarray) -> bytes:
        if in_pairs and tile.shape[1] % 2 == 0:
            tile = tile.reshape(len(tile), -1, 2)
        return encode_lossless(tile)

    with ThreadPoolExecutor(THREADS) as pool:
        for data in results_in_order(pool, THREADS, encoded, _tiles(pixels, black)):
            places.append((_aligned(file), len(data)))
            file.write(data)
    return places


def _tiles(pixels: np.ndarray, black: int) -> Iterator[np.ndarray]:
    """Return full tiles with black at 0; those at the right and lower border repeat the last pixels.

    Some developers know no black level of linear DNGs: darktable 4.2 shows it as purple light.
    A picture narrower than a tile is one strip: LibRaw and dcraw shear tiles that are wider than the picture.
    """
    height, width = pixels.shape[:2]
    if width < TILE_PX:
        yield np.maximum(pixels, black) - np.uint16(black)
        return
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            tile = np.maximum(pixels[top : top + TILE_PX, left : left + TILE_PX], black) - np.uint16(black)
            missing = (TILE_PX - tile.shape[0], TILE_PX - tile.shape[1])
            yield np.pad(tile, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _raw_tags(pixels: np.ndarray, camera: Camera, blocks: list[tuple[int, int]], order: str) -> list[Tag]:
    height, width, colours = pixels.shape
    left, top, shown_width, shown_height = camera.crop
    offsets, lengths = zip(*blocks, strict=True)
    if width < TILE_PX:
        places = [longs(273, *offsets, order=order), longs(278, height, order=order)]
        places.append(longs(279, *lengths, order=order))
    else:
        places = [longs(322, TILE_PX, order=order), longs(323, TILE_PX, order=order)]
        places += [longs(324, *offsets, order=order), longs(325, *lengths, order=order)]
    return [
        longs(254, 0, order=order),
        longs(256, width, order=order),
        longs(257, height, order=order),
        shorts(258, *[16] * colours, order=order),
        shorts(259, JPEG_COMPRESSION, order=order),
        shorts(PHOTOMETRIC, LINEAR_RAW, order=order),
        shorts(277, colours, order=order),
        shorts(284, 1, order=order),
        *places,
        shorts(339, *[1] * colours, order=order),
        longs(50714, *[0] * colours, order=order),
        longs(50717, *[camera.white - camera.black] * colours, order=order),
        longs(50719, left, top, order=order),
        longs(50720, shown_width, shown_height, order=order),
        rationals(NOISE_REDUCTION_APPLIED, 1.0, order=order),
    ]


def _preview(pixels: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the picture in sRGB, 8 bits, small: every n-th pixel after averaging in blocks."""
    step = max(1, -(-max(pixels.shape[:2]) // PREVIEW_PX))
    height, width = (max(1, side // step) for side in pixels.shape[:2])
    if step > 1 and min(pixels.shape[:2]) >= step:
        blocks = pixels[: height * step, : width * step].reshape(height, step, width, step, -1)
        sums = blocks.sum(axis=1, dtype=np.uint32).sum(axis=2, dtype=np.uint32)
        small = np.rint(sums / np.float32(step * step)).astype(np.uint16)
    else:
        small = pixels[:height, :width]
    return (render(small, camera) // 257).astype(np.uint8)


def _preview_tags(preview: np.ndarray, offset: int, raw_offset: int, order: str) -> list[Tag]:
    height, width, colours = preview.shape
    return [
        longs(254, 1, order=order),
        longs(256, width, order=order),
        longs(257, height, order=order),
        shorts(258, *[8] * colours, order=order),
        shorts(259, 1, order=order),
        shorts(262, 2 if colours == 3 else 1, order=order),
        longs(273, offset, order=order),
        shorts(277, colours, order=order),
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
