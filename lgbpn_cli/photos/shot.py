"""How a photo was shot: camera and ISO, from its EXIF."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from lgbpn_cli.photos.photo import Photo

MAKE, MODEL, EXIF_POINTER, ISO = 271, 272, 0x8769, 34855


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
    if photo.metadata.exif is None:
        return Shot()
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + photo.metadata.exif)
        make, model = _text(exif.get(MAKE)), _text(exif.get(MODEL))
        iso = exif.get_ifd(EXIF_POINTER).get(ISO, 0)
        iso = int(iso[0] if isinstance(iso, tuple) else iso)
    except (ValueError, TypeError, LookupError, SyntaxError, OSError, OverflowError):
        return Shot()
    # Most makers begin the model's name with their own.
    named = model.casefold().startswith(make.casefold().split(" ")[0]) if make else True
    return Shot(model if named else f"{make} {model}".strip(), max(0, iso))


def _text(value: object) -> str:
    return "".join(each for each in str(value or "").strip() if each.isprintable())
