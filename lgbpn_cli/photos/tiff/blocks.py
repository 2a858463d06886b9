"""Strips and tiles of a TIFF file, decoded and encoded: both directions side by side.

They are decoded with imagecodecs, as tifffile does it. tifffile itself keeps all of them, decoded, beside the picture:
of LZW strips of 6 megapixels 68 MB instead of 22, in 16 bits 126 instead of 42. And where a result is written into a
copy of its photo, new blocks lie where the very table says from which the old ones were read.
"""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO

import imagecodecs
import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError
from lgbpn_cli.photos.jpeg.segments import START, split_jpeg
from lgbpn_cli.photos.tiff.layout import (
    DEFLATE,
    DIFFERENCES,
    FLOAT_BITS,
    FLOAT_DIFFERENCES,
    JPEG,
    LZMA,
    LZW,
    OLD_DEFLATE,
    PACKBITS,
    UNCOMPRESSED,
    ZSTANDARD,
    Block,
    Layout,
)

BAND_BYTES = 1 << 22
"""A strip can be a whole photo: what can be done in parts is done in such."""
STEP_BYTES = 1 << 20
MOST_BEYOND = 64
"""As much as this many pictures may lie behind deflated data and is looked through, for the checksum."""
LARGEST_HALF = 65504.0
"""A float of 16 bits holds no more."""


def read_samples(file: BinaryIO, layout: Layout) -> np.ndarray:
    """Return all samples, (h, w, samples) uint8, uint16 or float32 in native byte order, black at zero.

    Half floats become float32, too.
    Raises DamagedFileError when a block does not decode to the pixels it should hold.
    """
    samples = np.empty((layout.height, layout.width, layout.samples), _native(layout))
    for block in layout.blocks:
        target = samples[block.top : block.top + block.rows, block.left : block.left + block.columns]
        target = target[..., _planes(block, layout)]
        file.seek(block.offset)
        if layout.compression == UNCOMPRESSED:
            _read_plain(file, block, layout, target)
        else:
            target[:] = _decode_block(file.read(block.length), block, layout)[: block.rows, : block.columns]
    if layout.white_is_zero:
        np.invert(samples[..., 0], out=samples[..., 0])
    if samples.dtype == np.float16:
        return samples.astype(np.float32)
    if layout.palette:
        colours = np.frombuffer(layout.palette, np.uint8).reshape(-1, 3)
        return colours[samples[..., 0]]
    return samples


def encode_block(samples: np.ndarray, block: Block, layout: Layout) -> bytes | bytearray | memoryview:
    """Return the bytes of one block, stored the way the layout says; `samples` is as `read_samples` gives.

    A block can be a whole photo of hundreds of megabytes, so nothing is copied without need.
    """
    part = samples[block.top : block.top + block.rows, block.left : block.left + block.columns]
    part = part[..., _planes(block, layout)]
    if layout.floating and layout.bits < FLOAT_BITS:
        part = np.clip(part, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)
    if layout.white_is_zero and block.plane == 0:
        part = part.copy()
        part[..., 0] = np.invert(part[..., 0])
    if layout.tiled:
        # Repeating the border compresses better than black, and nobody ever sees it.
        missing = (layout.block_rows - block.rows, layout.block_columns - block.columns)
        part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    if layout.compression in (DEFLATE, OLD_DEFLATE):
        packer = zlib.compressobj(6)
        some = bands(len(part), max(1, BAND_BYTES // part[:1].nbytes))
        packed = bytearray()
        for rows in some:
            packed += packer.compress(_with_predictor(part[rows], layout).data)
        packed += packer.flush()
        return packed
    return _compress(_with_predictor(part, layout), layout.compression)


def _with_predictor(part: np.ndarray, layout: Layout) -> np.ndarray:
    """Return rows of samples as they are stored, in one piece of memory."""
    if layout.predictor == FLOAT_DIFFERENCES:
        by_weight: np.ndarray = imagecodecs.floatpred_encode(np.ascontiguousarray(part), axis=-2)
        return by_weight
    if layout.predictor == DIFFERENCES:
        differences = part.copy()
        np.subtract(
            part[:, 1:], part[:, :-1], out=differences[:, 1:]
        )  # wraps round, as the standard asks for
        part = differences
    return np.ascontiguousarray(part, _stored(layout))


def _read_plain(file: BinaryIO, block: Block, layout: Layout, target: np.ndarray) -> None:
    """Put a block that is not compressed into its place, a few rows at a time: it can be a whole photo."""
    row_samples = layout.block_columns * layout.block_samples
    row_bytes = row_samples * layout.bits // 8
    for rows in bands(block.rows, max(1, BAND_BYTES // row_bytes)):
        expected = (rows.stop - rows.start) * row_bytes
        data = file.read(expected)
        if len(data) < expected:
            raise DamagedFileError(f"a strip or tile at row {block.top} ends early")
        stored = np.frombuffer(data, _stored(layout)).reshape(-1, layout.block_columns, layout.block_samples)
        target[rows] = _without_predictor(stored, layout)[:, : block.columns]


def _decode_block(raw: bytes, block: Block, layout: Layout) -> np.ndarray:
    shape = (layout.stored_rows(block), layout.block_columns, layout.block_samples)
    if layout.compression == JPEG:
        return _decode_jpeg(raw, block, layout, shape)
    expected = shape[0] * shape[1] * shape[2] * layout.bits // 8
    try:
        data = _decompress(raw, layout.compression, expected)
    except CODEC_ERRORS as error:
        raise DamagedFileError(
            f"a strip or tile at row {block.top} cannot be decompressed ({error})"
        ) from error
    if len(data) < expected:
        raise DamagedFileError(f"a strip or tile at row {block.top} ends early")
    stored = np.frombuffer(data, _stored(layout), expected * 8 // layout.bits).reshape(shape)
    return _without_predictor(stored, layout)


def _without_predictor(stored: np.ndarray, layout: Layout) -> np.ndarray:
    """Return rows of samples of which the differences were stored, or their bytes by weight."""
    if layout.predictor == FLOAT_DIFFERENCES:
        # Its bytes are sorted by weight, whatever the file's byte order.
        floats: np.ndarray = imagecodecs.floatpred_decode(stored.view(_native(layout)), axis=-2)
        return floats
    if layout.predictor == DIFFERENCES:
        return np.cumsum(stored, axis=1, dtype=_native(layout))
    return stored


def _decode_jpeg(raw: bytes, block: Block, layout: Layout, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the pixels of a block that is a JPEG stream of its own, but for its tables."""
    where = f"a strip or tile at row {block.top}"
    if not raw.startswith(START):
        raise DamagedFileError(f"{where} is not a JPEG")
    frame = split_jpeg(raw).frame
    # The decoder takes its size from here: a strip at the end may be filled up to whole 8 x 8 squares.
    fits = frame.width == shape[1] and shape[0] <= frame.height <= max(layout.block_rows, shape[0] + 15)
    if not fits or len(frame.components) != shape[2]:
        raise DamagedFileError(f"{where} holds a different picture from what its header claims")
    try:
        pixels: np.ndarray = imagecodecs.jpeg8_decode(
            raw,
            tables=layout.jpeg_tables or None,
            colorspace=layout.jpeg_colours,
            outcolorspace="GRAYSCALE" if shape[2] == 1 else "RGB",
        )
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"{where} cannot be decompressed ({error})") from error
    return pixels.reshape(frame.height, frame.width, shape[2])[: shape[0]]


def _decompress(raw: bytes, compression: int, expected: int) -> bytes:
    """Return at most `expected` bytes (a few more from careless writers), fewer when the data ends early."""
    if compression == LZW:
        return bytes(imagecodecs.lzw_decode(raw, out=expected))
    if compression == PACKBITS:
        return bytes(imagecodecs.packbits_decode(raw, out=expected))
    if compression == LZMA:
        return bytes(imagecodecs.lzma_decode(raw, out=expected))
    if compression == ZSTANDARD:
        return bytes(imagecodecs.zstd_decode(raw, out=expected))
    if compression in (DEFLATE, OLD_DEFLATE):
        return _inflate(raw, expected)
    return raw


def _inflate(raw: bytes, expected: int) -> bytes:
    """Return at most `expected` bytes; none where the data end early. Raises zlib.error for a wrong checksum, too.

    The checksum lies behind everything, also behind what careless writers add, such as rows below the picture; damaged
    data seem to have such an end.
    """
    stream = zlib.decompressobj()
    data = stream.decompress(raw, expected)
    beyond = 0
    while not stream.eof and beyond <= MOST_BEYOND * expected + STEP_BYTES:
        more = stream.decompress(stream.unconsumed_tail, STEP_BYTES)
        if not more and not stream.eof:
            return b""
        beyond += len(more)
    return data


def _compress(part: np.ndarray, compression: int) -> bytes | memoryview:
    content = part.view(np.uint8).reshape(-1).data
    if compression == LZW:
        return bytes(imagecodecs.lzw_encode(bytes(content)))
    if compression == PACKBITS:
        # The standard lets no run reach into the next row.
        return b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in part)
    if compression == LZMA:
        return bytes(imagecodecs.lzma_encode(bytes(content)))
    if compression == ZSTANDARD:
        return bytes(imagecodecs.zstd_encode(bytes(content)))
    return content


def _planes(block: Block, layout: Layout) -> slice:
    return slice(block.plane, block.plane + 1) if layout.separate else slice(None)


def _native(layout: Layout) -> np.dtype[Any]:
    if layout.floating:
        return np.dtype(np.float32 if layout.bits == FLOAT_BITS else np.float16)
    return np.dtype(np.uint8 if layout.bits == 8 else np.uint16)


def _stored(layout: Layout) -> np.dtype[Any]:
    return _native(layout).newbyteorder("<" if layout.order == "<" else ">")
