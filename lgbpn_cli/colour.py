"""Encoded pixel values <-> the working range 0..1 of the network, both directions side by side.

Values stay encoded (gamma and gamut are not touched), so that the file's own colour profile stays true.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.faults import shown
from lgbpn_cli.photos.photo import Photo

BAND_ROWS = 256
"""Rows converted at a time: temporary arrays stay small beside the photo itself."""


def to_working(photo: Photo) -> np.ndarray:
    """Return the photo as (h, w, 3) float32 in 0..1; grey is repeated to three channels."""
    height, width, _ = photo.pixels.shape
    white = np.float32(np.iinfo(photo.pixels.dtype).max)
    image = np.empty((height, width, 3), np.float32)
    for top in range(0, height, BAND_ROWS):
        image[top : top + BAND_ROWS] = photo.pixels[top : top + BAND_ROWS] / white
    return image


def from_working(clean: np.ndarray, photo: Photo) -> Photo:
    """Return the photo with its pixels replaced by `clean`, (h, w, 3) in 0..1; `photo` is not changed.

    Values are clipped to the range and rounded to the nearest; grey is the mean of the three channels. What
    `to_working` gave comes back exactly, at 8 and at 16 bits.

    Raises PhotoError when `clean` holds values that are no numbers, ValueError for another shape.
    """
    height, width, channels = photo.pixels.shape
    if clean.shape != (height, width, 3):
        raise ValueError(f"expected {(height, width, 3)}, got {clean.shape}")
    white = np.float32(np.iinfo(photo.pixels.dtype).max)
    pixels = np.empty_like(photo.pixels)
    for top in range(0, height, BAND_ROWS):
        band = clean[top : top + BAND_ROWS].astype(np.float32)
        if channels == 1:
            band = band.mean(axis=2, keepdims=True)
        if not np.isfinite(band).all():
            raise PhotoError(
                shown(photo.path), "denoising gave values that are no numbers", "Try it on the CPU."
            )
        band *= white
        np.rint(band, out=band)
        np.clip(band, 0, white, out=band)
        pixels[top : top + BAND_ROWS] = band
    return replace(photo, pixels=pixels)
