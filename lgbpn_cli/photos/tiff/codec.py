"""TIFF photos: read their pages, and write new pixels into a copy of the file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.codec import Codec, NewFiles, by_sample
from lgbpn_cli.photos.faults import EncodingError, UnsupportedFileError
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.exif import MAX_VALUE_BYTES, SOFTWARE
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import UPRIGHT, directory_orientation
from lgbpn_cli.photos.metadata.thumbnail import in_resources
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.tiff.blocks import encode_block, read_samples
from lgbpn_cli.photos.tiff.claim import tiff_size
from lgbpn_cli.photos.tiff.directory import (
    Directory,
    read_directories,
    read_directory,
    read_value,
)
from lgbpn_cli.photos.tiff.edit import FreeSpace, TiffEditor, point_header_to
from lgbpn_cli.photos.tiff.layout import (
    BLACK_IS_ZERO,
    COLOUR_MAP_TAG,
    JPEG_TABLES_TAG,
    RGB,
    Layout,
    is_secondary,
    read_layout,
)
from lgbpn_cli.photos.tiff.metadata import MARK_TAG, XMP_TAG, tiff_metadata, tiff_profile
from lgbpn_cli.photos.tiff.new import NewTiffContainer, write_new_tiff
from lgbpn_cli.photos.tiff.smaller import (
    SUB_DIRECTORIES_TAG,
    SubPicture,
    as_smaller,
    smaller_layout,
    sub_pictures,
)

BRIGHTEST_COMMON = 8.0
"""Three stops above white: floats of which many are larger are on another scale, such as 0..255."""
SAMPLE_FORMAT_TAG = 339
RESOURCES_TAG = 34377
"""Photoshop's image resources."""
LAYERS_TAG = 37724
"""Photoshop's layers: the same picture, noise and all, and what image editors show instead of the flat one."""
JPEG_TAGS = (JPEG_TABLES_TAG, *range(512, 522), *range(529, 533))
"""What describes JPEG data and YCbCr colours; wrong once they became deflated RGB."""
ROOM_WORTH_USING_BYTES = 64
MARK_PREFIX = "lgbpn "
MAX_MARK_BYTES = 1 << 16


@dataclass(frozen=True)
class TiffPage:
    """One page that gets new pixels."""

    index: int
    """Its place among the directories."""
    layout: Layout
    """How the source stores it."""
    version_of: int = 0
    """For a smaller version: the place of the page it is one of, the one before it."""


@dataclass(frozen=True)
class TiffContainer(Container):
    """Where things lie in the source file, which is copied when the photo is written."""

    directories: tuple[Directory, ...]
    """Of all pages."""
    pages: tuple[TiffPage, ...]
    """The first page, and the further ones that are denoised."""
    previews: tuple[TiffPage, ...]
    """Smaller versions of pages, which are made anew."""
    inside: tuple[SubPicture, ...]
    """What lies behind the SubIFDs tags of pages."""
    full_pages: int
    """Pages that are not previews or masks of others."""
    file_bytes: int
    modified_ns: int

    @property
    def photos(self) -> int:
        """Its pages."""
        return self.full_pages

    def for_a_corner(self) -> None:
        """Return None: new pixels go into a copy, whose blocks have to be there."""


def read_tiff(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the first page of a TIFF file, with those further pages that are photos too.

    Previews, masks and pages of other kinds stay as they are, which the photo's notes say. Floating-point
    samples are taken as linear light with white at 1.0. `max_pixels` counts for all pages together.

    Raises DamagedFileError, and UnsupportedFileError for a first page of CMYK, Lab and other kinds.
    """
    status = os.fstat(file.fileno())
    directories = read_directories(file, status.st_size)
    pages: list[TiffPage] = []
    previews: list[TiffPage] = []
    notes: list[str] = []
    full_pages = last_full = 0
    pixels_left = max_pixels
    for index, directory in enumerate(directories):
        if index > 0 and is_secondary(file, directory):
            preview, cause = smaller_layout(file, status.st_size, directory, pixels_left)
            if preview is None or pages[-1].index != last_full:
                cause = cause or "a preview of a page that stays as it is"
                notes.append(f"page {index + 1} of {len(directories)} stays as it is: {cause}")
            else:
                previews.append(TiffPage(index, preview, version_of=last_full))
            continue
        full_pages += 1
        last_full = index
        try:
            layout = read_layout(file, status.st_size, directory, pixels_left)
        except UnsupportedFileError as error:
            if index == 0:
                raise
            notes.append(f"page {index + 1} of {len(directories)} stays as it is: {error.cause}")
            continue
        pixels_left -= layout.width * layout.height
        pages.append(TiffPage(index, layout))
        if directory.find(LAYERS_TAG) is not None:
            notes.append("its Photoshop layers are left out: the result is the flat picture alone")
    inside: list[SubPicture] = []
    for page in pages:
        found, words = sub_pictures(file, status.st_size, page.index, directories[page.index], page.layout)
        inside += found
        notes += words
    first, *further = [_read_page(file, path, page, directories[page.index]) for page in pages]
    metadata = tiff_metadata(file, status.st_size, directories[0])
    profile = tiff_profile(file, directories[0], first.pixels.shape[2], metadata.exif)
    return replace(
        first,
        orientation=directory_orientation(file, directories[0]),
        container=TiffContainer(
            tuple(directories),
            tuple(pages),
            tuple(previews),
            tuple(inside),
            full_pages,
            status.st_size,
            status.st_mtime_ns,
        ),
        metadata=replace(metadata, icc=profile),
        linear=is_linear(profile, otherwise=first.linear),
        further=tuple(further),
        notes=tuple(notes),
    )


def _read_page(file: BinaryIO, path: Path, page: TiffPage, directory: Directory) -> Photo:
    samples = read_samples(file, page.layout)
    floating = page.layout.floating
    if floating:
        _check_light(samples)
    written = page.layout.as_written()
    profile = tiff_profile(file, directory, written.colours)
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(samples[..., : written.colours]),
        alpha=samples[..., written.colours].copy() if written.samples > written.colours else None,
        format="tiff",
        orientation=UPRIGHT,
        linear=is_linear(profile, otherwise=floating),
    )


def _check_light(samples: np.ndarray) -> None:
    """Raise unless float samples look like light with white at 1.0, highlights above it included."""
    if not np.isfinite(samples).all():
        raise UnsupportedFileError(
            "it holds values that are not numbers (NaN or infinite)",
            "Replace them in the program that made the file, or skip it.",
        )
    if samples.size and np.percentile(samples[::8], 95) > BRIGHTEST_COMMON:
        raise UnsupportedFileError(
            "a TIFF with floating-point samples far above 1.0, where white should be",
            "Scale its values so that white is 1.0, or skip it.",
        )


def write_tiff(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write a copy of the photo's source file with the pixels of all its pages, compressed as they were.

    Every other byte of the source stays where it is, old pixel data that is no longer used included.
    Raises EncodingError when the source is gone or changed, or the result too large for its kind of TIFF.
    """
    container = photo.container
    if isinstance(container, NewTiffContainer):
        write_new_tiff(photo, file, mark)
        return
    if not isinstance(container, TiffContainer):
        raise TypeError("a TIFF photo without its container cannot be written")
    _copy_source(photo.path, container, file)
    space = _free_space(container)
    layouts = {page.index: page.layout for page in container.pages}
    previews = {page.index: page for page in container.previews}
    _erase_previews(container, file)
    pictures = dict(zip(layouts, (photo, *photo.further), strict=True))
    offset = 0
    # From the last page to the first: each names the place of the next one, which may have moved.
    for index, directory in reversed(list(enumerate(container.directories))):
        editor = TiffEditor(file, directory, space, values_in_place=len(container.directories) == 1)
        if index in layouts:
            _write_pixels(editor, pictures[index], layouts[index], directory)
            editor.remove(LAYERS_TAG)
            parts = [part for part in container.inside if part.page == index]
            if any(part.layout for part in parts):
                places = [_write_inside(part, pictures[index], file, space) for part in parts]
                editor.set_integers(SUB_DIRECTORIES_TAG, places)
        elif index in previews:
            page = previews[index]
            smaller = as_smaller(pictures[page.version_of], page.layout)
            _write_pixels(editor, smaller, page.layout, directory)
        resources = directory.find(RESOURCES_TAG)
        if resources is not None and 0 < resources.value_bytes <= MAX_VALUE_BYTES:
            editor.shorten_bytes(resources, in_resources(read_value(file, resources)))
        if index == 0 and mark is not None:
            editor.set_text(MARK_TAG, MARK_PREFIX + mark.text)
            editor.set_bytes(XMP_TAG, mark.in_xmp(photo.metadata.xmp))
            if directory.find(SOFTWARE) is None:
                editor.set_text(SOFTWARE, mark.software)
        offset = editor.finish(offset)
    point_header_to(file, container.directories[0], offset)
    file.truncate(space.end)


def _write_inside(part: SubPicture, photo: Photo, file: BinaryIO, space: FreeSpace) -> int:
    """Write a smaller version that lies inside a page anew, and return where its directory is."""
    if part.layout is None:
        return part.directory.offset
    editor = TiffEditor(file, part.directory, space, values_in_place=False)
    _write_pixels(editor, as_smaller(photo, part.layout), part.layout, part.directory)
    return editor.finish(part.directory.next_offset)


def _write_pixels(editor: TiffEditor, photo: Photo, layout: Layout, directory: Directory) -> None:
    written = layout.as_written()
    samples = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    if samples.shape != (written.height, written.width, written.samples):
        raise ValueError(f"the photo was read with another shape than {samples.shape}")
    offsets, lengths = [], []
    for block in written.blocks:
        data = encode_block(samples, block, written)
        offsets.append(editor.write_block(data))
        lengths.append(len(data))
    editor.set_integers(324 if layout.tiled else 273, offsets)
    editor.set_integers(325 if layout.tiled else 279, lengths)
    if written.compression != layout.compression:
        editor.set_shorts(259, written.compression)
        editor.set_shorts(317, written.predictor)
        editor.set_shorts(262, RGB if written.colours == 3 else BLACK_IS_ZERO)
        editor.remove(*JPEG_TAGS)
    if written.samples != layout.samples:
        editor.set_shorts(258, *[written.bits] * written.samples)
        editor.set_shorts(262, RGB)
        editor.set_shorts(277, written.samples)
        editor.remove(COLOUR_MAP_TAG)
        if directory.find(SAMPLE_FORMAT_TAG) is not None:
            editor.set_shorts(SAMPLE_FORMAT_TAG, *[1] * written.samples)


def _erase_previews(container: TiffContainer, file: BinaryIO) -> None:
    """Overwrite smaller versions of the noisy photo with zeros: the new ones may come to lie elsewhere."""
    layouts = [page.layout for page in container.previews]
    layouts += [part.layout for part in container.inside if part.layout]
    extents = [(block.offset, block.offset + block.length) for layout in layouts for block in layout.blocks]
    if not _touch_each_other(extents, _structure(container)):
        for begin, end in extents:
            file.seek(begin)
            file.write(bytes(end - begin))


def _free_space(container: TiffContainer) -> FreeSpace:
    """Return the room that the old pixels and layers leave, if nothing else can lie in it; else only the file's end."""
    rewritten = (*container.pages, *container.previews)
    blocks = [block for page in rewritten for block in page.layout.blocks]
    extents = [(block.offset, block.offset + block.length) for block in blocks]
    for page in container.pages:
        layers = container.directories[page.index].find(LAYERS_TAG)
        if layers is not None and layers.value_bytes > ROOM_WORTH_USING_BYTES:
            extents.append((layers.value_offset, layers.value_offset + layers.value_bytes))
    all_known = len(rewritten) == len(container.directories) and all(part.layout for part in container.inside)
    reusable = all_known and not _touch_each_other(extents, _structure(container))
    return FreeSpace(extents if reusable else (), container.file_bytes)


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
    """Return where header, directories and the values of known type lie, as (begin, end)."""
    found = [(0, 16 if container.directories[0].big else 8)]
    for directory in (*container.directories, *(part.directory for part in container.inside)):
        found.append((directory.offset, directory.end))
        found += [
            (entry.value_offset, entry.value_offset + entry.value_bytes)
            for entry in directory.entries
            if entry.value_bytes and (entry.tag != LAYERS_TAG or entry.value_bytes <= ROOM_WORTH_USING_BYTES)
        ]
    return found


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


def new_container(photo: Photo, output: OutputConfig) -> tuple[NewTiffContainer, tuple[str, ...]]:
    """Return how a photo of another kind becomes a TIFF, which holds all metadata."""
    return NewTiffContainer(), ()


TIFF = Codec(
    name="tiff",
    endings=(".tif", ".tiff", ".btf", ".tf8"),
    signatures=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    size=tiff_size,
    mark=read_tiff_mark,
    read=read_tiff,
    new=NewFiles(
        write=write_tiff,
        container=new_container,
        encoder_bytes=by_sample(1.0, 2.2),
        bits=32,
        holds_16_bits=True,
        linear_light=True,
        iptc=True,
    ),
)
