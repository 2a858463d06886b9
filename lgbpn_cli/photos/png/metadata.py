"""EXIF, XMP and ICC profile in the chunks of a PNG: out of them, and into new ones."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.colour_description import ColourDescription
from lgbpn_cli.photos.metadata.thumbnail import in_exif, in_xmp
from lgbpn_cli.photos.photo import Metadata, Photo
from lgbpn_cli.photos.png.chunks import CHUNK_BYTES, Chunk, inflated
from lgbpn_cli.photos.png.text import TEXT_CHUNKS, with_text

SOFTWARE_KEYWORD = b"Software\0"
XMP_KEYWORD = b"XML:com.adobe.xmp\0"
FIXED_POINT = 100_000
"""What PNG multiplies gamma and chromaticities with."""


def chunks_for(metadata: Metadata) -> tuple[Chunk, ...]:
    """Return the chunks of a new PNG, all of which belong before the pixels."""
    chunks = []
    if metadata.icc is not None:
        chunks.append(Chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc, 9)))
    if metadata.exif is not None:
        chunks.append(Chunk(b"eXIf", metadata.exif))
    if metadata.xmp is not None:
        chunks.append(_xmp_chunk(metadata.xmp))
    return tuple(chunks)


def with_own_thumbnail(chunks: Sequence[Chunk], photo: Photo) -> list[Chunk]:
    """Return the chunks with the photo's own thumbnail where EXIF had one."""
    changed = []
    for chunk in chunks:
        if chunk.kind == b"eXIf":
            chunk = Chunk(chunk.kind, in_exif(chunk.payload, photo) or b"")
        elif _is_xmp(chunk) and (xmp := _text(chunk.payload)) != (cut := in_xmp(xmp)):
            chunk = _xmp_chunk(cut or b"")
        changed.append(chunk)
    return changed


def with_provenance(
    before: Sequence[Chunk], after: Sequence[Chunk], mark: Mark
) -> tuple[list[Chunk], list[Chunk]]:
    """Return the chunks before and after the pixels with the mark in XMP, and as Software where none is."""
    found = [chunk for chunk in (*before, *after) if _is_xmp(chunk)]
    new = _xmp_chunk(mark.in_xmp(_text(found[0].payload) if found else None))
    before, after = ([new if found[:1] == [chunk] else chunk for chunk in part] for part in (before, after))
    if not found:
        before.append(new)
    texts = [chunk for chunk in (*before, *after) if chunk.kind in TEXT_CHUNKS]
    if not any(chunk.payload.startswith(SOFTWARE_KEYWORD) for chunk in texts):
        before.append(Chunk(b"tEXt", SOFTWARE_KEYWORD + mark.software.encode("latin-1")))
    return before, after


def metadata_of(chunks: Sequence[Chunk], channels: int) -> tuple[Metadata, bool]:
    """Return what the chunks of a PNG say about a photo of 1 or 3 channels, and whether they hold text besides.

    Damaged chunks say nothing.

    Raises UnsupportedFileError for HDR colours.
    """
    first = {chunk.kind: chunk.payload for chunk in reversed(chunks)}
    packet = next((chunk.payload for chunk in chunks if _is_xmp(chunk)), None)
    xmp, text_left = with_text(None if packet is None else _text(packet), chunks)
    exif, icc = first.get(b"eXIf"), _colours(first).profile(channels)
    return Metadata(exif=exif, xmp=xmp, icc=icc), text_left


def _is_xmp(chunk: Chunk) -> bool:
    return chunk.kind == b"iTXt" and chunk.payload.startswith(XMP_KEYWORD)


def _xmp_chunk(xmp: bytes) -> Chunk:
    return Chunk(b"iTXt", XMP_KEYWORD + bytes(4) + xmp)


def _text(payload: bytes) -> bytes | None:
    compressed = payload[len(XMP_KEYWORD) : len(XMP_KEYWORD) + 1] == b"\1"
    _, _, rest = payload[len(XMP_KEYWORD) + 2 :].partition(b"\0")
    _, _, text = rest.partition(b"\0")
    return (inflated(text) if compressed else text) or None


def _colours(chunks: dict[bytes, bytes]) -> ColourDescription:
    """Return what the chunks say of colours; of those too short, nothing."""
    numbers, gamma = chunks.get(b"cICP", b""), chunks.get(b"gAMA", b"")
    corners = chunks.get(b"cHRM", b"")
    encoding = int.from_bytes(gamma, "big") if len(gamma) == CHUNK_BYTES[b"gAMA"] else 0
    return ColourDescription(
        numbers=(numbers[0], numbers[1]) if len(numbers) == CHUNK_BYTES[b"cICP"] else None,
        icc=_icc(chunks),
        is_srgb=len(chunks.get(b"sRGB", b"")) == CHUNK_BYTES[b"sRGB"],
        chromaticities=tuple(value / FIXED_POINT for value in struct.unpack(">8I", corners))
        if len(corners) == CHUNK_BYTES[b"cHRM"]
        else None,
        gamma=FIXED_POINT / encoding if encoding else None,
        exif=chunks.get(b"eXIf"),
    )


def _icc(chunks: dict[bytes, bytes]) -> bytes | None:
    _, _, rest = chunks.get(b"iCCP", b"").partition(b"\0")
    return inflated(rest[1:]) or None
