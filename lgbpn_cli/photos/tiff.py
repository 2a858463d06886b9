"""TIFF photos: read their first picture, and write new pixels into a copy of the file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lgbpn_cli.photos.exif import SOFTWARE
from lgbpn_cli.photos.faults import EncodingError, UnsupportedFileError
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.orientation import directory_orientation
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.tiff_blocks import encode_block, read_samples
from lgbpn_cli.photos.tiff_directory import Directory, read_directory, read_value
from lgbpn_cli.photos.tiff_edit import FreeSpace, TiffEditor
from lgbpn_cli.photos.tiff_layout import FLOAT_BITS, Layout, read_layout
from lgbpn_cli.photos.tiff_metadata import MARK_TAG, XMP_TAG, tiff_metadata
from lgbpn_cli.photos.tiff_new import NewTiffContainer, write_new_tiff

BRIGHTEST_COMMON = 8.0
"""Three stops above white: floats of which many are larger are on another scale, such as 0..255."""
MARK_PREFIX = "lgbpn "
MAX_MARK_BYTES = 1 << 16


@dataclass(frozen=True)
class TiffContainer(Container):
    """Where things lie in the source file, which is copied when the photo is written."""

    directory: Directory
    layout: Layout
    file_bytes: int
    modified_ns: int


def read_tiff(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the first picture of a TIFF file.

    Raises DamagedFileError, and UnsupportedFileError for several pages, CMYK, Lab, JPEG compression.
    Floating-point samples are taken as linear light with white at 1.0.
    """
    status = os.fstat(file.fileno())
    directory = read_directory(file, status.st_size)
    layout = read_layout(file, status.st_size, directory, max_pixels)
    samples = read_samples(file, layout)
    if layout.bits == FLOAT_BITS:
        _check_light(samples)
    with_alpha = layout.samples > layout.colours
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(samples[..., : layout.colours]),
        alpha=samples[..., layout.colours].copy() if with_alpha else None,
        format="tiff",
        orientation=directory_orientation(file, directory),
        container=TiffContainer(directory, layout, status.st_size, status.st_mtime_ns),
        metadata=tiff_metadata(file, status.st_size, directory),
        linear=samples.dtype == np.float32,
    )


def _check_light(samples: np.ndarray) -> None:
    """Raise unless float samples look like light with white at 1.0, highlights above it included."""
    if not np.isfinite(samples).all():
        raise UnsupportedFileError(
            "it holds values that are no numbers (NaN or infinite)",
            "Replace them in the program that made the file, or leave it out.",
        )
    if samples.size and np.percentile(samples[::8], 95) > BRIGHTEST_COMMON:
        raise UnsupportedFileError(
            "a TIFF with floating-point samples far above 1.0, where white should be",
            "Scale its values so that white is 1.0, or leave it out.",
        )


def write_tiff(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write a copy of the photo's source file with the photo's pixels, compressed as they were.

    Every other byte of the source stays where it is, old pixel data that is no longer used included.
    Raises EncodingError when the source is gone or changed, or the result too large for its kind of TIFF.
    """
    container = photo.container
    if isinstance(container, NewTiffContainer):
        write_new_tiff(photo, file, mark)
        return
    if not isinstance(container, TiffContainer):
        raise TypeError("a TIFF photo without its container cannot be written")
    directory, layout = container.directory, container.layout
    samples = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    if samples.shape != (layout.height, layout.width, layout.samples):
        raise ValueError(f"the photo was read with another shape than {samples.shape}")
    _copy_source(photo.path, container, file)

    extents = [(block.offset, block.offset + block.length) for block in layout.blocks]
    reusable = not _touch_each_other(extents, _structure(container))
    space = FreeSpace(extents if reusable else (), container.file_bytes)
    editor = TiffEditor(file, directory, space)
    offsets, lengths = [], []
    for block in layout.blocks:
        data = encode_block(samples, block, layout)
        offsets.append(editor.write_block(data))
        lengths.append(len(data))
    editor.set_integers(324 if layout.tiled else 273, offsets)
    editor.set_integers(325 if layout.tiled else 279, lengths)
    if mark is not None:
        editor.set_text(MARK_TAG, MARK_PREFIX + mark.text)
        editor.set_bytes(XMP_TAG, mark.in_xmp(photo.metadata.xmp))
        if directory.find(SOFTWARE) is None:
            editor.set_text(SOFTWARE, mark.software)
    editor.finish()


def read_tiff_mark(file: BinaryIO) -> str | None:
    """Return the tool's own mark, or None. Raises DamagedFileError."""
    directory = read_directory(file, os.fstat(file.fileno()).st_size)
    entry = directory.find(MARK_TAG)
    if entry is None or entry.value_bytes > MAX_MARK_BYTES:
        return None
    text = read_value(file, entry).decode("ascii", "replace").rstrip("\0")
    return text.removeprefix(MARK_PREFIX) if text.startswith(MARK_PREFIX) else None


def _copy_source(path: Path, container: TiffContainer, file: BinaryIO) -> None:
    again = "Leave the source where it is while it is worked on, and run again."
    try:
        source = path.open("rb")
    except OSError as error:
        raise EncodingError(f"its source can no longer be read ({error.strerror})", again) from error
    with source:
        status = os.fstat(source.fileno())
        if (status.st_size, status.st_mtime_ns) != (container.file_bytes, container.modified_ns):
            raise EncodingError("its source was changed while it was worked on", again)
        shutil.copyfileobj(source, file, 1 << 20)


def _structure(container: TiffContainer) -> list[tuple[int, int]]:
    """Return where header, directory and the values of known type lie, as (begin, end)."""
    directory = container.directory
    values = [
        (entry.value_offset, entry.value_offset + entry.value_bytes)
        for entry in directory.entries
        if entry.value_bytes
    ]
    return [(0, 16 if directory.big else 8), (directory.offset, directory.end), *values]


def _touch_each_other(blocks: Iterable[tuple[int, int]], structure: Iterable[tuple[int, int]]) -> bool:
    """Return whether a strange file keeps pixels and tags in the same bytes: no block may be reused."""
    marked = sorted([(*extent, True) for extent in blocks] + [(*extent, False) for extent in structure])
    block_end = structure_end = 0
    for begin, end, is_block in marked:
        if end <= begin:
            continue
        if begin < (structure_end if is_block else block_end):
            return True
        if is_block:
            block_end = max(block_end, end)
        else:
            structure_end = max(structure_end, end)
    return False
