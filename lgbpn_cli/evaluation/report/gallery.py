"""The pictures of the report page: crops within a budget of bytes, and the noise's correlation."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.evaluation.residual import noise_correlation
from lgbpn_cli.photos.metadata.orientation import UPRIGHT, turned_upright

CROP_SIDES_PX = (1024, 768, 640, 512, 384, 256, 192, 128, 96, 64)
"""Sides of the crops that are tried, largest first."""
JPEG_QUALITY = 92
SHARPEST_GRID = 5
"""The crop is the one with the most detail among this many places a side."""
CORRELATION_SIDE_PX = 1024
"""Side of the part that the noise correlation is measured in."""

Layer = tuple[str, np.ndarray, Path | None]
"""Label, picture in 8-bit levels (h, w, 3), its file."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of a photo, in pixels."""

    left: int
    top: int
    width: int
    height: int
    photo_width: int
    photo_height: int

    def turned_upright(self, orientation: int) -> Rectangle:
        """Return where the rectangle is when the photo is shown the way its EXIF orientation says."""
        left, top, width, height = self.left, self.top, self.width, self.height
        photo_width, photo_height = self.photo_width, self.photo_height
        if orientation in (5, 6, 7, 8):
            left, top, width, height = top, left, height, width
            photo_width, photo_height = photo_height, photo_width
        if orientation in (2, 3, 6, 7):
            left = photo_width - left - width
        if orientation in (3, 4, 7, 8):
            top = photo_height - top - height
        return Rectangle(left, top, width, height, photo_width, photo_height)


@dataclass(frozen=True)
class GalleryPhoto:
    """One photo of the page."""

    name: str
    layers: dict[str, str]
    """Data URL of each layer's crop, all of one place; empty where the budget did not suffice."""
    files: dict[str, Path]
    """Each layer's whole file, where there is one."""
    crop: tuple[int, int, int, int]
    """Left, top, width, height of the crop in the photo as it is shown, upright."""
    size: tuple[int, int]
    """Width and height of the photo as it is shown."""
    correlation: dict[str, tuple[list[float], list[float]]]
    """Of each noise by its name: correlation at 0..8 px to the right, and below."""


class Gallery:
    """Collects the pictures while they are at hand, so that no photo has to stay in memory."""

    def __init__(self, budget_bytes: int, photos: int) -> None:
        """Share the budget out evenly among the photos."""
        self._bytes_a_photo = budget_bytes / max(photos, 1)
        self.photos: list[GalleryPhoto] = []

    def add(
        self, name: str, layers: list[Layer], *, orientation: int = UPRIGHT, window: Rectangle | None = None
    ) -> None:
        """Take the crops of one photo's layers; they are shown upright, the layers lie as in the file.

        The first layer is the noisy picture; one labelled reference is the last. Layers that are only a part
        of the photo need a `window`.
        """
        height, width = layers[0][1].shape[:2]
        window = (window or Rectangle(0, 0, width, height, width, height)).turned_upright(orientation)
        layers = [(label, turned_upright(picture, orientation), file) for label, picture, file in layers]
        height, width = layers[0][1].shape[:2]
        crop, encoded = (0, 0, 0, 0), dict[str, str]()
        # The cleanest layer shows where the detail is.
        guide = layers[-1][1].mean(axis=2)
        tried = 0
        for side in CROP_SIDES_PX:
            area = (min(side, height), min(side, width))
            if tried == (tried := area[0] * area[1]):
                continue
            top, left = most_detail(guide, *area)
            part = (slice(top, top + area[0]), slice(left, left + area[1]))
            encoded = {label: _data_url(picture[part]) for label, picture, _ in layers}
            if sum(map(len, encoded.values())) <= self._bytes_a_photo:
                crop = (window.left + left, window.top + top, area[1], area[0])
                break
            encoded = {}
        files = {label: file for label, _, file in layers if file is not None}
        size = (window.photo_width, window.photo_height)
        self.photos.append(GalleryPhoto(name, encoded, files, crop, size, _correlations(layers)))


def _data_url(levels: np.ndarray) -> str:
    """Return the picture as a JPEG inside a URL; full colour resolution, or the noise would look coarser."""
    buffer = io.BytesIO()
    pixels = np.rint(levels).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def most_detail(guide: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """Return top and left of the crop of this size of an (h, w) picture that varies most, among a grid of places."""
    tops = np.unique(np.linspace(0, guide.shape[0] - height, SHARPEST_GRID).astype(int))
    lefts = np.unique(np.linspace(0, guide.shape[1] - width, SHARPEST_GRID).astype(int))
    places = [(int(top), int(left)) for top in tops for left in lefts]
    return max(
        places,
        key=lambda place: float(guide[place[0] : place[0] + height, place[1] : place[1] + width].var()),
    )


def _correlations(layers: list[Layer]) -> dict[str, tuple[list[float], list[float]]]:
    """Return the correlation of each noise, in the middle of the picture: large photos take no more memory."""
    top, left = (max(0, side - CORRELATION_SIDE_PX) // 2 for side in layers[0][1].shape[:2])
    middle = (slice(top, top + CORRELATION_SIDE_PX), slice(left, left + CORRELATION_SIDE_PX))
    layers = [(label, picture[middle], file) for label, picture, file in layers]
    noisy = layers[0][1]
    reference = layers[-1][1] if layers[-1][0] == "reference" else None
    found = {}
    if reference is not None:
        found["noise"] = noise_correlation(noisy - reference)
    for label, picture, _ in layers[1 : None if reference is None else -1]:
        found[f"removed by {label}"] = noise_correlation(noisy - picture)
    return found
