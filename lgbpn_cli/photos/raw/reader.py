"""Camera raw files through LibRaw: demosaiced, in the camera's own RGB, proportional to light."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError, check_size, one_line
from lgbpn_cli.photos.jpeg.metadata import exif_of_jpeg
from lgbpn_cli.photos.metadata.exif import split_exif
from lgbpn_cli.photos.metadata.orientation import ORIENTATION_TAG, exif_orientation
from lgbpn_cli.photos.photo import Camera, Container, Metadata, Photo
from lgbpn_cli.photos.raw.camera_colour import camera_matrices
from lgbpn_cli.photos.raw.cr3 import cr3_metadata
from lgbpn_cli.photos.tiff.directory import read_directory_at
from lgbpn_cli.photos.tiff.metadata import FIRST_DNG_TAG, tiff_metadata

ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's codes for turned pictures, as EXIF counts them."""
TIFF_VERSIONS = (42, 0x4F52, 0x5352, 0x55)
"""TIFF, two of Olympus's kinds, Panasonic's."""
MAKE_TAG, MODEL_TAG = 271, 272
BAND_ROWS = 256
RAW_CURE = "Update rawpy (LibRaw) if the camera is new, convert it with the maker's program, or skip it."


class RawContainer(Container):
    """Raw files are never written as what they were; this marks a photo that has to become another type."""


def read_raw(path: Path, max_pixels: int) -> Photo:
    """Return the picture of a camera raw file: uint16, linear, with its `camera`, over its whole range.

    The demosaicing runs on white-balanced samples, which is better by decibels, and the balance is then taken
    out again. Raises DamagedFileError, UnsupportedFileError, OSError.
    """
    import rawpy

    with path.open("rb") as file:
        if not file.read(1):
            raise DamagedFileError("the file is empty")
    metadata, is_dng = _metadata(path)
    try:
        with rawpy.imread(str(path)) as raw:
            sizes = raw.sizes
            check_size(max(sizes.raw_width, sizes.width), max(sizes.raw_height, sizes.height), max_pixels)
            raw.unpack()
            if raw.num_colors != 3:
                raise UnsupportedFileError(f"a camera raw file with {raw.num_colors} colours", RAW_CURE)
            _refuse_blank(raw)
            balance = _white_balance(raw)
            pixels = _develop(raw, rawpy, balance)
            if metadata.exif is None:
                metadata = replace(metadata, exif=_preview_exif(raw, rawpy))
            to_srgb, from_xyz = camera_matrices(
                np.array(raw.rgb_xyz_matrix)[:3], np.array(raw.color_matrix)[:, :3], metadata.exif, is_dng
            )
    except rawpy.LibRawFileUnsupportedError as error:
        raise UnsupportedFileError("a camera raw file of a kind that LibRaw cannot read", RAW_CURE) from error
    except rawpy.LibRawError as error:
        cause = error.args[0] if error.args else error
        cause = cause.decode("ascii", "replace") if isinstance(cause, bytes) else cause
        raise DamagedFileError(f"its raw data cannot be decoded ({one_line(cause)})") from error
    height, width = pixels.shape[:2]
    camera = Camera(
        make=_text(metadata.exif, MAKE_TAG),
        model=_text(metadata.exif, MODEL_TAG),
        gains=(balance[0] / balance[1], 1.0, balance[2] / balance[1]),
        to_srgb=to_srgb,
        from_xyz=from_xyz,
        crop=_crop(sizes, width, height),
    )
    tagged = None if metadata.exif is None or not _has_orientation(metadata.exif) else metadata.exif
    orientation = ORIENTATIONS.get(sizes.flip, 1) if tagged is None else exif_orientation(tagged)
    return Photo(
        path=path,
        pixels=pixels,
        alpha=None,
        format="raw",
        orientation=orientation,
        container=RawContainer(),
        metadata=metadata,
        linear=True,
        camera=camera,
    )


def raw_megapixels(path: Path) -> float | None:
    """Return the size of a camera raw file's picture from its header; None where LibRaw cannot read it."""
    import rawpy

    try:
        with rawpy.imread(str(path)) as raw:
            return float(raw.sizes.width * raw.sizes.height / 1e6)
    except (rawpy.LibRawError, OSError):
        return None


def raw_exif(path: Path) -> bytes | None:
    """Return the EXIF of a camera raw file from its header, that of the JPEG in it where it has none of its own."""
    import rawpy

    try:
        exif = _metadata(path)[0].exif
        if exif is not None:
            return exif
        with rawpy.imread(str(path)) as raw:
            return _preview_exif(raw, rawpy)
    except (rawpy.LibRawError, OSError):
        return None


def _metadata(path: Path) -> tuple[Metadata, bool]:
    """Return the metadata of a raw file, and whether it is a DNG."""
    with path.open("rb") as file:
        if file.read(8)[4:] == b"ftyp":
            return cr3_metadata(file), False
    return _tiff_metadata(path)


def _refuse_blank(raw: Any) -> None:
    """Raise for a file whose samples are all the same: LibRaw makes black of it without a word."""
    samples = raw.raw_image
    first = samples.flat[0]
    if all((samples[top : top + BAND_ROWS] == first).all() for top in range(0, samples.shape[0], BAND_ROWS)):
        kind = "zeros" if first == 0 else "the same"
        raise DamagedFileError(f"its pixel data are all {kind}: it would decode to a blank picture")


def _white_balance(raw: Any) -> tuple[float, float, float]:
    """Return the factors of red, green and blue: as shot, or else the camera's daylight."""
    for balance in (raw.camera_whitebalance, raw.daylight_whitebalance):
        red, green, blue = (float(value) for value in balance[:3])
        if min(red, green, blue) > 0:
            return red, green, blue
    return 1.0, 1.0, 1.0


def _develop(raw: Any, rawpy: Any, balance: tuple[float, float, float]) -> np.ndarray:
    pixels = raw.postprocess(
        output_color=rawpy.ColorSpace.raw,
        gamma=(1, 1),
        no_auto_bright=True,
        adjust_maximum_thr=0.0,
        user_wb=[*balance, balance[1]],
        highlight_mode=rawpy.HighlightMode.Ignore,
        output_bps=16,
        user_flip=0,
    )
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UnsupportedFileError("a camera raw file without three colours", RAW_CURE)
    pixels = np.array(pixels)  # LibRaw's own memory goes with it
    largest = max(balance)
    factors = np.array([largest / value for value in balance], np.float32)
    for top in range(0, pixels.shape[0], BAND_ROWS):
        band = np.rint(pixels[top : top + BAND_ROWS] * factors)
        pixels[top : top + BAND_ROWS] = np.minimum(band, 65535)
    return pixels


def _tiff_metadata(path: Path) -> tuple[Metadata, bool]:
    """Return the metadata of a raw file built like a TIFF, and whether it is a DNG; nothing of any other."""
    with path.open("rb") as file:
        head = file.read(8)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            return Metadata(), False
        version, offset = struct.unpack(order + "HI", head[2:])
        if version not in TIFF_VERSIONS:
            return Metadata(), False
        file_bytes = path.stat().st_size
        try:
            directory = read_directory_at(file, file_bytes, order, False, offset)
            is_dng = directory.find(FIRST_DNG_TAG) is not None
            return tiff_metadata(file, file_bytes, directory, is_dng=is_dng), is_dng
        except DamagedFileError:
            return Metadata(), False  # LibRaw may be able to read it all the same


def _preview_exif(raw: Any, rawpy: Any) -> bytes | None:
    """Return the EXIF of the JPEG inside a raw file, which LibRaw adds the essentials to if there is none."""
    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    return exif_of_jpeg(io.BytesIO(preview.data))


def _has_orientation(exif: bytes) -> bool:
    return any(tag.tag == ORIENTATION_TAG for tag in split_exif(exif)[1])


def _text(exif: bytes | None, number: int) -> str:
    found = [] if exif is None else [tag.data for tag in split_exif(exif)[1] if tag.tag == number]
    return found[0].split(b"\0")[0].decode("ascii", "replace").strip() if found else ""


def _crop(sizes: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the maker's crop within the decoded picture; all of it where none fits."""
    left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    fits = 0 <= left <= left + sizes.crop_width <= width and 0 <= top <= top + sizes.crop_height <= height
    if fits and sizes.crop_width and sizes.crop_height:
        return left, top, sizes.crop_width, sizes.crop_height
    return 0, 0, width, height
