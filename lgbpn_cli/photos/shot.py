"""How a photo was shot: camera and ISO, from its EXIF."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from lgbpn_cli.photos.heif.heic import heif_exif
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.pillow_limit import pillow_without_limit
from lgbpn_cli.photos.raw.reader import raw_exif
from lgbpn_cli.photos.suffixes import RAW_SUFFIXES

MAKE, MODEL, EXIF_POINTER, ISO = 271, 272, 0x8769, 34855
DAMAGE = (ValueError, TypeError, LookupError, SyntaxError, OSError, OverflowError)
"""What Pillow raises for EXIF that contradicts itself."""


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
    return _shot_of_exif(photo.metadata.exif)


def shot_in(path: Path) -> Shot:
    """Return camera and ISO of the photo in a file, from its header alone; what that does not tell is unknown."""
    if path.suffix.lower() in RAW_SUFFIXES:
        return _shot_of_exif(raw_exif(path))
    try:
        with warnings.catch_warnings(action="ignore"), pillow_without_limit(), Image.open(path) as image:
            # A PNG's own getexif decodes the picture, in case there is EXIF behind it.
            return _shot(Image.Image.getexif(image))
    except UnidentifiedImageError:
        return _shot_of_exif(heif_exif(path))
    except DAMAGE:
        return Shot()


def _shot_of_exif(blob: bytes | None) -> Shot:
    if blob is None:
        return Shot()
    exif = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):
            exif.load(b"Exif\0\0" + blob)
            return _shot(exif)
    except DAMAGE:
        return Shot()


def _shot(exif: Image.Exif) -> Shot:
    make, model = _text(exif.get(MAKE)), _text(exif.get(MODEL))
    iso = exif.get_ifd(EXIF_POINTER).get(ISO, 0)
    iso = int(iso[0] if isinstance(iso, tuple) else iso)
    # Most makers begin the model's name with their own.
    named = model.casefold().startswith(make.casefold().split(" ")[0]) if make else True
    return Shot(model if named else f"{make} {model}".strip(), max(0, iso))


def _text(value: object) -> str:
    return "".join(each for each in str(value or "").strip() if each.isprintable())
