"""Demosaicing through LibRaw, of any mosaic: handed over as a small DNG in memory, so that no camera's habits count."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.metadata.exif import (
    BYTE,
    SIGNED_RATIONAL,
    Tag,
    blob,
    header,
    longs,
    pack_directory,
    shorts,
)
from lgbpn_cli.photos.raw.mosaic import GREEN, Mosaic

PEDESTAL = 4096
"""The sample value of black: noise is as often below black as above it, and stays below."""
LIGHT_RANGE = 65535 - PEDESTAL
SMALLEST_SIDE = {2: 32, 6: 528}
"""Sides of the smallest pictures that LibRaw's interpolation takes, by the period of the colour filter pattern."""
BAND_ROWS = 256
CLIPPED = 0.99
"""Share of white from which a sample counts as clipped."""
NEARLY_WHITE = 0.98
"""Share of the level at which all colours clip, below which the demosaicing of clipped samples is better."""
CFA_PHOTOMETRIC = 32803
QUICK_ROWS = 16
"""Rows demosaiced at a time where it has to be quick: they stay in the processor's caches."""


def demosaic(mosaic: Mosaic, gains: tuple[float, float, float], *, algorithm: str = "DHT") -> np.ndarray:
    """Return (h, w, 3) uint16 camera RGB, not balanced: black at PEDESTAL, white at 65535, noise below black kept.

    `gains` balance the samples before colours are compared, which is better by decibels; they are taken out again.
    `algorithm` is one of LibRaw's for Bayer patterns, such as DHT and AHD. Blown areas are demosaiced once more with
    all colours clipped at the same level: else they get coloured fringes.
    """
    relative = np.array(gains, np.float32) / max(gains)
    balanced = _balanced(mosaic, relative)
    light = _interpolated(balanced, mosaic.pattern, algorithm)
    if any((band >= CLIPPED).any() for band in _bands(mosaic.samples)):
        white = np.uint16(PEDESTAL + round(float(relative.min()) * LIGHT_RANGE))
        clipped = _interpolated(np.minimum(balanced, white), mosaic.pattern, algorithm)
        limit = PEDESTAL + NEARLY_WHITE * (float(white) - PEDESTAL)
        for band, other in zip(_bands(light), _bands(clipped), strict=True):
            band[:] = np.where(other < limit, other, np.maximum(band, other))
    for band in _bands(light):
        values = (band.astype(np.float32) - PEDESTAL) / relative + PEDESTAL
        band[:] = np.clip(np.rint(values), 0, 65535)
    return light


def quick_demosaic(mosaic: Mosaic) -> np.ndarray:
    """Return the same of a Bayer mosaic for pictures that are only looked at: colours are means of their neighbours.

    A fifth of the time of LibRaw's quickest.
    """
    height, width = mosaic.samples.shape
    padded = np.pad(mosaic.samples, 1, mode="reflect")  # which keeps colours in their places
    light = np.empty((height, width, 3), np.uint16)
    for rows in bands(height, QUICK_ROWS):
        band = padded[rows.start : rows.stop + 2] * np.float32(LIGHT_RANGE)
        band += np.float32(PEDESTAL + 0.5)  # which rounds
        own = np.clip(band, 0, 65535, out=band).astype(np.uint16)
        half = own >> 1  # whose sums fit into 16 bits
        across = half[:, :-2] + half[:, 2:]
        down = half[:-2, 1:-1] + half[2:, 1:-1]
        quarter = across >> 1
        corners, beside = quarter[:-2] + quarter[2:], quarter[1:-1] + (down >> 1)
        sides, ends, own = across[1:-1], down, own[1:-1, 1:-1]
        for colour, site in mosaic.site_slices():
            row, column = (each.start for each in site)
            if colour == GREEN:
                others = {
                    int(mosaic.pattern[row, 1 - column]): sides,
                    int(mosaic.pattern[1 - row, column]): ends,
                }
            else:
                others = {GREEN: beside, 2 - colour: corners}
            for its_colour, values in {colour: own, **others}.items():
                light[rows][(*site, its_colour)] = values[site]
    return light


def _balanced(mosaic: Mosaic, relative: np.ndarray) -> np.ndarray:
    """Return the mosaic as (h, w) uint16, its colours balanced around PEDESTAL."""
    balanced = np.empty(mosaic.samples.shape, np.uint16)
    for colour, site in mosaic.site_slices():
        values = mosaic.samples[site] * (relative[colour] * np.float32(LIGHT_RANGE)) + np.float32(PEDESTAL)
        balanced[site] = np.clip(np.rint(values), 0, 65535)
    return balanced


def _interpolated(samples: np.ndarray, pattern: np.ndarray, algorithm: str) -> np.ndarray:
    import rawpy

    height, width = samples.shape
    period = len(pattern)
    rows, columns = (_enlarged(side, period) for side in samples.shape)
    if len(rows) > height or len(columns) > width:
        samples = samples[rows][:, columns]
    try:
        with rawpy.imread(io.BytesIO(_as_dng(samples, pattern))) as raw:
            light = raw.postprocess(
                demosaic_algorithm=rawpy.DemosaicAlgorithm[algorithm],
                output_color=rawpy.ColorSpace.raw,
                gamma=(1, 1),
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                user_wb=[1.0, 1.0, 1.0, 1.0],
                highlight_mode=rawpy.HighlightMode.Ignore,
                output_bps=16,
                user_flip=0,
            )
    except rawpy.LibRawError as error:
        cause = f"its mosaic of {width} x {height} sites cannot be demosaiced"
        raise DamagedFileError(cause) from error
    return np.array(light[:height, :width])  # LibRaw's own memory goes with it


def _enlarged(side: int, period: int) -> np.ndarray:
    """Return which rows (or columns) to take: all, and the last period again and again where LibRaw asks for more."""
    wanted = np.arange(max(side, SMALLEST_SIDE[period]))
    whole = side // period * period
    beyond = wanted >= side
    wanted[beyond] = max(0, whole - period) + (wanted[beyond] - whole) % period
    return np.minimum(wanted, side - 1)


def _as_dng(samples: np.ndarray, pattern: np.ndarray) -> bytes:
    """Return the file: one directory, one strip, black at 0 and white at 65535."""
    height, width = samples.shape
    period = len(pattern)
    tags = [
        longs(254, 0, order="<"),
        longs(256, width, order="<"),
        longs(257, height, order="<"),
        shorts(258, 16, order="<"),
        shorts(259, 1, order="<"),
        shorts(262, CFA_PHOTOMETRIC, order="<"),
        shorts(277, 1, order="<"),
        longs(278, height, order="<"),
        longs(279, samples.nbytes, order="<"),
        shorts(33421, period, period, order="<"),
        blob(33422, pattern.astype(np.uint8).tobytes(), BYTE),
        blob(50706, b"\1\4\0\0", BYTE),
        longs(50714, 0, order="<"),
        longs(50717, 65535, order="<"),
        Tag(50721, SIGNED_RATIONAL, 9, struct.pack("<18i", *[1, 1, 0, 1, 0, 1] * 3)),
    ]
    head_bytes = len(pack_directory("<", [*tags, longs(273, 0, order="<")], 8)) + 8
    directory = pack_directory("<", [*tags, longs(273, head_bytes, order="<")], 8)
    return b"".join((header("<", 8), directory, samples.astype("<u2", copy=False).tobytes()))


def _bands(pixels: np.ndarray) -> list[Any]:
    return [pixels[rows] for rows in bands(pixels.shape[0], BAND_ROWS)]
