"""A simple camera: what a clean picture looks like when it is taken at high ISO.

Noise enters before the demosaicing, as in a camera, so that it comes out spatially correlated and depends on
brightness and colour. The forward steps are those of Brooks et al., "Unprocessing Images for Learned Raw
Denoising" (CVPR 2019), whose fit for the read noise of the DND cameras is used here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]


@dataclass(frozen=True)
class CameraNoise:
    """One camera setting."""

    shot: float
    """Variance of the shot noise at full scale, as a share of it: about 1e-4 (low ISO) to 2e-2 (very high)."""
    red_gain: float = 2.0
    """White balance of red: the sensor sees this much less red than green."""
    blue_gain: float = 1.6
    """White balance of blue."""

    @property
    def read(self) -> float:
        """Variance of the read noise that goes with `shot` (log-linear fit of the paper above, its equation 2)."""
        return math.exp(2.18 * math.log(self.shot) + 1.20)


def simulate_high_iso(picture: FloatImage, camera: CameraNoise, random: np.random.Generator) -> FloatImage:
    """Return `picture` (h, w, 3 of sRGB values 0..1, even sides) as `camera` would have taken it."""
    gains = np.array([camera.red_gain, 1.0, camera.blue_gain], np.float32)
    sensor = _mosaic(_decode_srgb(picture) / gains)
    deviation = np.sqrt(camera.shot * sensor + camera.read)
    noisy = np.clip(sensor + deviation * random.standard_normal(sensor.shape, np.float32), 0, 1)
    return _encode_srgb(np.clip(_demosaic(noisy) * gains, 0, 1))


def _decode_srgb(encoded: FloatImage) -> FloatImage:
    """Return linear light for sRGB values (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def _encode_srgb(linear: FloatImage) -> FloatImage:
    """Return sRGB values for linear light."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def _bayer_masks(height: int, width: int) -> NDArray[np.float32]:
    """Return 1 where an RGGB sensor has a pixel of the channel: (h, w, 3)."""
    masks = np.zeros((height, width, 3), np.float32)
    masks[0::2, 0::2, 0] = 1
    masks[0::2, 1::2, 1] = 1
    masks[1::2, 0::2, 1] = 1
    masks[1::2, 1::2, 2] = 1
    return masks


def _mosaic(linear: FloatImage) -> FloatImage:
    """Return the one value each pixel of an RGGB sensor measures: (h, w, 1)."""
    measured = linear * _bayer_masks(*linear.shape[:2])
    return np.asarray(measured.sum(axis=2, keepdims=True), np.float32)


def _demosaic(sensor: FloatImage) -> FloatImage:
    """Return (h, w, 3) from an RGGB sensor by bilinear interpolation of each channel's own pixels."""
    masks = _bayer_masks(*sensor.shape[:2])
    return _smooth(sensor * masks) / _smooth(masks)


def _smooth(image: FloatImage) -> FloatImage:
    """Return each channel under the kernel 1 2 1 in both directions; outside the picture counts as zero."""
    for axis in (0, 1):
        padding = [(1, 1) if each == axis else (0, 0) for each in range(3)]
        padded = np.pad(image, padding)
        length = image.shape[axis]
        before, after = (padded.take(range(start, start + length), axis) for start in (0, 2))
        image = before + 2 * image + after
    return image
