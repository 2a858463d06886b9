"""A photo and its result mixed: how much of the noise in brightness goes, and how much of that in colour.

What the network removed is parted into luma and chroma. The parting is linear in the encoded values, so any two shares
can be had from one result made at full strength, later and without the network.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.working import ResultPixels
from lgbpn_cli.image.bands import bands, in_order
from lgbpn_cli.image.types import Canvas, Picture, Window
from lgbpn_cli.photos.photo import Photo

Weights = tuple[float, float, float]
"""Of red, green and blue in the brightness of a picture; they sum to one."""
JPEG_LUMA: Weights = (0.299, 0.587, 0.114)
"""Weights of Y' in JPEG, HEIC, WebP and AVIF (ITU-R BT.601), where colour noise is what lies in Cb and Cr."""
LIGHT_LUMA: Weights = (0.2126, 0.7152, 0.0722)
"""Weights of luminance in linear light of sRGB's primaries (ITU-R BT.709)."""
LEAST_WEIGHT = 0.05
"""Of a channel of a camera, whose matrix may have negative ones."""
BAND_ROWS = 128
"""Rows mixed at a time: they stay in the processor's caches."""
THREADS = 2
"""Bands mixed at a time; reading and writing do not get faster with more."""


def luma_weights(photo: Photo) -> Weights:
    """Return the weights of red, green and blue in the brightness of the photo's working values; they sum to one.

    Encoded photos have those of JPEG; linear light those of luminance, which a camera's colour matrix brings into the
    camera's own colours; grey has equal ones.
    """
    if photo.pixels.shape[2] == 1:
        return 1 / 3, 1 / 3, 1 / 3
    if photo.camera is not None:
        weights = np.maximum(np.array(LIGHT_LUMA) @ np.array(photo.camera.to_srgb), LEAST_WEIGHT)
        red, green, blue = (weights / weights.sum()).tolist()
        return red, green, blue
    return LIGHT_LUMA if photo.linear else JPEG_LUMA


def measured_parts(look: Look, weights: Weights) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """Return what keeps the detail that was given back where the look leaves the share to the measurement.

    None where it leaves both.
    """
    if look.luma is None and look.chroma is None:
        return None
    luma, chroma = float(look.luma is None), float(look.chroma is None)
    return lambda whole, with_detail: mixed(whole, with_detail, luma, chroma, weights)


def take_shares(noisy: Picture, clean: ResultPixels, look: Look, weights: Weights) -> ResultPixels:
    """Return the clean picture, in its place, with as much of the noisy one as the look has shares below one.

    A share that is left to the measurement is all of `clean`, from which the rest was held back before.
    """
    luma, chroma = (1.0 if share is None else share for share in (look.luma, look.chroma))
    if luma == chroma == 1:
        return clean
    result = clean.unchanged()
    mix(noisy, clean, result, luma=luma, chroma=chroma, weights=weights)
    return result


def mix(
    noisy: Picture,
    clean: Picture,
    into: Canvas,
    *,
    luma: float,
    chroma: float,
    weights: Weights,
) -> None:
    """Put a mixture of both pictures `into` the canvas, which may be where either comes from.

    `luma` and `chroma` are the shares of the clean picture in brightness and in colour, 0 to 1; the rest is the noisy
    one's. Pictures are (h, w, 3) float32.
    """

    def mix_band(rows: slice) -> tuple[Window, np.ndarray]:
        band = rows, slice(None)
        return band, mixed(noisy[band], clean[band], luma, chroma, weights)

    with ThreadPoolExecutor(THREADS) as pool:
        for band, mixture in in_order(pool, THREADS, mix_band, bands(noisy.shape[0], BAND_ROWS)):
            into[band] = mixture


def mixed(
    noisy: np.ndarray,
    clean: np.ndarray,
    luma: float,
    chroma: float,
    weights: Weights,
) -> np.ndarray:
    """Return the mixture of two pictures of the same shape, (h, w, 3) float32; see `mix`."""
    if luma == chroma == 1:
        return clean
    change = clean - noisy
    result: np.ndarray = noisy + np.float32(chroma) * change
    if luma != chroma:
        brightness = change @ np.array(weights, np.float32)
        result += (np.float32(luma - chroma) * brightness)[..., None]
    return result
