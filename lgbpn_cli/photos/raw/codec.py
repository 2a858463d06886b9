"""Camera raw files in, and the two kinds of DNG out, among the other kinds of photo files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.codec import Codec, NewFiles, Size, by_sample, bytes_of, exif_of_blob
from lgbpn_cli.photos.faults import UnsupportedFileError
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.dng import DngContainer, write_dng
from lgbpn_cli.photos.raw.endings import RAW_ENDINGS
from lgbpn_cli.photos.raw.reader import RawContainer, raw_exif, raw_size, read_raw
from lgbpn_cli.photos.sidecars import with_sidecar
from lgbpn_cli.photos.tiff.codec import read_tiff_mark

CFA_DNG_NAME = "cfa-dng"
BYTES_A_PIXEL, BYTES_A_SITE = 32, 15
"""Memory that reading takes at most, beside the file's own bytes: demosaicing by DHT; and for a Bayer mosaic."""


def read_developed(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a camera raw file, with what its XMP file says. Raises as `read_raw` does."""
    return with_sidecar(read_raw(path, max_pixels))


def read_with_mosaic(path: Path, max_pixels: int, *, for_sites: bool) -> Photo:
    """Return the same with a Bayer sensor's mosaic, if any; `for_sites` with what it takes to put it back."""
    return with_sidecar(read_raw(path, max_pixels, as_mosaic=True, for_sites=for_sites))


def _claim(file: BinaryIO, path: Path) -> Size:
    pixels, is_bayer = raw_size(path)
    file_bytes = bytes_of(file)
    as_mosaic = pixels * BYTES_A_SITE + file_bytes if is_bayer else 0
    return Size(pixels, pixels * BYTES_A_PIXEL + file_bytes, sample_bytes=2, mosaic_bytes=as_mosaic)


def dng_container(photo: Photo, output: OutputConfig) -> tuple[DngContainer, tuple[str, ...]]:
    """Return how a camera raw photo becomes a DNG: linear, or on its mosaic. Raises UnsupportedFileError."""
    if photo.camera is None:
        raise UnsupportedFileError(
            "not a camera raw file, and only those become DNG", "Use another `format`."
        )
    if output.bit_depth == 8:
        raise UnsupportedFileError(
            "a photo that is to become a DNG, which always has 16 bits", "Omit `bit_depth`."
        )
    filters = None
    noise: tuple[float, ...] = ()
    if output.format == CFA_DNG_NAME:
        if photo.mosaic is None:
            raise UnsupportedFileError(
                "it has no Bayer mosaic that could be denoised, and only these become CFA DNGs",
                "Use `format=dng`.",
            )
        filters = photo.mosaic.mosaic.pattern
        noise = tuple(photo.mosaic.noise.levels.ravel().tolist())
    raw = photo.container if isinstance(photo.container, RawContainer) else RawContainer()
    return DngContainer(raw.order, raw.raw_tags, raw.profiles, filters, raw.frame, noise), ()


RAW = Codec(
    name="raw",
    endings=RAW_ENDINGS,
    size=_claim,
    exif=lambda file, path: exif_of_blob(raw_exif(path)),
    mark=read_tiff_mark,
    read=read_developed,
    becomes="dng",
)
DNG, CFA_DNG = (
    Codec(
        name=name,
        endings=(".dng",),
        size=_claim,
        read=read_developed,
        new=NewFiles(
            write=write_dng,
            container=dng_container,
            encoder_bytes=by_sample(0.0, 0.5),
            bits=16,
            iptc=True,
            camera_light=True,
        ),
    )
    for name in ("dng", CFA_DNG_NAME)
)
"""The second is a DNG of a mosaic: each developer fills in the colours in its own way."""
