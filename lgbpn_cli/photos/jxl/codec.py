"""JPEG XL photos, in and out: pixels by imagecodecs, EXIF and XMP in boxes beside the picture."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.codec import Codec, NewFiles, Size, by_sample, bytes_of, exif_of_blob
from lgbpn_cli.photos.depth import over_whole_range
from lgbpn_cli.photos.faults import (
    CODEC_ERRORS,
    DamagedFileError,
    EncodingError,
    UnsupportedFileError,
    check_size,
)
from lgbpn_cli.photos.heif.boxes import top_level_boxes
from lgbpn_cli.photos.jpeg.codec import read_jpeg
from lgbpn_cli.photos.jxl.colours import SRGB_BITS, colour_bits_of, profile_colour_bits
from lgbpn_cli.photos.jxl.header import CODESTREAM, HEADER_BYTES, JxlHeader, read_header, with_colours
from lgbpn_cli.photos.jxl.profile import decode_wide, profile_bits, profile_of, wide_profile
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.colour_description import HDR_TRANSFERS, ColourDescription
from lgbpn_cli.photos.metadata.companions_in_file import GAIN_MAP
from lgbpn_cli.photos.metadata.exif import exif_turned, exif_with_orientation
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import LYING, UPRIGHT, turned_upright, xmp_upright
from lgbpn_cli.photos.metadata.thumbnail import in_exif, in_xmp
from lgbpn_cli.photos.photo import Container, Metadata, Photo

SIGNATURE_BOX = b"\0\0\0\x0cJXL \r\n\x87\n"
TYPE_BOX = struct.pack(">I4s4sI4s", 20, b"ftyp", b"jxl ", 0, b"jxl ")
MARK_BOX = b"lgbp"
"""Kind of the last box, which holds the tool's own mark; readers skip boxes they do not know."""
GAIN_MAP_BOX = b"jhgm"
MAX_MARK_BYTES = 1 << 16
LOSSY_SHARE, WIDE_SHARE, COPIES = 2.4, 7.5, 2
"""Memory that reading lossy pictures takes, in decoded ones, and how often the file's own bytes are held."""
WORKING_BYTES = 4
"""For each sample of a lossless one beside itself, where it is transformed as a whole: its header does not tell."""
DISTANCE_OF_QUALITY = 0.09
"""Distance that each step below a quality of 100 adds, in the encoder's own scale from 30 up."""
WIDE_NOTE = (
    "its profile's colours are stored with losses: they become those of ProPhoto RGB (grey: sRGB), 16 bits"
)
DISTANCE = 0.5
"""Of results of lossy photos, in units of what can just be seen."""


@dataclass(frozen=True)
class JxlContainer(Container):
    """How the picture was stored, and the bits of its header that name its colours."""

    lossless: bool
    colour_bits: tuple[int, ...]
    distance: float = DISTANCE
    profile: bytes | None = None
    """Where the bits say that there is one."""


def jxl_container(photo: Photo, quality: int | None) -> JxlContainer:
    """Return how a photo of another type becomes a JPEG XL: without loss, or with this quality if one is given."""
    distance = DISTANCE if quality is None else max(0.1, (100 - quality) * DISTANCE_OF_QUALITY)
    return _container(photo.metadata.icc, photo.pixels.shape[2], lossless=quality is None, distance=distance)


def _container(
    profile: bytes | None, channels: int, *, lossless: bool, distance: float = DISTANCE
) -> JxlContainer:
    """Return a container whose colours are named where they have a name, else told by the profile."""
    bits = colour_bits_of(profile, channels)
    if bits is not None:
        return JxlContainer(lossless, bits, distance)
    return JxlContainer(lossless, profile_colour_bits(channels), distance, profile)


def read_jxl(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a JPEG XL file, upright; one made of a JPEG without loss is read as that JPEG.

    Raises DamagedFileError, and UnsupportedFileError for films and HDR.
    """
    data, boxes = _parts(file)
    header = read_header(_codestream_begin(data, boxes))
    check_size(header.width, header.height, max_pixels)
    if any(kind == b"jbrd" for kind, _ in boxes):
        return _as_jpeg(data, path, max_pixels)
    _check_kind(header)
    profile = profile_of(data) if header.has_profile else None
    becomes_wide = profile is not None and header.lossy
    samples = _decode(data, header, wide=becomes_wide)
    colours = 1 if samples.shape[2] <= 2 else 3
    if becomes_wide:
        profile = wide_profile(colours)
    exif = exif_with_orientation(_metadata(boxes, b"Exif"), UPRIGHT)
    exif = exif_turned(exif, samples.shape[1], samples.shape[0])
    told = ColourDescription(icc=profile) if header.has_profile else _colours(header)
    icc = told.profile(colours)
    container = JxlContainer(not header.lossy, header.colour_bits, profile=profile)
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(samples[..., :colours]),
        alpha=samples[..., colours].copy() if samples.shape[2] > colours else None,
        format="jxl",
        orientation=UPRIGHT,
        container=_container(icc, colours, lossless=False) if becomes_wide else container,
        beside=frozenset({GAIN_MAP} if any(kind == GAIN_MAP_BOX for kind, _ in boxes) else ()),
        notes=(WIDE_NOTE,) if becomes_wide else (),
        metadata=Metadata(exif=exif, xmp=xmp_upright(_metadata(boxes, b"xml ")), icc=icc),
        linear=is_linear(icc),
    )


def write_jxl(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write the photo as a JPEG XL, with the colours its source names. Raises EncodingError."""
    container = photo.container
    if not isinstance(container, JxlContainer):
        raise TypeError("a JPEG XL photo without its container cannot be written")
    pixels = turned_upright(photo.pixels, photo.orientation)
    samples = pixels
    if photo.alpha is not None:
        samples = np.dstack([pixels, turned_upright(photo.alpha, photo.orientation)])
    # The encoder takes 16 bits for linear light, which matters where it makes its own colours of them.
    lossy = not container.lossless and container.colour_bits == SRGB_BITS and samples.dtype == np.uint8
    options = {"lossless": False, "distance": container.distance} if lossy else {"lossless": True}
    try:
        encoded = imagecodecs.jpegxl_encode(
            samples[..., 0] if samples.shape[2] == 1 else samples, usecontainer=False, **options
        )
        codestream, level = _unpacked(bytes(encoded))
        if not lossy:
            packed = () if container.profile is None else profile_bits(container.profile)
            codestream = with_colours(codestream, container.colour_bits, packed)
    except (*CODEC_ERRORS, DamagedFileError) as error:
        raise EncodingError(
            f"its picture cannot be encoded ({error})", "Use another type, such as png."
        ) from error
    metadata = photo.metadata
    exif, xmp = exif_with_orientation(metadata.exif, UPRIGHT), in_xmp(xmp_upright(metadata.xmp))
    if photo.orientation in LYING:
        exif = exif_turned(exif, pixels.shape[1], pixels.shape[0])
    exif = in_exif(exif, replace(photo, pixels=pixels))
    if mark is not None:
        exif, xmp = mark.in_exif(exif), mark.in_xmp(xmp)
    file.write(SIGNATURE_BOX + TYPE_BOX + level)
    if exif is not None:
        file.write(_box(b"Exif", bytes(4) + exif))
    if xmp is not None:
        file.write(_box(b"xml ", xmp))
    file.write(_box(b"jxlc", codestream))
    if mark is not None:
        file.write(_box(MARK_BOX, mark.text.encode("ascii")))


def read_jxl_mark(file: BinaryIO) -> str | None:
    """Return the tool's own mark, or None; jumps from box to box. Raises DamagedFileError."""
    file.seek(0)
    if file.read(len(CODESTREAM)) == CODESTREAM:
        return None
    for kind, begin, end in top_level_boxes(file):
        if kind == MARK_BOX and end - begin <= MAX_MARK_BYTES:
            file.seek(begin)
            return file.read(end - begin).decode("ascii", "replace")
    return None


def jxl_header(file: BinaryIO) -> JxlHeader:
    """Return the picture's header. Raises DamagedFileError."""
    file.seek(0)
    if file.read(len(CODESTREAM)) == CODESTREAM:
        file.seek(0)
        return read_header(file.read(HEADER_BYTES))
    return read_header(_first_codestream(file))


def exif_in_jxl(path: Path) -> bytes | None:
    """Return the EXIF of a JPEG XL file without decoding its picture; None where there is none, or no JPEG XL."""
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE_BOX)) != SIGNATURE_BOX:
                return None
            return _metadata(_parts(file)[1], b"Exif")
    except (DamagedFileError, OSError):
        return None


def _parts(file: BinaryIO) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the whole file, and kind and contents of its boxes; a bare picture has none."""
    file.seek(0)
    data = file.read()
    if data.startswith(CODESTREAM):
        return data, []
    return data, [(kind, data[begin:end]) for kind, begin, end in top_level_boxes(io.BytesIO(data))]


def _codestream_begin(data: bytes, boxes: list[tuple[bytes, bytes]]) -> bytes:
    if data.startswith(CODESTREAM):
        return data[:HEADER_BYTES]
    for kind, contents in boxes:
        if kind in (b"jxlc", b"jxlp"):
            return contents[4 if kind == b"jxlp" else 0 :][:HEADER_BYTES]
    raise DamagedFileError("it holds no picture")


def _unpacked(encoded: bytes) -> tuple[bytes, bytes]:
    """Return an encoder's picture without boxes, and the box that names its level, which deep pictures have."""
    if encoded.startswith(CODESTREAM):
        return encoded, b""
    _, boxes = _parts(io.BytesIO(encoded))
    parts = [
        contents[4 if kind == b"jxlp" else 0 :] for kind, contents in boxes if kind in (b"jxlc", b"jxlp")
    ]
    level = next((_box(kind, contents) for kind, contents in boxes if kind == b"jxll"), b"")
    return b"".join(parts), level


def _first_codestream(file: BinaryIO) -> bytes:
    for kind, begin, end in top_level_boxes(file):
        if kind in (b"jxlc", b"jxlp"):
            file.seek(begin + (4 if kind == b"jxlp" else 0))
            return file.read(min(end - begin, HEADER_BYTES))
    raise DamagedFileError("it holds no picture")


def _decode(data: bytes, header: JxlHeader, *, wide: bool) -> np.ndarray:
    """Return (h, w, c) uint8, uint16 or float32 samples, turned upright; `wide` as `decode_wide` makes them."""
    try:
        samples: np.ndarray = decode_wide(data) if wide else imagecodecs.jpegxl_decode(data)
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    samples = samples[..., None] if samples.ndim == 2 else samples
    upright = (header.height, header.width) if header.orientation < 5 else (header.width, header.height)
    if samples.ndim != 3 or samples.shape[2] > 4 or samples.shape[:2] != upright:
        raise UnsupportedFileError(f"a JPEG XL of {header.extra_channels} channels besides its colours")
    if samples.dtype in (np.float16, np.float32):
        samples = samples.astype(np.float32)
        if not np.isfinite(samples).all():
            raise DamagedFileError("it holds values that are not numbers")
        return np.asarray(np.rint(np.clip(samples, 0, 1) * 65535).astype(np.uint16))
    if samples.dtype == np.uint16 and header.bits < 16 and not wide:
        return over_whole_range(samples, header.bits)
    if samples.dtype not in (np.uint8, np.uint16):
        raise UnsupportedFileError(f"a JPEG XL of {header.bits} bits a sample")
    return samples


def _as_jpeg(data: bytes, path: Path, max_pixels: int) -> Photo:
    """Return the JPEG that the file was made of, as a photo that is to become a JPEG XL with losses."""
    try:
        jpeg = bytes(imagecodecs.jpegxl_decode_jpeg(data, numthreads=1))
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    photo = read_jpeg(io.BytesIO(jpeg), path, max_pixels)
    lossy = replace(jxl_container(photo, quality=None), lossless=False)
    return replace(photo, format="jxl", container=lossy)


def _colours(header: JxlHeader) -> ColourDescription:
    if header.chromaticities is None and header.gamma is None:
        return ColourDescription(numbers=(1, header.transfer or 13))
    gamma = header.gamma if header.transfer is None else {8: 1.0}.get(header.transfer)
    return ColourDescription(chromaticities=header.chromaticities, gamma=gamma)


def _metadata(boxes: list[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    """Return EXIF or XMP, be it compressed; what cannot be read is not there."""
    for kind, contents in boxes:
        found, data = (contents[:4], contents[4:]) if kind == b"brob" else (kind, contents)
        if found != wanted:
            continue
        try:
            data = bytes(imagecodecs.brotli_decode(data)) if kind == b"brob" else data
        except CODEC_ERRORS:
            continue
        if wanted != b"Exif":
            return data or None
        offset = int.from_bytes(data[:4], "big")
        return data[4 + offset :] or None
    return None


def _box(kind: bytes, contents: bytes) -> bytes:
    if len(contents) + 8 < 1 << 32:
        return struct.pack(">I4s", len(contents) + 8, kind) + contents
    return struct.pack(">I4sQ", 1, kind, len(contents) + 16) + contents


def _check_kind(header: JxlHeader) -> None:
    if header.animated:
        raise UnsupportedFileError("an animated JPEG XL")
    if header.transfer in HDR_TRANSFERS:
        raise UnsupportedFileError(f"a photo with HDR colours ({HDR_TRANSFERS[header.transfer]})")


def _claim(file: BinaryIO, path: Path) -> Size:
    header = jxl_header(file)
    _check_kind(header)
    pixels, sample_bytes = header.width * header.height, 1 if header.bits == 8 else 2
    share = LOSSY_SHARE if header.lossy else 1 + WORKING_BYTES / sample_bytes
    if header.has_profile and header.lossy:
        share, sample_bytes = WIDE_SHARE, 2
    decoded = pixels * (3 + header.extra_channels) * sample_bytes
    return Size(pixels, int(decoded * share) + COPIES * bytes_of(file), sample_bytes=sample_bytes)


def _new_container(photo: Photo, output: OutputConfig) -> tuple[Container, tuple[str, ...]]:
    own = photo.container
    kept = isinstance(own, JxlContainer) and output.jpeg_quality is None
    return (own if kept and own else jxl_container(photo, output.jpeg_quality)), ()


def _adapted_container(photo: Photo, output: OutputConfig) -> Container | None:
    return photo.container if output.jpeg_quality is None else jxl_container(photo, output.jpeg_quality)


JXL = Codec(
    name="jxl",
    endings=(".jxl",),
    signatures=(CODESTREAM, SIGNATURE_BOX),
    size=_claim,
    exif=lambda file, path: exif_of_blob(exif_in_jxl(path)),
    mark=read_jxl_mark,
    read=read_jxl,
    new=NewFiles(
        write=write_jxl,
        encoder_bytes=by_sample(10.0, 10.5),
        container=_new_container,
        bits=16,
        holds_16_bits=True,
        quality=True,
        alone=True,
        adapted=_adapted_container,
    ),
)
