"""WebP and AVIF photos with EXIF, XMP and ICC profile; AVIF of 10 and 12 bits too."""

from __future__ import annotations

import io
import secrets
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import Image

from lgbpn_cli.photos.contents import GAP_WORDS, gap_in
from lgbpn_cli.photos.depth import over_whole_range, within_bits
from lgbpn_cli.photos.faults import (
    CODEC_ERRORS,
    DamagedFileError,
    EncodingError,
    UnsupportedFileError,
    check_size,
)
from lgbpn_cli.photos.heif.avif_boxes import AvifColour, read_colour, with_metadata
from lgbpn_cli.photos.heif.boxes import top_level_boxes, whole_boxes
from lgbpn_cli.photos.heif.items import beside_of, damage_of, pictures_in
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.colour_description import ColourDescription
from lgbpn_cli.photos.metadata.companions_in_file import further_pictures
from lgbpn_cli.photos.metadata.exif import exif_turned, exif_with_orientation
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import (
    LYING,
    UPRIGHT,
    exif_orientation,
    turned_upright,
    xmp_upright,
)
from lgbpn_cli.photos.metadata.thumbnail import in_exif, in_xmp
from lgbpn_cli.photos.photo import Container, Metadata, Photo
from lgbpn_cli.photos.pillow_limit import pillow_without_limit

EXIF_PREFIX = b"Exif\0\0"
DEFAULT_QUALITY = 95
DEEP_BITS = 10
MARK_CHUNK = b"LGBP"
"""Name of the last chunk of a WebP that holds the tool's own mark; readers skip chunks they do not know."""
MARK_BOX = b"uuid" + b"lgbpn own mark.."
"""Beginning of the last box of an AVIF, behind its length, that holds the tool's own mark."""
WEBP_HEAD_BYTES = 30
"""RIFF header, and enough of the first chunk to know the size."""
MAX_CHUNKS = 10_000
KNOWN_CHUNKS = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"EXIF", b"XMP ", MARK_CHUNK})
CHANNELS = {"L": 1, "LA": 1, "RGB": 3, "RGBA": 3}
"""Colours of the pictures that Pillow gives, by its names for them."""
MAX_MARK_BYTES = 1 << 16
EMPTY_EXIF = b"II*\0\x08\0\0\0" + bytes(6)

AVIF_THREADS = 4
"""The encoder (libaom) decides otherwise with another number: results are to be the same on every machine."""
EXACT_ALPHA = {"alpha:lossless": "1"}
"""Option of AVIF's encoder (libaom): the alpha plane comes back as it was, whatever the quality of the colours."""


@dataclass(frozen=True)
class CompressedContainer(Container):
    """How a WebP or AVIF is compressed; what has 16 bits a sample becomes an AVIF of `bits`."""

    lossless: bool = False
    quality: int = DEFAULT_QUALITY
    bits: int = DEEP_BITS


def read_webp(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a WebP file. Raises DamagedFileError, UnsupportedFileError for animations."""
    check_size(*webp_size(file), max_pixels)
    end = _webp_end(file)
    file.seek(0)
    data = file.read(end)
    chunks = _chunks(file)
    pictures = [part for part in chunks if part[0] in (b"VP8 ", b"VP8L")]
    container = CompressedContainer(lossless=any(kind == b"VP8L" for kind, _, _ in pictures))
    photo = _read(io.BytesIO(data), path, max_pixels, "webp", container)
    exif = webp_exif(file)
    metadata = Metadata(exif=exif, xmp=_contents(file, b"XMP "), icc=_contents(file, b"ICCP"))
    orientation = UPRIGHT if exif is None else exif_orientation(exif)
    photo = replace(photo, metadata=metadata, orientation=orientation)
    gap = any(gap_in(data[begin : begin + length]) for _, begin, length in pictures)
    unknown = frozenset(f"unknown data ({_name(kind)})" for kind, _, _ in chunks if kind not in KNOWN_CHUNKS)
    return replace(_with_colours(photo, None), beside=unknown, damage=(GAP_WORDS,) if gap else ())


def _name(kind: bytes) -> str:
    """Return what a chunk is called, whatever its four bytes are."""
    return repr(kind.decode("latin-1"))[1:-1].strip() if kind.isascii() else kind.hex()


def webp_exif(file: BinaryIO) -> bytes | None:
    """Return the EXIF of a WebP without decoding its picture; None where there is none."""
    return (_contents(file, b"EXIF") or b"").removeprefix(EXIF_PREFIX) or None


def _contents(file: BinaryIO, kind: bytes) -> bytes | None:
    """Return the first chunk of a kind, even if the flags of the header, which decoders go by, deny it."""
    for found, begin, length in _chunks(file):
        if found == kind:
            file.seek(begin)
            return file.read(length) or None
    return None


def read_avif(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of an AVIF file.

    Raises DamagedFileError, UnsupportedFileError for films, HDR encodings, and deep pictures with alpha.
    """
    boxes = top_level_boxes(file)
    if any(kind == b"moov" for kind, _, _ in boxes):
        raise UnsupportedFileError("an animated AVIF")
    colour = AvifColour()
    for kind, begin, end in boxes:
        if kind == b"meta":
            file.seek(begin)
            colour = read_colour(file.read(end - begin))
    beside, damage = beside_of(file) | further_pictures(pictures_in(file)), damage_of(file)
    file = whole_boxes(file)
    container = CompressedContainer(bits=max(colour.bits, DEEP_BITS))
    photo = _read(file, path, max_pixels, "avif", container, pixels=colour.bits == 8)
    if colour.bits > 8:
        photo = replace(photo, pixels=_deep_pixels(file, photo, colour.bits))
    numbers = None if colour.primaries is None else (colour.primaries, colour.transfer or 0)
    return replace(_with_colours(photo, numbers), beside=beside, damage=damage)


def _with_colours(photo: Photo, numbers: tuple[int, int] | None) -> Photo:
    """Return the photo with the profile of its colours. Raises UnsupportedFileError for HDR."""
    metadata = photo.metadata
    described = ColourDescription(icc=metadata.icc, numbers_below=numbers, exif=metadata.exif)
    icc = described.profile(photo.pixels.shape[2])
    return replace(photo, metadata=replace(metadata, icc=icc), linear=is_linear(icc))


def _deep_pixels(file: BinaryIO, photo: Photo, bits: int) -> np.ndarray:
    """Return the picture in 16 bits, which Pillow would cut to 8."""
    if bits not in (10, 12):
        raise UnsupportedFileError(f"an AVIF of {bits} bits a sample")
    if photo.alpha is not None:
        raise UnsupportedFileError(f"an AVIF of {bits} bits a sample with transparency")
    file.seek(0)
    try:
        samples = imagecodecs.avif_decode(file.read())
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape != photo.pixels.shape or samples.dtype != np.uint16:
        raise DamagedFileError("its picture is not what its header claims")
    return over_whole_range(samples, bits)


def write_webp(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write the photo as a WebP. Raises EncodingError."""
    photo = _marked(photo, mark)
    exif = in_exif(photo.metadata.exif, photo)
    data = bytearray(_encode(photo, exif, "WEBP", method=4, exact=True))
    if mark is not None:
        payload = mark.text.encode("ascii")
        data += MARK_CHUNK + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2)
        data[4:8] = struct.pack("<I", len(data) - 8)
    file.write(data)


def write_avif(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write the photo as an AVIF of 8 bits with full colour resolution. Raises EncodingError."""
    photo = _marked(photo, mark)
    # AVIF has its own way to turn a picture, and readers differ in which one they follow: none is needed.
    options: dict[str, object] = {"subsampling": "4:4:4", "speed": 8, "max_threads": AVIF_THREADS}
    if photo.alpha is not None:
        options["advanced"] = EXACT_ALPHA
    photo = replace(photo, metadata=replace(photo.metadata, xmp=xmp_upright(photo.metadata.xmp)))
    upright = replace(
        photo,
        pixels=turned_upright(photo.pixels, photo.orientation),
        alpha=None if photo.alpha is None else turned_upright(photo.alpha, photo.orientation),
    )
    height, width = upright.pixels.shape[:2]
    exif = exif_with_orientation(photo.metadata.exif, UPRIGHT)
    if photo.orientation in LYING:
        exif = exif_turned(exif, width, height)
    exif = in_exif(exif, upright)
    if photo.pixels.dtype == np.uint16:
        metadata = photo.metadata
        file.write(with_metadata(_encode_deep(upright), exif, metadata.xmp, metadata.icc))
    elif exif is None:
        file.write(_encode(upright, None, "AVIF", **options))
    else:
        # Pillow takes EXIF apart and loses maker notes: it gets to see a blob of the same length instead.
        stand_in = (EMPTY_EXIF + secrets.token_bytes(len(exif)))[: len(exif)]
        encoded = _encode(upright, stand_in, "AVIF", **options)
        file.write(encoded.replace(stand_in, exif))
    if mark is not None:
        payload = mark.text.encode("ascii")
        file.write(struct.pack(">I", 4 + len(MARK_BOX) + len(payload)) + MARK_BOX + payload)


def read_webp_mark(file: BinaryIO) -> str | None:
    """Return the tool's own mark, or None; jumps from chunk to chunk."""
    for kind, begin, length in _chunks(file):
        if kind == MARK_CHUNK and length <= MAX_MARK_BYTES:
            file.seek(begin)
            return file.read(length).decode("ascii", "replace")
    return None


def read_avif_mark(file: BinaryIO) -> str | None:
    """Return the tool's own mark, or None; jumps from box to box. Raises DamagedFileError."""
    for kind, begin, end in top_level_boxes(file):
        if kind == b"uuid" and end - begin <= MAX_MARK_BYTES:
            file.seek(begin)
            name, payload = file.read(16), file.read(end - begin - 16)
            if b"uuid" + name == MARK_BOX:
                return payload.decode("ascii", "replace")
    return None


def _marked(photo: Photo, mark: Mark | None) -> Photo:
    """Return the photo with what other programs can read of the mark in its metadata, and without XMP's thumbnails."""
    metadata = replace(photo.metadata, xmp=in_xmp(photo.metadata.xmp))
    if mark is None:
        return replace(photo, metadata=metadata)
    changed = replace(metadata, exif=mark.in_exif(metadata.exif), xmp=mark.in_xmp(metadata.xmp))
    return replace(photo, metadata=changed)


def _chunks(file: BinaryIO) -> list[tuple[bytes, int, int]]:
    """Return kind, begin and length of each chunk of a WebP, ending quietly where they make no sense."""
    found: list[tuple[bytes, int, int]] = []
    position, end = 12, _webp_end(file)
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8 or position >= end or len(found) == MAX_CHUNKS:
            return found
        kind, length = struct.unpack("<4sI", head)
        found.append((kind, position + 8, length))
        position += 8 + length + length % 2


def _webp_end(file: BinaryIO) -> int:
    """Return where the WebP says that it ends. Raises DamagedFileError if the file ends before."""
    file.seek(0)
    head = file.read(12)
    end = int.from_bytes(head[4:8], "little") + 8
    if len(head) < 12 or end > file.seek(0, io.SEEK_END):
        raise DamagedFileError("it ends before its last chunk: the file is truncated")
    return end


def webp_size(file: BinaryIO) -> tuple[int, int]:
    """Return width and height from a WebP's first chunk, whichever of its three kinds it is."""
    _webp_end(file)
    file.seek(0)
    head = file.read(WEBP_HEAD_BYTES)
    kind = head[12:16]
    if len(head) == WEBP_HEAD_BYTES and kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if len(head) == WEBP_HEAD_BYTES and kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if len(head) >= 25 and kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise DamagedFileError("it holds no picture where a WebP has one")


def _read(
    file: BinaryIO,
    path: Path,
    max_pixels: int,
    kind: str,
    container: CompressedContainer,
    *,
    pixels: bool = True,
) -> Photo:
    """Return the photo as Pillow reads it; without `pixels` they are empty, of the right shape."""
    from PIL.AvifImagePlugin import AvifImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    file.seek(0)
    reader = WebPImageFile if kind == "webp" else AvifImageFile
    try:
        with pillow_without_limit(), reader(file) as image:
            check_size(*image.size, max_pixels)
            if getattr(image, "n_frames", 1) > 1:
                raise UnsupportedFileError("an animation")
            info = dict(image.info)
            if pixels:
                image.load()
                samples = np.asarray(image)
            else:
                samples = np.broadcast_to(np.uint8(0), (image.height, image.width, len(image.getbands())))
            if image.mode not in CHANNELS:
                raise UnsupportedFileError(f"a {kind} picture of {len(image.getbands())} channels")
            colours = CHANNELS[image.mode]
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    samples = samples.reshape(*samples.shape[:2], -1)
    exif = info.get("exif")
    exif = exif.removeprefix(EXIF_PREFIX) if isinstance(exif, bytes) else None
    return Photo(
        path=path,
        pixels=np.array(samples[..., :colours], order="C"),
        alpha=samples[..., colours].copy() if samples.shape[2] > colours else None,
        format=kind,
        orientation=UPRIGHT if exif is None else exif_orientation(exif),
        container=container,
        metadata=Metadata(
            exif=exif or None, xmp=info.get("xmp") or None, icc=info.get("icc_profile") or None
        ),
    )


def _encode_deep(photo: Photo) -> bytes:
    container = photo.container
    if not isinstance(container, CompressedContainer):
        raise TypeError("an AVIF photo without its container cannot be written")
    grey = photo.pixels.shape[2] == 1
    try:
        encoded = imagecodecs.avif_encode(
            within_bits(photo.pixels[..., 0] if grey else photo.pixels, container.bits),
            level=container.quality,
            speed=8,
            bitspersample=container.bits,
            pixelformat="400" if grey else "444",
            primaries=1,
            transfer=13,
            numthreads=AVIF_THREADS,
        )
    except CODEC_ERRORS as error:
        cause = f"its picture cannot be encoded ({error})"
        raise EncodingError(cause, "Use another `format`, such as png.") from error
    return bytes(encoded)


def _encode(photo: Photo, exif: bytes | None, kind: str, **options: object) -> bytes:
    container = photo.container
    if not isinstance(container, CompressedContainer):
        raise TypeError(f"a {kind} photo without its container cannot be written")
    grey = photo.pixels.shape[2] == 1
    if grey and kind == "AVIF" and photo.alpha is None:
        samples, options = photo.pixels[..., 0], options | {"subsampling": "4:0:0"}
    else:
        pixels = np.repeat(photo.pixels, 3, axis=2) if grey else photo.pixels
        samples = pixels if photo.alpha is None else np.dstack([pixels, photo.alpha])
    metadata = photo.metadata
    for name, value in (("exif", exif), ("xmp", metadata.xmp), ("icc_profile", metadata.icc)):
        if value is not None:
            options[name] = value
    if container.lossless:
        options["lossless"] = True
    else:
        options["quality"] = container.quality
    buffer = io.BytesIO()
    try:
        Image.fromarray(samples).save(buffer, kind, **options)
    except CODEC_ERRORS as error:
        cause = f"its picture cannot be encoded ({error})"
        raise EncodingError(cause, "Use another `format`, such as png.") from error
    return buffer.getvalue()
