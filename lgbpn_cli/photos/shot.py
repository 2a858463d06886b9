"""How and when a photo was shot: camera, ISO and time, from its EXIF."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from lgbpn_cli.photos.codec import exif_of_blob
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.header import opened_header
from lgbpn_cli.photos.photo import Photo

MAKE, MODEL, EXIF_POINTER, ISO = 271, 272, 0x8769, 34855
TIME, PART_OF_SECOND = 36867, 37521
T = TypeVar("T")
DAMAGE = (*CODEC_ERRORS, DamagedFileError, UnsupportedFileError)
"""What Pillow raises for EXIF that contradicts itself, and what files raise that are not photos."""


@dataclass(frozen=True, order=True)
class Shot:
    """Camera and ISO; empty and 0 where the photo does not say."""

    camera: str = ""
    iso: int = 0

    def __str__(self) -> str:
        """Return both for people."""
        iso = f"ISO {self.iso}" if self.iso else "ISO unknown"
        return f"{self.camera or 'unknown camera'}, {iso}"


def shot_of(photo: Photo) -> Shot:
    """Return camera and ISO of a photo; what is damaged or missing counts as unknown."""
    return _of_blob(photo.metadata.exif, _shot, Shot())


def shot_time_of(photo: Photo) -> str:
    """Return when a photo was shot, as its EXIF says it; empty where it does not."""
    return _of_blob(photo.metadata.exif, _time, "")


def shot_time_in(path: Path) -> str:
    """Return when the photo in a file was shot, from its header alone; empty where that does not tell."""
    return _in_file(path, _time, "")


def shot_in(path: Path) -> Shot:
    """Return camera and ISO of the photo in a file, from its header alone; what that does not tell is unknown."""
    return _in_file(path, _shot, Shot())


def _in_file(path: Path, found: Callable[[Image.Exif], T], unknown: T) -> T:
    try:
        with opened_header(path) as header, warnings.catch_warnings(action="ignore"):
            return found(header.exif)
    except DAMAGE:
        return unknown


def _of_blob(blob: bytes | None, found: Callable[[Image.Exif], T], unknown: T) -> T:
    try:
        with warnings.catch_warnings(action="ignore"):
            return unknown if blob is None else found(exif_of_blob(blob))
    except DAMAGE:
        return unknown


def _shot(exif: Image.Exif) -> Shot:
    make, model = _text(exif.get(MAKE)), _text(exif.get(MODEL))
    # Some raw files keep it in the first directory, as TIFF/EP does.
    iso: Any = exif.get_ifd(EXIF_POINTER).get(ISO) or exif.get(ISO) or 0
    iso = int(iso[0] if isinstance(iso, tuple) else iso)
    # Most makers begin the model's name with their own.
    named = model.casefold().startswith(make.casefold().split(" ")[0]) if make else True
    return Shot(model if named else f"{make} {model}".strip(), max(0, iso))


def _time(exif: Image.Exif) -> str:
    described = exif.get_ifd(EXIF_POINTER)
    time = _text(described.get(TIME))
    return f"{time}.{_text(described.get(PART_OF_SECOND))}" if time else ""


def _text(value: object) -> str:
    return "".join(each for each in str(value or "").strip() if each.isprintable())
