"""A photo file in, ready to become its result: what the reading process is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, shown
from lgbpn_cli.machine.memory import watch_peak
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.faults import DAMAGED_CURE
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.codec import CFA_DNG_NAME
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.rehearse import check_writable
from lgbpn_cli.photos.shot import Shot, shot_of, shot_time_of
from lgbpn_cli.photos.sidecars import broken_sidecars, settings_left
from lgbpn_cli.photos.source_id import source_id_of

CORNER_PX = 16
"""Side of what is rendered to see whether it can be written."""
COPIES_OF_AN_ANSWER = 2
"""The reading process has the pixels, and puts them where the program sees them."""
WORDS_OF_DAMAGE = ("data corrupted at", "unexpected end of file")
"""What LibRaw writes to stderr about a file that it decodes nevertheless, in small letters."""


def prepare_photo(
    reading: ReadingProcess, path: Path, output: OutputConfig, *, as_mosaic: bool = False
) -> tuple[Photo, Shot]:
    """Return the photo at `path` in the type of its result, and how it was shot.

    `as_mosaic` asks for the mosaic of a camera raw file, from which its result is made later. What its decoder reports
    as damaged is among its notes. Raises PhotoError; with `output.strict` for damage, too.
    """
    photo, shot = reading.call(path, read_as_result, path, output, reading.max_bytes(), as_mosaic)
    damage = (*photo.damage, *damage_in(reading.words))
    if damage and output.strict:
        raise PhotoReadError(shown(path), damage[0], DAMAGED_CURE)
    return replace(photo, notes=(*photo.notes, *damage, *broken_sidecars(path))), shot


def read_guarded(reading: ReadingProcess, path: Path, *, as_mosaic: bool = False) -> Photo:
    """Return the photo at `path` as `read_photo` does, within the memory and time that `reading` allows."""
    return reading.call(path, read_photo, path, max_bytes=reading.max_bytes(), as_mosaic=as_mosaic)


def read_as_result(
    path: Path, output: OutputConfig, max_bytes: int | None, as_mosaic: bool = False
) -> tuple[Photo, Shot]:
    """Return what `prepare_photo` does; this is the part of it that may crash."""
    peak = watch_peak()
    photo = read_photo(
        path,
        max_pixels=output.max_pixels,
        max_bytes=max_bytes,
        as_mosaic=as_mosaic,
        for_sites=as_mosaic and output.format == CFA_DNG_NAME,
    )
    if photo.camera is None:  # the reader of raw files names them itself
        photo = replace(photo, notes=(*photo.notes, *settings_left(path, "the photo as it was")))
    result = replace(as_result(photo, output), source_id=source_id_of(path, shot_time_of(photo)))
    if result.mosaic is not None and result.format == photo.format:  # it is rendered once it is denoised
        corner = replace(result, mosaic=None, pixels=result.pixels[:CORNER_PX, :CORNER_PX])
        check_writable(as_result(corner, output))
    else:
        check_writable(result)
    handed_over = COPIES_OF_AN_ANSWER * result.pixels.nbytes
    reading_bytes = max(peak() or result.reading_bytes, handed_over)
    return replace(result, reading_bytes=reading_bytes), shot_of(photo)


def damage_in(words: Sequence[str]) -> tuple[str, ...]:
    """Return what the lines that a decoder wrote say about damage: nothing, or one cause."""
    if any(sign in line.casefold() for line in words for sign in WORDS_OF_DAMAGE):
        return ("its decoder reports damaged data: parts of the picture may be wrong",)
    return ()
