"""What a photo has to be turned into before the network sees it, so that nothing fails after the work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import UnsupportedPhotoError, shown
from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.codecs import CODECS, new_files
from lgbpn_cli.photos.faults import UnsupportedFileError
from lgbpn_cli.photos.metadata.companions_in_file import TEXT, alone
from lgbpn_cli.photos.metadata.exif import bare_exif
from lgbpn_cli.photos.metadata.given_profile import fitted, with_srgb_curve
from lgbpn_cli.photos.metadata.icc import SPACES, SRGB_CURVE, icc_profile
from lgbpn_cli.photos.metadata.orientation import UPRIGHT
from lgbpn_cli.photos.photo import Metadata, Photo
from lgbpn_cli.photos.raw.camera_colour import render
from lgbpn_cli.photos.raw.opcodes import OPCODE_LIST_3, has_opcodes
from lgbpn_cli.photos.raw.reader import RawContainer
from lgbpn_cli.photos.sidecars import description_of
from lgbpn_cli.photos.suffixes import PRESERVE, type_by_name

LENS_LEFT = (
    "its lens corrections are not made: they stay in a DNG, for a raw developer to make (`format=dng`)"
)
HIGHLIGHTS_CUT = "highlights above white are cut off, which only floating-point TIFFs hold"
BAND_ROWS = 256
"""Rows converted at a time: temporary arrays stay small beside the photo itself."""


def as_result(photo: Photo, output: OutputConfig) -> Photo:
    """Return the photo in the type, depth and colours of its result, ready to be denoised and written.

    With the default options most photos come back as they are. Raises UnsupportedPhotoError for what the
    wanted type cannot hold.
    """
    wanted = type_by_name(photo.format, photo.path.suffix, output.format)
    longest, most = max(photo.pixels.shape[:2]), new_files(wanted).longest_side_px
    if most is not None and longest > most:
        cause = f"its longer side has {longest} px, and {wanted.upper()} files at most {most}"
        raise UnsupportedPhotoError(shown(photo.path), cause, "Use another `format`, such as png.")
    if photo.mosaic is not None and not new_files(wanted).camera_light:
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
    own = new_files(photo.format)
    deep = photo.bit_depth > 8 and not own.holds_16_bits
    same_depth = output.bit_depth in (None, photo.bit_depth) and not (deep and output.bit_depth)
    if not same_depth or (output.strip_metadata and not own.strips_itself):
        return _as_other_type(photo, photo.format, output)
    if own.alone or output.strip_metadata:
        photo = _alone(photo, stripped=output.strip_metadata)
    if output.strip_metadata:
        photo = _stripped(photo)
    return replace(photo, container=own.adapted(photo, output))


def _as_other_type(photo: Photo, wanted: str, output: OutputConfig) -> Photo:
    if photo.container is not None and (count := photo.container.photos) > 1:
        raise UnsupportedFileError(
            f"a {photo.format.upper()} with {count} pages, which would not all go into the new file",
            "Omit `format`, `bit_depth` and `strip_metadata`, or save its pages as single files.",
        )
    new, photo = new_files(wanted), _alone(photo, stripped=output.strip_metadata)
    announced_as = CODECS[photo.format].announced_as
    if output.format == PRESERVE and announced_as:
        becomes = f"becomes a {wanted.upper()}: {announced_as} files are read, not written"
        photo = replace(photo, notes=(*photo.notes, becomes))
    if output.strip_metadata:
        photo = _stripped(photo)
    if new.camera_light:
        container, _ = new.container(photo, output)
        return replace(photo, format="dng", container=container)
    if photo.camera is not None:
        photo = _rendered(photo, output.colour_space or "srgb")
    if output.bit_depth == 16 and not new.holds_16_bits:
        raise UnsupportedFileError(
            f"a photo that is to become {wanted}, which cannot hold 16 bits", "Omit `bit_depth`."
        )
    if photo.alpha is not None and not new.transparency:
        if (photo.alpha < _white(photo.alpha)).any():
            raise UnsupportedFileError(
                f"a photo with transparency, which {wanted.upper()} cannot hold", "Use `format=png`."
            )
        photo = replace(photo, alpha=None)
    depth = output.bit_depth or new.bits_for(photo)
    if photo.linear and not (new.linear_light and depth == photo.bit_depth > 8):
        photo = _encoded(photo)
    photo = _with_depth(photo, depth)
    icc = fitted(photo.metadata.icc, new.colours_for(photo))
    photo = replace(photo, metadata=replace(photo.metadata, icc=icc))
    container, left_out = new.container(photo, output)
    if photo.metadata.iptc is not None and not new.iptc:
        left_out = (*left_out, "IPTC")
    notes = tuple(f"left out: {name}, which a {wanted} file cannot hold" for name in left_out)
    return replace(photo, format=wanted, container=container, notes=(*photo.notes, *notes))


def _alone(photo: Photo, *, stripped: bool) -> Photo:
    """Return the photo without what else is in its file: its XMP speaks of nothing else, and the notes name it.

    Text is metadata: nobody has to be told of it who wants a photo stripped.
    """
    xmp, named = alone(photo.metadata.xmp)
    beside = sorted((photo.beside | named) - ({TEXT} if stripped else set()))
    notes = (f"left behind: its {', its '.join(beside)}",) if beside else ()
    if photo.camera is not None:  # of other photos they name what only the own type keeps
        notes = (*photo.notes, *notes)
    return replace(photo, metadata=replace(photo.metadata, xmp=xmp), beside=frozenset(), notes=notes)


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
            "Use `format=preserve`, or give it a plain profile first.",
        )
    white = _white(photo.pixels)
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


def _white(samples: np.ndarray) -> float:
    return 1.0 if samples.dtype == np.float32 else float(np.iinfo(samples.dtype).max)


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
