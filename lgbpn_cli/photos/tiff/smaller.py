"""Smaller versions of a TIFF's pages, which show the noise until they are made anew of the result.

They lie among the pages, or behind a page's SubIFDs tag (TIFF Technical Note 1), pyramids for zooming among them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.metadata.thumbnail import reduced
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.tiff.directory import Directory, read_directory_at, read_integers
from lgbpn_cli.photos.tiff.layout import Layout, is_mask, read_layout

SUB_DIRECTORIES_TAG = 330
MOST_SUB_DIRECTORIES = 100


@dataclass(frozen=True)
class SubPicture:
    """A picture behind a page's SubIFDs tag."""

    page: int
    """The place of that page among the directories."""
    directory: Directory
    layout: Layout | None
    """How it is stored, where it is a smaller version of the page that can be made anew."""


def smaller_layout(
    file: BinaryIO, file_bytes: int, directory: Directory, max_pixels: int
) -> tuple[Layout | None, str]:
    """Return how a smaller version of the photo is stored; None and the cause where it cannot be made anew."""
    if is_mask(file, directory):
        return None, "a mask"
    try:
        layout = read_layout(file, file_bytes, directory, max_pixels, secondary=True)
    except UnsupportedFileError as error:
        return None, f"a preview, {error.cause}"
    if layout.samples > layout.colours or layout.floating:
        return None, "a preview with transparency or floating-point samples"
    return layout, ""


def as_smaller(photo: Photo, layout: Layout) -> Photo:
    """Return the photo as a smaller version of it is stored."""
    written = layout.as_written()
    image = reduced(photo, layout.width, layout.height).convert("L" if written.colours == 1 else "RGB")
    samples = np.asarray(image).reshape(layout.height, layout.width, written.colours)
    pixels = samples if written.bits == 8 else samples.astype(np.uint16) * np.uint16(257)
    return replace(photo, pixels=pixels, alpha=None)


def sub_pictures(
    file: BinaryIO, file_bytes: int, page: int, directory: Directory, full: Layout
) -> tuple[list[SubPicture], list[str]]:
    """Return what lies behind a page's SubIFDs tag, in its order, and notes about what stays as it is.

    What is not smaller than the page in `full` is no version of it. Without such a tag, or with one that leads
    nowhere, there is nothing.
    """
    entry = directory.find(SUB_DIRECTORIES_TAG)
    offsets = () if entry is None else read_integers(file, directory, entry)
    found, notes = [], []
    for number, offset in enumerate(offsets[:MOST_SUB_DIRECTORIES], start=1):
        try:
            sub = read_directory_at(file, file_bytes, directory.order, directory.big, offset)
            layout, cause = smaller_layout(file, file_bytes, sub, full.width * full.height)
        except DamagedFileError:
            return [], [f"what the SubIFDs of page {page + 1} lead to stays as it is: it is damaged"]
        if layout is not None and (layout.width >= full.width or layout.height >= full.height):
            layout, cause = None, "no smaller version of it"
        if layout is None:
            notes.append(f"picture {number} inside page {page + 1} stays as it is: {cause}")
        found.append(SubPicture(page, sub, layout))
    return found, notes
