"""Synthetic raw files: a photograph turned back into light, taken by a sensor, and written as a real DNG.

Their scene without noise is known, so what becomes of them can be measured in decibels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

MAKE, MODEL = "Synthetic", "Synthetic RGGB"
XYZ_TO_CAMERA = (
    (0.8813, -0.3210, -0.1036),
    (-0.4703, 1.2868, 0.2021),
    (-0.1054, 0.1940, 0.6129),
)
"""Of a Nikon D500, as DNG's ColorMatrix for daylight (Adobe's figure, in every raw developer)."""
XYZ_FROM_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
BLACK, WHITE = 512, 16383
RGGB = b"\0\1\1\2"


@dataclass(frozen=True)
class SensorNoise:
    """One sensor at one ISO: linear values, black 0 and white 1."""

    iso: int
    shot: float
    """a in the variance a x + b."""
    read: float
    """b."""
    row_sigma: float
    """Standard deviation of what a row has in common."""
    tail: float = 0.1
    """Shape of the read noise's Tukey lambda distribution; 0.14 is about normal."""


def canon_5d4(iso: int) -> SensorNoise:
    """Return the noise of a Canon 5D Mark IV, by the lines of ELD (Wei et al., CVPR 2020) without their scatter."""
    gain = 0.2181895 * iso / 100
    sigma = np.exp(0.67713 * np.log(gain) + 1.51219) / 15583
    rows = np.exp(0.47128 * np.log(gain) - 0.80790) / 15583
    return SensorNoise(iso, gain / 15583, float(sigma**2), float(rows))


def balance() -> NDArray[np.float64]:
    """Return what the camera sees of a white scene in daylight, green 1: DNG's AsShotNeutral."""
    white = (np.array(XYZ_TO_CAMERA) @ XYZ_FROM_SRGB).sum(axis=1)
    return np.asarray(white / white[1])


def camera_light(light: FloatImage) -> FloatImage:
    """Return linear sRGB (h, w, 3) as the camera sees it; where all its colours clip, white of sRGB is 1 in green."""
    matrix = np.array(XYZ_TO_CAMERA) @ XYZ_FROM_SRGB
    matrix = matrix / matrix.sum(axis=1, keepdims=True) * balance()[:, None]
    return np.asarray(np.maximum(light @ matrix.T, 0), np.float32)


def write_cfa_dng(path: Path, mosaic: FloatImage, *, iso: int, tags: tuple[Any, ...] = ()) -> None:
    """Write a mosaic RGGB (h, w), black 0 and white 1, as a DNG of 14 bits; `tags` are further ones of tifffile's."""
    samples = np.clip(np.rint(BLACK + mosaic * (WHITE - BLACK)), 0, WHITE).astype(np.uint16)
    own = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, RGGB, True),
        (50714, 4, 1, BLACK, True),
        (50717, 4, 1, WHITE, True),
        (34855, 3, 1, min(iso, 65535), True),
    ]
    _write(path, samples, 32803, [*own, *tags])


def write_linear_dng(path: Path, light: FloatImage) -> None:
    """Write camera RGB (h, w, 3), black 0 and white 1, as a linear DNG: what a perfect result is like."""
    samples = np.clip(np.rint(light * 65535), 0, 65535).astype(np.uint16)
    _write(path, samples, 34892, [(50714, 4, 3, (0, 0, 0), True), (50717, 4, 3, (65535,) * 3, True)])


def _write(path: Path, samples: NDArray[np.uint16], photometric: int, own: list[Any]) -> None:
    matrix = [part for row in XYZ_TO_CAMERA for value in row for part in (round(value * 10000), 10000)]
    neutral = [part for value in balance() for part in (round(value * 1000000), 1000000)]
    tags = [
        (271, 2, 0, MAKE, True),
        (272, 2, 0, MODEL, True),
        (50706, 1, 4, b"\1\4\0\0", True),
        (50707, 1, 4, b"\1\1\0\0", True),
        (50708, 2, 0, MODEL, True),
        (50721, 10, 9, matrix, True),
        (50728, 5, 3, neutral, True),
        (50778, 3, 1, 21, True),
        *own,
    ]
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(
            samples, photometric=photometric, subfiletype=0, metadata=None, software=False, extratags=tags
        )


def developed(path: Path, algorithm: str = "AHD") -> NDArray[np.uint16]:
    """Return a raw file as LibRaw develops it into sRGB: (h, w, 3) uint16, balance as shot, no brightening."""
    import rawpy

    with rawpy.imread(str(path)) as raw:
        pixels: NDArray[np.uint16] = raw.postprocess(
            demosaic_algorithm=rawpy.DemosaicAlgorithm[algorithm],
            use_camera_wb=True,
            no_auto_bright=True,
            adjust_maximum_thr=0.0,
            output_bps=16,
            gamma=(2.4, 12.92),
            user_flip=0,
        ).copy()
    return pixels
