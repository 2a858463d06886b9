"""PNG photos: decode the pixels alone, and put new ones between the original chunks."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.codec import Codec, NewFiles, Size, by_sample, bytes_of
from lgbpn_cli.photos.contents import contents
from lgbpn_cli.photos.faults import (
    BLACK_AND_WHITE,
    CODEC_ERRORS,
    DamagedFileError,
    EncodingError,
    UnsupportedFileError,
    check_size,
)
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.companions_in_file import TEXT
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import UPRIGHT, exif_orientation
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.png.chunks import (
    BEFORE_PIXELS,
    CHUNK_BYTES,
    GREY,
    GREY_ALPHA,
    HEADER_BYTES,
    PALETTE,
    RGB,
    RGB_ALPHA,
    SAMPLES,
    SIGNATURE,
    Chunk,
    Header,
    pack_chunk,
    read_header,
    split_chunks,
)
from lgbpn_cli.photos.png.metadata import chunks_for, metadata_of, with_own_thumbnail, with_provenance

CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
"""The chunks that a decoder has to know."""
ONE_FRAME = b"\0\0\0\1"
"""How acTL begins in a picture that does not move."""
MARK_KEYWORD = b"lgbpn"
"""Keyword of the tEXt chunk, before the pixels, that holds the tool's own mark."""
MAX_MARK_BYTES = 1 << 16
DEFLATE_EXPANSION = 1032
"""The most bytes that one compressed byte can become."""
COMPRESSION_LEVEL = 6
STORAGE_CHUNKS = frozenset({b"PLTE", b"tRNS", b"hIST", b"sBIT", b"bKGD"})
"""What describes the samples as they are stored; wrong once a palette or a colour key became plain RGB."""
POSITION_CHUNKS = frozenset({b"iDOT"})
"""Apple's pointer into the compressed pixels, which moved."""


@dataclass(frozen=True)
class PngContainer(Container):
    """All chunks but the pixels, in their order."""

    before: tuple[Chunk, ...]
    """Between IHDR and the first IDAT."""
    after: tuple[Chunk, ...]
    """Between the last IDAT and IEND."""


def read_png(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the picture of a PNG file; palettes become RGB, colour keys become alpha, 2 and 4 bits become 8.

    Raises DamagedFileError for wrong checksums too, and UnsupportedFileError for animations and for black and white
    of 1 bit, which is text or a drawing.
    """
    head = file.read(HEADER_BYTES)
    header = _header(head)
    check_size(header.width, header.height, max_pixels)
    chunks = _in_place(split_chunks(contents(file)))
    kinds = [chunk.kind for chunk in chunks]
    if any(each.kind == b"acTL" and each.payload[:4] != ONE_FRAME for each in chunks):
        raise UnsupportedFileError("an animated PNG")
    if unknown := next((each for each in chunks if each.is_critical and each.kind not in CRITICAL), None):
        raise UnsupportedFileError(f"a PNG that needs a {unknown.kind.decode('ascii')} chunk to be shown")
    if b"IDAT" not in kinds:
        raise DamagedFileError("it holds no pixels")
    compressed_bytes = sum(len(chunk.payload) for chunk in chunks if chunk.kind == b"IDAT")
    if compressed_bytes * DEFLATE_EXPANSION < header.least_raw_bytes:
        raise DamagedFileError(f"it holds {compressed_bytes} bytes, too few for its pixels")

    samples = _decode(chunks)
    samples = samples.reshape(header.height, header.width, -1)
    colours = 1 if samples.shape[2] <= 2 else 3
    first = kinds.index(b"IDAT")
    before = _translated(chunks[1:first], header, samples)
    after = [chunk for chunk in chunks[first:] if not chunk.is_critical and not _is_malformed(chunk)]
    metadata, text_left = metadata_of(chunks, colours)
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(samples[..., :colours]),
        alpha=samples[..., colours].copy() if samples.shape[2] > colours else None,
        format="png",
        orientation=UPRIGHT if metadata.exif is None else exif_orientation(metadata.exif),
        container=PngContainer(tuple(before), tuple(after)),
        metadata=metadata,
        linear=is_linear(metadata.icc),
        beside=frozenset({TEXT} if text_left else ()),
    )


def write_png(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write the photo's pixels between the chunks of its source. Raises EncodingError."""
    container = photo.container
    if not isinstance(container, PngContainer):
        raise TypeError("a PNG photo without its container cannot be written")
    samples = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    room = _most_bytes(samples)
    if samples.shape[2] == 1:
        samples = samples.squeeze(axis=2)
    try:
        encoded = imagecodecs.png_encode(samples, level=COMPRESSION_LEVEL, out=room)
    except CODEC_ERRORS as error:
        raise EncodingError(
            f"its pixels cannot be encoded ({error})", "Free some memory and run again."
        ) from error
    header, *pixels, end = split_chunks(bytes(encoded))
    before, after = (with_own_thumbnail(chunks, photo) for chunks in (container.before, container.after))
    if mark is not None:
        before = [chunk for chunk in before if not _is_mark(chunk)]
        after = [chunk for chunk in after if not _is_mark(chunk)]
        before, after = with_provenance(before, after, mark)
        before.append(Chunk(b"tEXt", MARK_KEYWORD + b"\0" + mark.text.encode("latin-1")))
    file.write(SIGNATURE)
    for chunk in (header, *before, *pixels, *after, end):
        file.write(pack_chunk(chunk))


def _most_bytes(samples: np.ndarray) -> int:
    """Return the bytes that a PNG of these samples has at most; the encoder's own guess forgets a byte a row."""
    raw_bytes = samples.nbytes + len(samples)
    return raw_bytes + raw_bytes // 256 + 1024  # what deflate and chunks add to noise: less than 0.2 %


def read_png_mark(file: BinaryIO) -> str | None:
    """Return the tool's own mark, or None; looks at the chunks before the pixels only."""
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"IDAT", b"IEND") or not kind.isalpha():
            return None
        if kind == b"tEXt" and length <= MAX_MARK_BYTES:
            chunk = Chunk(kind, file.read(length))
            if _is_mark(chunk):
                return chunk.payload[len(MARK_KEYWORD) + 1 :].decode("latin-1")
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
    return None


def _in_place(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Return the chunks without those that lie behind the pixels and mean nothing there."""
    kept: list[Chunk] = []
    pixels_began = False
    for chunk in chunks:
        pixels_began = pixels_began or chunk.kind == b"IDAT"
        if not (pixels_began and chunk.kind in BEFORE_PIXELS):
            kept.append(chunk)
    return kept


def _decode(chunks: list[Chunk]) -> np.ndarray:
    """Return the samples, decoded from the chunks that matter: libpng stumbles over damaged others."""
    needed = (chunk for chunk in chunks if chunk.is_critical or chunk.kind == b"tRNS")
    try:
        samples: np.ndarray = imagecodecs.png_decode(SIGNATURE + b"".join(map(pack_chunk, needed)))
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its pixels cannot be decoded ({error})") from error
    return samples


def _translated(chunks: list[Chunk], header: Header, samples: np.ndarray) -> list[Chunk]:
    """Return the chunks before the pixels, without those that do not fit the samples as they are now."""
    written_type = {1: GREY, 2: GREY_ALPHA, 3: RGB, 4: RGB_ALPHA}[samples.shape[2]]
    stored_alike = written_type == header.colour_type and samples.dtype.itemsize * 8 == header.depth
    palette = next((chunk.payload for chunk in chunks if chunk.kind == b"PLTE"), b"")
    kept = []
    for chunk in chunks:
        if chunk.kind in POSITION_CHUNKS or _is_malformed(chunk):
            continue
        if stored_alike or chunk.kind not in STORAGE_CHUNKS:
            kept.append(chunk)
        elif chunk.kind == b"bKGD" and (background := _background(chunk.payload, header, palette)):
            kept.append(Chunk(b"bKGD", background))
    return kept


def _background(payload: bytes, header: Header, palette: bytes) -> bytes | None:
    """Return the background colour in terms of plain samples, or None when it makes no sense."""
    if header.colour_type == PALETTE:
        colour = palette[3 * payload[0] : 3 * payload[0] + 3] if payload else b""
        return struct.pack(">3H", *colour) if len(colour) == 3 else None
    if header.depth < 8:
        level = int.from_bytes(payload[:2], "big") * 255 // ((1 << header.depth) - 1)
        return struct.pack(">H", level) if level <= 255 else None
    return payload


def _is_malformed(chunk: Chunk) -> bool:
    """Return whether nothing can be read from a chunk; some programs refuse a file for the sake of one."""
    return len(chunk.payload) != CHUNK_BYTES.get(chunk.kind, len(chunk.payload))


def _is_mark(chunk: Chunk) -> bool:
    return chunk.kind == b"tEXt" and chunk.payload.startswith(MARK_KEYWORD + b"\0")


def _header(head: bytes) -> Header:
    header = read_header(head)
    if header.depth == 1 and header.colour_type == GREY:
        raise UnsupportedFileError(BLACK_AND_WHITE)
    return header


def png_size(file: BinaryIO, path: Path) -> Size:
    """Return what the header claims. Raises DamagedFileError, UnsupportedFileError for black and white of 1 bit."""
    header = _header(file.read(HEADER_BYTES))
    samples = 3 if header.colour_type == PALETTE else SAMPLES[header.colour_type]
    pixels, sample_bytes = header.width * header.height, max(1, header.depth // 8)
    decoded, file_bytes = pixels * samples * sample_bytes, bytes_of(file)
    # Transparency is taken apart when the file's second copy is gone.
    apart = decoded if samples in (2, 4) else 0
    needed = decoded + file_bytes + max(file_bytes, apart)
    return Size(pixels, needed, channels=samples - (samples in (2, 4)), sample_bytes=sample_bytes)


def new_container(photo: Photo, output: OutputConfig) -> tuple[PngContainer, tuple[str, ...]]:
    """Return how a photo of another kind becomes a PNG, which holds all metadata but IPTC."""
    return PngContainer(before=chunks_for(photo.metadata), after=()), ()


PNG = Codec(
    name="png",
    endings=(".png",),
    signatures=(b"\x89PNG\r\n\x1a\n",),
    size=png_size,
    mark=read_png_mark,
    read=read_png,
    new=NewFiles(
        write=write_png,
        container=new_container,
        encoder_bytes=by_sample(1.5, 2.3),
        bits=16,
        holds_16_bits=True,
        linear_light=True,
    ),
)
