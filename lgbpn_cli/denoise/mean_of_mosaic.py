"""The mean light of a mosaic is kept: what the raw network makes of it is brought back to it, place by place.

In the dark the network sees less light than noise, and guesses: shadows came out in a colour of its own. The mosaic's
mean over a place is known far better than any of its sites, as `mean_light` says of demosaiced pictures.
"""

from __future__ import annotations

import numpy as np

from lgbpn_cli.denoise.mean_light import CELL_PX, at_pixels, blurred, differences
from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.mosaic import Mosaic

PERIOD = 2
"""Of a Bayer pattern."""
POWER = 1.0
"""Of light, that places weigh by: with the square, thin shadows decide too much about what lies beside them."""
CLIPPED = 0.995
"""Share of white from which a site counts as clipped: there its noise is lost, and says nothing of the mean."""
BAND_SITES = 4 * CELL_PX
BAND_ROWS = 32
"""Rows worked on at a time: they stay in the processor's caches."""


def keep_mean_of_mosaic(mosaic: Mosaic, photo: Photo) -> None:
    """Change the pixels of `photo`, (h, w, 3) uint16 camera RGB, until their local means are those of a Bayer mosaic.

    A mosaic too small for a mean is let be, and so are pixels that are white.
    """
    if photo.camera is None or min(mosaic.samples.shape) < PERIOD * CELL_PX:
        return
    black, white = photo.camera.black, photo.camera.white
    missing = []
    for colour in range(3):
        weighted, weights = _differences_of(mosaic, colour, photo.pixels, black, white)
        share = blurred(weighted) / np.maximum(blurred(weights), np.float32(1e-12))
        missing.append(share * np.float32(white - black))
    of_colours = np.concatenate(missing, axis=-1)
    for rows in bands(len(photo.pixels), BAND_ROWS):
        pixels = photo.pixels[rows]
        mended = at_pixels(of_colours, rows, pixels.shape[1], PERIOD * CELL_PX)
        mended += pixels
        np.clip(np.rint(mended, out=mended), 0, np.iinfo(pixels.dtype).max, out=mended)
        np.copyto(pixels, mended, casting="unsafe", where=pixels < white)


def _differences_of(
    mosaic: Mosaic, colour: int, pixels: np.ndarray, black: int, white: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean of what a colour's sites have more than the pixels, (rows, columns, 1), and weights."""
    height, width = (side // (PERIOD * CELL_PX) * PERIOD * CELL_PX for side in mosaic.samples.shape)
    sums = None
    for its_colour, (down, right) in mosaic.site_slices():
        if its_colour != colour:
            continue
        noisy = mosaic.samples[:height, :width][down, right, None]
        clean = pixels[:height, :width, colour][down, right, None]
        lowest = noisy.min(axis=(0, 1))
        parts = []
        for rows in bands(len(noisy), BAND_SITES):
            light = (clean[rows].astype(np.float32) - np.float32(black)) / np.float32(white - black)
            weighted, weights = differences(noisy[rows], light, lowest, 0, 1.0, POWER)
            known = _nothing_clipped(noisy[rows])
            parts.append((weighted * known, weights * known))
        own = [np.concatenate(each) for each in zip(*parts, strict=True)]
        sums = own if sums is None else [sum_ + each for sum_, each in zip(sums, own, strict=True)]
    if sums is None:
        raise ValueError("not the pattern of a Bayer sensor")
    return sums[0], sums[1]


def _nothing_clipped(sites: np.ndarray) -> np.ndarray:
    """Return for each square of sites (h, w, 1) whether none of them is clipped at white, (rows, columns, 1)."""
    rows, columns = (side // CELL_PX for side in sites.shape[:2])
    highest = sites.reshape(rows, CELL_PX, columns, CELL_PX).max(axis=(1, 3))
    return np.asarray(highest < CLIPPED)[..., None]
