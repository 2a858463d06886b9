"""What a photo has to be turned into before the network sees it, so that nothing fails after the work."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import UnsupportedPhotoError, shown
from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import UnsupportedFileError
from lgbpn_cli.photos.heif.webp_avif import CompressedContainer
from lgbpn_cli.photos.jpeg.codec import JpegContainer
from lgbpn_cli.photos.jpeg.metadata import segments_for
from lgbpn_cli.photos.jxl.codec import JxlContainer, jxl_container
from lgbpn_cli.photos.metadata.companions_in_file import alone
from lgbpn_cli.photos.metadata.exif import bare_exif
from lgbpn_cli.photos.metadata.given_profile import fitted, with_srgb_curve
from lgbpn_cli.photos.metadata.icc import SPACES, SRGB_CURVE, icc_profile
from lgbpn_cli.photos.metadata.orientation import UPRIGHT
from lgbpn_cli.photos.photo import Container, Metadata, Photo
from lgbpn_cli.photos.png.codec import PngContainer
from lgbpn_cli.photos.png.metadata import chunks_for
from lgbpn_cli.photos.raw.camera_colour import render
from lgbpn_cli.photos.raw.dng import DngContainer
from lgbpn_cli.photos.raw.opcodes import OPCODE_LIST_3, has_opcodes
from lgbpn_cli.photos.raw.reader import RawContainer
from lgbpn_cli.photos.sidecars import description_of
from lgbpn_cli.photos.suffixes import PRESERVE, result_type
from lgbpn_cli.photos.tiff.codec import TiffContainer
from lgbpn_cli.photos.tiff.new import NewTiffContainer

IPTC_TYPES = frozenset({"jpeg", "tiff"})
READ_ONLY_NAMES = {"jp2": "JPEG 2000", "bmp": "BMP", "tga": "Targa"}
NEW_FILE_QUALITY = 95
CFA_DNG = "cfa-dng"
"""A DNG of a mosaic: each developer fills in the colours in its own way."""
DEEP_TYPES = frozenset({"png", "tiff", "jxl"})
"""Types that hold 16 bits a sample."""
LENS_LEFT = "its lens corrections are not made: they stay in a DNG, for a raw developer to make (-f dng)"
HIGHLIGHTS_CUT = "highlights above white are cut off, which only floating-point TIFFs hold"
BAND_ROWS = 256
"""Rows converted at a time: temporary arrays stay small beside the photo itself."""
COARSE_COLOUR_BELOW = 90
"""JPEG quality below which colour is stored at half the resolution, as most programs do."""


def as_result(photo: Photo, output: OutputConfig) -> Photo:
    """Return the photo in the type, depth and colours of its result, ready to be denoised and written.

    With the default options most photos come back as they are. Raises UnsupportedPhotoError for what the
    wanted type cannot hold.
    """
    wanted = result_type(photo.format, output.format)
    if photo.mosaic is not None and wanted not in ("dng", CFA_DNG):
        # It is rendered once its mosaic is denoised; what cannot work is found now, on a few pixels.
        as_result(replace(photo, mosaic=None, pixels=photo.pixels[:16, :16]), output)
        return photo
    try:
        if wanted == photo.format:
            return _as_own_type(photo, output)
        return _as_other_type(photo, wanted, output)
    except UnsupportedFileError as error:
        raise UnsupportedPhotoError(shown(photo.path), error.cause, error.cure) from error


def _as_own_type(photo: Photo, output: OutputConfig) -> Photo:
    container = photo.container
    deep = photo.bit_depth > 8 and photo.format not in DEEP_TYPES
    same_depth = output.bit_depth in (None, photo.bit_depth) and not (deep and output.bit_depth)
    if not same_depth or (output.strip_metadata and not isinstance(container, JpegContainer)):
        return _as_other_type(photo, photo.format, output)
    if isinstance(container, JpegContainer):
        if output.jpeg_quality is not None:
            container = replace(container, tables=_tables(output.jpeg_quality, photo.pixels.shape[2]))
        if output.strip_metadata:
            photo = _stripped(_alone(photo))
            segments, _ = segments_for(photo.metadata)
            container = replace(container, segments=segments, trailer=b"", stored_as_rgb=False)
    if isinstance(container, CompressedContainer | JxlContainer):
        photo = _alone(photo)
    if isinstance(container, JxlContainer) and output.jpeg_quality is not None:
        container = jxl_container(photo, output.jpeg_quality)
    if isinstance(container, CompressedContainer) and output.jpeg_quality is not None:
        container = replace(container, lossless=False, quality=output.jpeg_quality)
    return replace(photo, container=container)


def _as_other_type(photo: Photo, wanted: str, output: OutputConfig) -> Photo:
    if isinstance(photo.container, TiffContainer) and photo.container.full_pages > 1:
        raise UnsupportedFileError(
            f"a TIFF with {photo.container.full_pages} pages, which would not all go into the new file",
            "Omit -f, --bit-depth and --strip-metadata, or save its pages as single files.",
        )
    photo = _alone(photo)
    if output.format == PRESERVE and photo.format in READ_ONLY_NAMES:
        becomes = f"becomes a {wanted.upper()}: {READ_ONLY_NAMES[photo.format]} files are read, not written"
        photo = replace(photo, notes=(*photo.notes, becomes))
    if output.strip_metadata:
        photo = _stripped(photo)
    if wanted in ("dng", CFA_DNG):
        return _as_dng(photo, output)
    if photo.camera is not None:
        photo = _rendered(photo, output.colour_space or "srgb")
    # AVIF holds 10 of 16 bits; not beside transparency, which the writer of such files does not know.
    keeps_depth = wanted in DEEP_TYPES or (wanted == "avif" and photo.alpha is None)
    kept_depth = photo.bit_depth if wanted == "tiff" else min(photo.bit_depth, 16) if keeps_depth else 8
    depth = output.bit_depth or kept_depth
    if output.bit_depth == 16 and wanted not in DEEP_TYPES:
        raise UnsupportedFileError(
            f"a photo that is to become {wanted}, which has no 16 bits", "Omit --bit-depth."
        )
    if photo.alpha is not None and wanted == "jpeg":
        raise UnsupportedFileError("a photo with transparency, which JPEG cannot hold", "Use -f png.")
    holds_light = wanted in ("png", "tiff")
    if photo.linear and not (holds_light and depth == photo.bit_depth > 8):
        photo = _encoded(photo)
    photo = _with_depth(photo, depth)
    as_colour = wanted == "webp" or (wanted == "avif" and photo.alpha is not None)  # of grey, too
    colours = 3 if as_colour else photo.pixels.shape[2]
    photo = replace(photo, metadata=replace(photo.metadata, icc=fitted(photo.metadata.icc, colours)))
    container, left_out = _container(photo, wanted, output)
    if photo.metadata.iptc is not None and wanted not in IPTC_TYPES:
        left_out = (*left_out, "IPTC")
    notes = tuple(f"left out: {name}, which a {wanted} file cannot hold" for name in left_out)
    return replace(photo, format=wanted, container=container, notes=(*photo.notes, *notes))


def _alone(photo: Photo) -> Photo:
    """Return the photo without what else is in its file: its XMP speaks of nothing else, and the notes name it."""
    xmp, named = alone(photo.metadata.xmp)
    beside = sorted(photo.beside | named)
    notes = (f"left behind: its {', its '.join(beside)}",) if beside else ()
    if photo.camera is not None:  # of other photos they name what only the own type keeps
        notes = (*photo.notes, *notes)
    return replace(photo, metadata=replace(photo.metadata, xmp=xmp), beside=frozenset(), notes=notes)


def _as_dng(photo: Photo, output: OutputConfig) -> Photo:
    if photo.camera is None:
        raise UnsupportedFileError("not a camera raw file, and only those become DNG", "Use another -f.")
    if output.bit_depth == 8:
        raise UnsupportedFileError("a photo that is to become DNG, which has 16 bits", "Omit --bit-depth.")
    filters = None
    noise: tuple[float, ...] = ()
    if output.format == CFA_DNG:
        if photo.mosaic is None:
            raise UnsupportedFileError(
                "it has no Bayer mosaic that could be denoised, and only these become CFA DNGs", "Use -f dng."
            )
        filters = photo.mosaic.mosaic.pattern
        noise = tuple(photo.mosaic.noise.levels.ravel().tolist())
    raw = photo.container if isinstance(photo.container, RawContainer) else RawContainer()
    container = DngContainer(raw.order, raw.raw_tags, raw.profiles, filters, raw.frame, noise)
    return replace(photo, format="dng", container=container)


def _container(photo: Photo, wanted: str, output: OutputConfig) -> tuple[Container, tuple[str, ...]]:
    """Return what the wanted type needs, and names of metadata that it cannot hold."""
    quality = output.jpeg_quality or NEW_FILE_QUALITY
    if wanted == "jpeg":
        segments, left_out = segments_for(photo.metadata)
        container = JpegContainer(
            segments=segments,
            trailer=b"",
            picture_bytes=0,
            tables=_tables(quality, photo.pixels.shape[2]),
            subsampling="4:2:0" if quality < COARSE_COLOUR_BELOW else "4:4:4",
            progressive=False,
            stored_as_rgb=False,
        )
        return container, left_out
    if wanted == "png":
        return PngContainer(before=chunks_for(photo.metadata), after=()), ()
    if wanted == "tiff":
        return NewTiffContainer(), ()
    own = photo.container
    if wanted == "jxl":
        kept = isinstance(own, JxlContainer) and output.jpeg_quality is None
        return (own if kept and own else jxl_container(photo, output.jpeg_quality)), ()
    if isinstance(own, CompressedContainer) and output.jpeg_quality is None and wanted == photo.format:
        return own, ()
    return CompressedContainer(lossless=False, quality=quality), ()


def _stripped(photo: Photo) -> Photo:
    """Return the photo with nothing in its metadata but what decides about its looks."""
    exif = None if photo.orientation == UPRIGHT else bare_exif(photo.orientation)
    return replace(photo, metadata=Metadata(exif=exif, icc=photo.metadata.icc))


def _rendered(photo: Photo, colour_space: str) -> Photo:
    """Return a camera's picture in a colour space with its profile."""
    if photo.camera is None:
        raise TypeError("only a camera's own pixels are rendered")
    space = SPACES[colour_space]
    pixels = render(photo.pixels, photo.camera, space)
    xmp = None if photo.metadata.xmp is None else description_of(photo.metadata.xmp, developed=True)[0]
    metadata = replace(photo.metadata, icc=icc_profile(space), xmp=xmp)
    raw_tags = photo.container.raw_tags if isinstance(photo.container, RawContainer) else ()
    corrected = any(tag.tag == OPCODE_LIST_3 and has_opcodes(tag.data) for tag in raw_tags)
    notes = (*photo.notes, LENS_LEFT) if corrected else photo.notes
    return replace(photo, pixels=pixels, metadata=metadata, linear=False, camera=None, notes=notes)


def _encoded(photo: Photo) -> Photo:
    """Return a photo in linear light under sRGB's curve, in which 8 bits are enough; its primaries stay.

    Raises UnsupportedFileError where the profile cannot tell that.
    """
    profile = with_srgb_curve(photo.metadata.icc)
    if profile is None:
        raise UnsupportedFileError(
            "a picture in linear light whose colour profile is made of tables, which fit no other light",
            "Use -f preserve, or give it a plain profile first.",
        )
    white = np.iinfo(photo.pixels.dtype).max if photo.bit_depth <= 16 else 1.0
    notes = (
        (*photo.notes, HIGHLIGHTS_CUT)
        if photo.bit_depth > 16 and photo.pixels.max(initial=0) > 1
        else photo.notes
    )
    pixels = np.empty(photo.pixels.shape, np.float32)
    for band in bands(len(pixels), BAND_ROWS):
        pixels[band] = SRGB_CURVE.encode(np.clip(photo.pixels[band] / white, 0, 1))
    return replace(
        photo, pixels=pixels, metadata=replace(photo.metadata, icc=profile), linear=False, notes=notes
    )


def _with_depth(photo: Photo, bits: int) -> Photo:
    if bits == photo.bit_depth:
        return photo
    alpha = None if photo.alpha is None else _scaled(photo.alpha, bits)
    return replace(photo, pixels=_scaled(photo.pixels, bits), alpha=alpha)


def _scaled(samples: np.ndarray, bits: int) -> np.ndarray:
    if samples.dtype.itemsize * 8 == bits:
        return samples
    if samples.dtype == np.float32:
        white = (1 << bits) - 1
        kind = np.uint8 if bits == 8 else np.uint16
        scaled = np.empty(samples.shape, kind)
        for band in bands(len(samples), BAND_ROWS):
            scaled[band] = np.rint(np.clip(samples[band], 0, 1) * np.float32(white))
        return scaled
    if bits == 16:
        return samples.astype(np.uint16) * np.uint16(257)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _tables(quality: int, channels: int) -> tuple[tuple[int, ...], ...]:
    """Return the quantisation tables, one a component, that libjpeg uses for this quality."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=quality)
    found = JpegImageFile(io.BytesIO(buffer.getvalue())).quantization
    light, colour = tuple(found[0]), tuple(found[1])
    return (light,) if channels == 1 else (light, colour, colour)
