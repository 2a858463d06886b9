"""Another mixture of a photo and its result, without the network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.controls import THREADS, luma_weights, mix
from lgbpn_cli.denoise.grain import lay_grain
from lgbpn_cli.denoise.working import ResultPixels, WorkingPixels
from lgbpn_cli.errors import UnsupportedPhotoError
from lgbpn_cli.image.bands import bands, in_order
from lgbpn_cli.photos.photo import Photo

BAND_SAMPLES = 1 << 18
"""Mixed at a time: so many float32 numbers stay in a core's cache."""


def blend_photos(photo: Photo, full: Photo, look: Look, seed: int) -> Photo:
    """Return the photo with as much of `full`, its result at full strength, as the look says, and with its grain.

    Both have the same pages of the same size, and lie the same way up; UnsupportedPhotoError if they do not. A share
    that is auto is all of `full`.
    """
    alike = photo.pixels.shape == full.pixels.shape and photo.orientation == full.orientation
    if not alike or len(photo.further) != len(full.further):
        cause = f"it has a different size or orientation from {full.path}"
        raise UnsupportedPhotoError(photo.path, cause, "Denoise it again, to the same type.")
    luma, chroma = (1.0 if share is None else share for share in (look.luma, look.chroma))
    pages = tuple(
        blend_photos(page, other, look, seed) for page, other in zip(photo.further, full.further, strict=True)
    )
    if look.grain is None and _are_levels(photo) and photo.pixels.dtype == full.pixels.dtype:
        return replace(photo, pixels=_mixed_levels(photo, full, luma, chroma), further=pages)
    result = ResultPixels(photo)
    if look.is_nothing:
        result = result.as_it_was()
    else:
        mix(
            WorkingPixels(photo),
            WorkingPixels(full),
            result,
            luma=luma,
            chroma=chroma,
            weights=luma_weights(photo),
        )
    return replace(lay_grain(result, look.grain, seed).as_photo(), further=pages)


def _are_levels(photo: Photo) -> bool:
    """Return whether the samples are encoded values in whole numbers, which can be mixed as they are."""
    return not photo.linear and np.issubdtype(photo.pixels.dtype, np.integer)


def _mixed_levels(photo: Photo, full: Photo, luma: float, chroma: float) -> np.ndarray:
    """Return the mixture's samples, rounded to the nearest: what `mix` leads to, in a quarter of the time."""
    noisy, clean = photo.pixels, full.pixels
    height, width, channels = noisy.shape
    is_one = channels == 1 or luma == chroma
    parted = np.eye(3) * chroma + np.outer(luma_weights(photo), np.full(3, luma - chroma))
    parts = parted.astype(np.float32)
    mixture = np.empty_like(noisy)
    largest = np.iinfo(noisy.dtype).max

    def mix_band(rows: slice) -> None:
        change = np.subtract(clean[rows], noisy[rows], dtype=np.float32)
        if is_one:
            change *= np.float32(luma)
        else:
            change = (change.reshape(-1, 3) @ parts).reshape(change.shape)
        change += noisy[rows]
        if not is_one:  # brightness alone can push a colour beyond the ends
            np.clip(change, 0, largest, out=change)
        change += np.float32(0.5)
        np.copyto(mixture[rows], change, casting="unsafe")

    rows_a_band = max(1, BAND_SAMPLES // (width * channels))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in in_order(pool, THREADS, mix_band, bands(height, rows_a_band)):
            pass
    return mixture
