"""Small pictures of the photo that its metadata hold: replaced by the result's, so that none shows the noisy one.

EXIF keeps one behind a second directory (Exif 2.32, section 4.5.8), Photoshop in its resources 1033 and 1036, XMP in
`xmp:Thumbnails`. The bytes of the old ones are taken out or overwritten with zeros.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from PIL import Image

from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError
from lgbpn_cli.photos.metadata.companions_in_file import THUMBNAILS as XMP_THUMBNAILS
from lgbpn_cli.photos.metadata.companions_in_file import XMP_CORE
from lgbpn_cli.photos.metadata.exif import (
    EXIF_POINTER,
    GPS_POINTER,
    INTEROP_POINTER,
    longs,
    pack_directory,
    rationals,
    shorts,
)
from lgbpn_cli.photos.metadata.icc import SRGB_CURVE
from lgbpn_cli.photos.metadata.photoshop import resources_in
from lgbpn_cli.photos.metadata.xmp_packet import without_properties
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.tiff.directory import (
    Directory,
    read_directory,
    read_directory_at,
    read_integers,
)

SIDE_PX = 160
"""Longer side: the size of the thumbnails of most cameras."""
QUALITY = 85
JPEG_OFFSET, JPEG_BYTES = 513, 514
STRIP_OFFSETS, STRIP_BYTES = 273, 279
COMPRESSION, JPEG_COMPRESSION = 259, 6
RESOURCES = frozenset({1033, 1036})
NEUTRAL_DPI = 72.0

Extent = tuple[int, int]


def reduced(photo: Photo, width: int, height: int) -> Image.Image:
    """Return the photo in this size, 8 bits, in the colours it has; light in sRGB's curve."""
    step = max(1, min(photo.pixels.shape[0] // (2 * height), photo.pixels.shape[1] // (2 * width)))
    samples = photo.pixels[::step, ::step]
    white = np.iinfo(samples.dtype).max if np.issubdtype(samples.dtype, np.integer) else 1.0
    values = np.clip(samples / np.float32(white), 0, 1)
    if photo.linear:
        values = SRGB_CURVE.encode(values)
    levels = np.rint(values * 255).astype(np.uint8)
    image = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    return image.resize((width, height), Image.Resampling.BOX if step > 1 else Image.Resampling.LANCZOS)


def as_jpeg(image: Image.Image, most_bytes: int | None = None) -> bytes | None:
    """Return the picture as a JPEG of at most so many bytes; None where it cannot be that small."""
    for quality in (QUALITY, 70, 50, 30):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if most_bytes is None or buffer.tell() <= most_bytes:
            return buffer.getvalue()
    return None


def own_thumbnail(photo: Photo) -> bytes | None:
    """Return a JPEG of the photo of SIDE_PX at most, as it lies: not turned."""
    height, width = photo.pixels.shape[:2]
    scale = min(1.0, SIDE_PX / max(width, height))
    try:
        return as_jpeg(reduced(photo, max(1, round(scale * width)), max(1, round(scale * height))))
    except CODEC_ERRORS:  # a file without thumbnail is better than none
        return None


def in_exif(exif: bytes | None, photo: Photo, most_bytes: int | None = None) -> bytes | None:
    """Return the EXIF blob with the photo's own thumbnail in place of the one it has; a blob without any as it is.

    Without one, too, where the blob would grow beyond `most_bytes`.
    """
    bare = None if exif is None else without_thumbnail(exif)
    if bare is None or bare == exif or (jpeg := own_thumbnail(photo)) is None:
        return bare
    first = read_directory(io.BytesIO(bare), len(bare))
    order, place = first.order, len(bare) + len(bare) % 2
    tags = [
        shorts(COMPRESSION, JPEG_COMPRESSION, order=order),
        rationals(282, NEUTRAL_DPI, order=order),
        rationals(283, NEUTRAL_DPI, order=order),
        shorts(296, 2, order=order),
        longs(JPEG_OFFSET, 0, order=order),
        longs(JPEG_BYTES, len(jpeg), order=order),
    ]
    behind = place + len(pack_directory(order, tags, place))
    tags[4] = longs(JPEG_OFFSET, behind, order=order)
    result = bytearray(bare.ljust(place, b"\0") + pack_directory(order, tags, place) + jpeg)
    struct.pack_into(order + "I", result, first.end - 4, place)
    return bare if most_bytes is not None and len(result) > most_bytes else bytes(result)


def without_thumbnail(exif: bytes) -> bytes:
    """Return the blob without its second directory and the thumbnail's bytes; all other offsets stay as they are."""
    file = io.BytesIO(exif)
    try:
        first = read_directory(file, len(exif))
    except DamagedFileError:
        return exif
    if first.big or not first.next_offset:
        return exif
    changed = bytearray(exif)
    changed[first.end - 4 : first.end] = bytes(4)
    try:
        second = read_directory_at(file, len(exif), first.order, False, first.next_offset)
        pictures = list(_pictures(file, len(exif), second))
        others = list(_extents(file, len(exif), first))
    except DamagedFileError:
        return bytes(changed)
    gone = [*pictures, *_own_extents(second)]
    for begin, end in gone:
        if not any(begin < other_end and other_begin < end for other_begin, other_end in others):
            changed[begin:end] = bytes(end - begin)
    end = len(changed)
    while (before := next((b for b, e in gone if b < end <= e + e % 2), end)) < end:
        end = before
    kept = max((other_end for _, other_end in others), default=8)
    return bytes(changed[: max(end, kept)])


def in_xmp(xmp: bytes | None) -> bytes | None:
    """Return the packet without thumbnails."""
    if xmp is None or XMP_THUMBNAILS.encode() not in xmp:
        return xmp
    return without_properties(xmp, lambda part: (part.namespace, part.name) == (XMP_CORE, XMP_THUMBNAILS))


def in_resources(resources: bytes) -> bytes:
    """Return Photoshop's resources without thumbnails; what follows where they make no sense stays as it is."""
    kept, position = [], 0
    for resource in resources_in(resources):
        if resource.number not in RESOURCES:
            kept.append(resources[resource.begin : resource.end])
        position = min(resource.end, len(resources))
    return b"".join([*kept, resources[position:]])


def _pictures(file: io.BytesIO, blob_bytes: int, directory: Directory) -> Iterator[Extent]:
    """Give where the bytes of a directory's picture lie."""
    for offsets, lengths in ((JPEG_OFFSET, JPEG_BYTES), (STRIP_OFFSETS, STRIP_BYTES)):
        entries = [directory.find(tag) for tag in (offsets, lengths)]
        values = [read_integers(file, directory, entry) if entry is not None else () for entry in entries]
        for begin, length in zip(*values, strict=False):
            if length and begin + length <= blob_bytes:
                yield begin, begin + length


def _own_extents(directory: Directory) -> Iterator[Extent]:
    """Give where a directory and its values lie."""
    yield directory.offset, directory.end
    for entry in directory.entries:
        if entry.value_bytes:
            yield entry.value_offset, entry.value_offset + entry.value_bytes


def _extents(file: io.BytesIO, blob_bytes: int, first: Directory) -> Iterator[Extent]:
    """Give where the header, a first directory and those it points to lie, with their values."""
    yield 0, 8
    yield from _own_extents(first)
    for tag in (EXIF_POINTER, GPS_POINTER):
        for inner in _directories_behind(file, blob_bytes, first, tag):
            yield from _own_extents(inner)
            for innermost in _directories_behind(file, blob_bytes, inner, INTEROP_POINTER):
                yield from _own_extents(innermost)


def _directories_behind(
    file: io.BytesIO, blob_bytes: int, directory: Directory, pointer: int
) -> Iterator[Directory]:
    """Give the directory that a tag points to, if there is one."""
    entry = directory.find(pointer)
    for offset in read_integers(file, directory, entry) if entry is not None and entry.count == 1 else ():
        with suppress(DamagedFileError):
            yield read_directory_at(file, blob_bytes, directory.order, False, offset)
