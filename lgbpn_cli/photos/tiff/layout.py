"""How a TIFF file stores its picture: sample kind, blocks (strips or tiles), and where they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import BinaryIO

from lgbpn_cli.photos.faults import BLACK_AND_WHITE, DamagedFileError, UnsupportedFileError, check_size
from lgbpn_cli.photos.tiff.directory import Directory, read_integers, read_value

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
PHOTOMETRICS = {
    4: "a transparency mask",
    5: "CMYK colours, a printer's inks, which the network has not learned",
    YCBCR: "YCbCr colours",
    8: "Lab colours",
    9: "Lab colours",
    10: "Lab colours",
    32803: "camera raw samples",
    34892: "camera raw samples",
}
UNCOMPRESSED, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 7, 8, 32946, 32773
LZMA, ZSTANDARD = 34925, 50000
LARGEST_EXPANSION = {
    UNCOMPRESSED: 1, PACKBITS: 64, DEFLATE: 1032, OLD_DEFLATE: 1032, LZW: 2731, JPEG: 4096,
    LZMA: 1 << 14, ZSTANDARD: 1 << 16,
}  # fmt: skip
"""Supported compressions, each with the most bytes that one stored byte can become."""
OTHER_COMPRESSIONS = {
    2: "fax", 3: "fax", 4: "fax", 6: "JPEG of an outdated kind", 34712: "JPEG 2000", 34892: "JPEG",
    34887: "LERC", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
DIFFERENCES, FLOAT_DIFFERENCES = 2, 3
"""Predictors: differences to the left neighbour, and the same of floats' bytes sorted by weight."""
JPEG_TABLES_TAG, COLOUR_MAP_TAG = 347, 320
PALETTE_COLOURS = 256
DNG_VERSION_TAG = 50706
FLOAT_BITS = 32
"""Bits of a floating-point sample; integers have 8 or 16."""


@dataclass(frozen=True)
class Block:
    """One strip or tile: the part of the picture it covers and where its bytes lie."""

    top: int
    left: int
    rows: int
    """Rows inside the picture; a tile at the lower border stores more."""
    columns: int
    plane: int
    """First of the samples it holds."""
    offset: int
    length: int


@dataclass(frozen=True)
class Layout:
    """The storage of the first picture of a TIFF file."""

    width: int
    height: int
    samples: int
    """Samples of a pixel, alpha included."""
    colours: int
    """1 (grey) or 3 (RGB)."""
    bits: int
    """8, 16, or FLOAT_BITS; 16 also of half floats."""
    order: str
    compression: int
    predictor: int
    """1 (none), DIFFERENCES or FLOAT_DIFFERENCES."""
    white_is_zero: bool
    separate: bool
    """One block holds one sample of each pixel instead of all."""
    block_rows: int
    """Rows stored in a full block."""
    block_columns: int
    tiled: bool
    blocks: tuple[Block, ...]
    floating: bool = False
    """Samples are floats, of 16 or 32 bits."""
    jpeg_colours: str = ""
    """What the components of JPEG blocks are, in the decoder's words; empty for other compressions."""
    jpeg_tables: bytes = b""
    """Tables that all JPEG blocks share."""
    palette: bytes = b""
    """RGB for each of 256 sample values; empty where samples are colours themselves."""

    def as_written(self) -> Layout:
        """Return how a result is stored: JPEG, which would lose once more, becomes deflate, a palette RGB."""
        if self.compression == JPEG:
            return replace(self, compression=DEFLATE, predictor=DIFFERENCES, jpeg_colours="", jpeg_tables=b"")
        if self.palette:
            return replace(self, samples=3, colours=3, palette=b"")
        return self

    @property
    def block_samples(self) -> int:
        """Samples of a pixel inside one block."""
        return 1 if self.separate else self.samples

    def stored_rows(self, block: Block) -> int:
        """Rows that the block stores: tiles are always full, the last strip is not."""
        return self.block_rows if self.tiled else block.rows


class _Tags:
    """The integers of a directory by tag, with the standard's defaults."""

    def __init__(self, file: BinaryIO, directory: Directory) -> None:
        self.file = file
        self.directory = directory

    def all(self, tag: int) -> tuple[int, ...]:
        entry = self.directory.find(tag)
        return () if entry is None else read_integers(self.file, self.directory, entry)

    def one(self, tag: int, default: int | None = None) -> int:
        values = self.all(tag)
        if values:
            return values[0]
        if default is None:
            raise DamagedFileError(f"its TIFF directory lacks tag {tag}")
        return default


def read_layout(
    file: BinaryIO, file_bytes: int, directory: Directory, max_pixels: int, *, secondary: bool = False
) -> Layout:
    """Return how the picture of this directory is stored; no pixel is decoded and no large memory asked for.

    Raises UnsupportedFileError for kinds of TIFF that are not handled, DamagedFileError for one whose blocks
    are missing or do not lie inside the file, or that is larger than `max_pixels`. `secondary` takes previews, too.
    """
    tags = _Tags(file, directory)
    _refuse_other_kinds(tags, secondary=secondary)
    width, height = tags.one(256), tags.one(257)
    compression = tags.one(259, UNCOMPRESSED)
    photometric = tags.one(262)
    jpeg_colours, jpeg_tables = _jpeg_coding(tags, photometric) if compression == JPEG else ("", b"")
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE) and not jpeg_colours:
        raise UnsupportedFileError(
            f"a TIFF with {PHOTOMETRICS.get(photometric, f'colour code {photometric}')}"
        )
    colours = 3 if photometric in (RGB, YCBCR) else 1
    samples = tags.one(277, 1)
    bits, floating = _sample_bits(tags)
    if floating and photometric == WHITE_IS_ZERO:
        raise UnsupportedFileError("a TIFF with floating-point samples that are dark where they are large")
    if samples not in (colours, colours + 1) or (
        samples > colours and (jpeg_colours or photometric == PALETTE)
    ):
        raise UnsupportedFileError(f"a TIFF with {samples} samples a pixel")
    palette = _palette(tags, bits) if photometric == PALETTE else b""
    check_size(width, height, max_pixels)
    if compression not in LARGEST_EXPANSION:
        name = OTHER_COMPRESSIONS.get(compression, f"unknown (code {compression})")
        raise UnsupportedFileError(f"a TIFF with {name} compression")
    predictor = 1 if compression == JPEG else tags.one(317, 1)
    if predictor not in (1, FLOAT_DIFFERENCES if floating else DIFFERENCES):
        raise UnsupportedFileError(f"a TIFF with predictor {predictor}")
    tiled = directory.find(324) is not None
    block_columns = tags.one(322) if tiled else width
    block_rows = tags.one(323) if tiled else min(tags.one(278, height), height)
    if min(block_columns, block_rows) < 1 or block_columns * block_rows > max(max_pixels, 1 << 22):
        raise DamagedFileError(f"its header claims blocks of {block_columns} x {block_rows} px")
    separate = samples > 1 and tags.one(284, 1) == 2
    if separate and jpeg_colours:
        raise UnsupportedFileError("a TIFF with JPEG compression of single colours")
    shape = (height, width, samples if separate else 1)
    block_bytes = block_rows * block_columns * (1 if separate else samples) * bits // 8
    blocks = _find_blocks(
        tags, shape, (block_rows, block_columns), tiled, compression, block_bytes, file_bytes
    )
    return Layout(
        width=width, height=height, samples=samples, colours=colours, bits=bits, order=directory.order,
        compression=compression, predictor=predictor, white_is_zero=photometric == WHITE_IS_ZERO,
        separate=separate, block_rows=block_rows, block_columns=block_columns, tiled=tiled, blocks=blocks,
        jpeg_colours=jpeg_colours, jpeg_tables=jpeg_tables, palette=palette,
        floating=floating,
    )  # fmt: skip


def is_secondary(file: BinaryIO, directory: Directory) -> bool:
    """Return whether a page says that it is a smaller version or a mask of another."""
    return bool(_Tags(file, directory).one(254, 0) & 0b101)


def is_mask(file: BinaryIO, directory: Directory) -> bool:
    """Return whether a page says that it is a transparency mask."""
    return bool(_Tags(file, directory).one(254, 0) & 0b100)


def _refuse_other_kinds(tags: _Tags, *, secondary: bool) -> None:
    directory = tags.directory
    if directory.find(DNG_VERSION_TAG) is not None:
        raise UnsupportedFileError(
            "a camera raw file with the wrong ending (DNG)", "Rename it to end in .dng."
        )
    # Raw files that look like TIFF begin with a preview; to denoise that would help nobody.
    if not secondary and is_secondary(tags.file, directory):
        raise UnsupportedFileError("a TIFF whose first picture is a preview or a mask (a camera raw file?)")
    if tags.one(266, 1) != 1:
        raise UnsupportedFileError("a TIFF with reversed bit order")


def _jpeg_coding(tags: _Tags, photometric: int) -> tuple[str, bytes]:
    """Return what the components of JPEG blocks are, empty for colours not handled, and their shared tables."""
    colours = {BLACK_IS_ZERO: "GRAYSCALE", RGB: "RGB", YCBCR: "YCBCR"}.get(photometric, "")
    entry = tags.directory.find(JPEG_TABLES_TAG)
    return colours, b"" if entry is None else read_value(tags.file, entry)


def _palette(tags: _Tags, bits: int) -> bytes:
    """Return the RGB colour, 8 bits each, of every sample value."""
    if bits != 8:
        raise UnsupportedFileError(f"a TIFF with palette colours of {bits} bits")
    values = tags.all(COLOUR_MAP_TAG)
    if len(values) != 3 * PALETTE_COLOURS:
        raise DamagedFileError(f"its palette has {len(values)} of {3 * PALETTE_COLOURS} values")
    shift = 8 if max(values) > 255 else 0  # some writers store 8 bits where the standard has 16
    planes = [values[first : first + PALETTE_COLOURS] for first in range(0, len(values), PALETTE_COLOURS)]
    return bytes(value >> shift for colour in zip(*planes, strict=True) for value in colour)


def _sample_bits(tags: _Tags) -> tuple[int, bool]:
    """Return bits of a sample, and whether samples are floats."""
    bits = set(tags.all(258)) or {1}
    sample_formats = set(tags.all(339)) or {1}
    if bits in ({FLOAT_BITS}, {16}) and sample_formats == {3}:
        return bits.pop(), True
    if bits == {1}:
        raise UnsupportedFileError(BLACK_AND_WHITE)
    if bits not in ({8}, {16}):
        raise UnsupportedFileError(f"a TIFF with {', '.join(map(str, sorted(bits)[:4]))} bits a sample")
    if not sample_formats <= {1, 4}:  # unsigned, or undefined, which is read as unsigned
        raise UnsupportedFileError("a TIFF with signed samples")
    return bits.pop(), False


def _find_blocks(
    tags: _Tags,
    shape: tuple[int, int, int],
    block_shape: tuple[int, int],
    tiled: bool,
    compression: int,
    block_bytes: int,
    file_bytes: int,
) -> tuple[Block, ...]:
    height, width, planes = shape
    block_rows, block_columns = block_shape
    down, across = math.ceil(height / block_rows), math.ceil(width / block_columns)
    count = down * across * planes
    offsets = tags.all(324 if tiled else 273)
    lengths = tags.all(325 if tiled else 279)
    row_bytes = block_bytes // block_rows
    if len(offsets) < count or (lengths and len(lengths) < count):
        raise DamagedFileError(f"its TIFF directory lists {len(offsets)} of {count} strips or tiles")
    if not lengths and compression != UNCOMPRESSED:
        raise DamagedFileError("its TIFF directory lacks the lengths of its strips or tiles")
    blocks = []
    for index in range(count):
        plane, place = divmod(index, down * across)
        top, left = place // across * block_rows, place % across * block_columns
        rows = min(block_rows, height - top)
        needed = block_bytes if tiled else row_bytes * rows
        length = lengths[index] if lengths else needed
        if offsets[index] + length > file_bytes:
            raise DamagedFileError("its picture data ends early: the file is truncated")
        if length * LARGEST_EXPANSION[compression] < needed:
            raise DamagedFileError(f"strip or tile {index} holds {length} bytes, too few for its pixels")
        columns = min(block_columns, width - left)
        blocks.append(Block(top, left, rows, columns, plane, offsets[index], length))
    return tuple(blocks)
