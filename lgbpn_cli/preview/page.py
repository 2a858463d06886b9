"""The preview as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.evaluation.report.one_file import one_file_page
from lgbpn_cli.photos.metadata.orientation import turned_upright
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.camera_colour import render

NOISY = "noisy"
FASTEST = 0
"""WebP's effort: pictures without loss become hardly smaller with more."""


@dataclass(frozen=True)
class Way:
    """One column of the page: how the pictures were made."""

    key: str
    name: str
    flags: tuple[str, ...] | None
    """What asks for it; None for the photo itself."""


@dataclass(frozen=True)
class ShownPlace:
    """One place of the photo with its pictures."""

    name: str
    corner: tuple[int, int]
    """Column and row of its upper left corner in the photo as it is shown, upright."""
    size: tuple[int, int]
    """Width and height as it is shown."""
    pictures: dict[str, str]
    """Of each way by its key, as a data URL."""


def as_page(
    photo: str, intro: str, command: Sequence[str], ways: Sequence[Way], places: Sequence[ShownPlace]
) -> str:
    """Return the page's text; `command` is what the ways' flags are added to."""
    data: dict[str, Any] = {
        "photo": photo,
        "intro": intro,
        "ways": [
            {
                "key": way.key,
                "name": way.name,
                "flags": shlex.join(way.flags or ()),
                "command": "" if way.flags is None else shlex.join([*command, *way.flags]),
            }
            for way in ways
        ],
        "places": [
            {
                "name": place.name,
                "x": place.corner[0],
                "y": place.corner[1],
                "width": place.size[0],
                "height": place.size[1],
                "pictures": place.pictures,
            }
            for place in places
        ],
    }
    return one_file_page(
        "lgbpn preview",
        "lgbpn_cli.preview",
        body="page.html",
        styles=["page.css"],
        scripts=["page.js"],
        data=data,
    )


def picture_url(part: Photo) -> str:
    """Return the pixels of a part, upright, as a picture without loss inside a URL; 16 bits are rounded to 8.

    Encoded photos keep their colour profile, if it is one for RGB; linear light becomes sRGB.
    """
    pixels = turned_upright(_levels(part), part.orientation)
    profile = None if part.linear or part.pixels.shape[2] == 1 else part.metadata.icc
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, method=FASTEST, icc_profile=profile)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _levels(part: Photo) -> np.ndarray:
    """Return the part as (h, w, 3) uint8 for a screen."""
    if part.pixels.dtype == np.uint8 and part.pixels.shape[2] == 3 and not part.linear:
        return part.pixels
    shown = to_working(part)
    if part.camera is not None:
        shown = np.repeat(render(part.pixels, part.camera), 3 // part.pixels.shape[2], axis=2) / np.float32(
            65535
        )
    return np.asarray(np.rint(255 * np.clip(shown, 0, 1)), np.uint8)
