"""A camera: what a picture looks like when it is taken at high ISO and developed to sRGB.

The noise enters where it does in a camera, before the demosaicing, so that it comes out correlated, coloured,
dependent on brightness, skewed by the tone curve and clipped at black. Sources of the steps and figures:

- unprocessing and the log-linear read noise of the DND cameras: Brooks et al., "Unprocessing Images for Learned Raw
  Denoising", CVPR 2019 (sections 3.1-3.6);
- read noise of the SIDD phones: Zamir et al., "CycleISP", CVPR 2020 (its published noise sampler);
- read noise of 374 cameras: a line through the median noise profiles of darktable's collection by ISO, brought to scale
  with the calibration of ansel-denoise and that of ELD (Wei et al., CVPR 2020), from which noise of rows comes, too;
- linear demosaicing with gradient correction: Malvar, He, Cutler, ICASSP 2004, figure 2.

Only noise is demosaiced: the scene itself is taken as perfectly demosaiced, which is the same for a linear method,
and leaves the scene as the exact expectation that a denoiser should find.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from lgbpn_cli.denoise.working import decode_light, encode_light
from lgbpn_cli.image.filters import gaussian_weights
from lgbpn_cli.training.noise.log_uniform import log_uniform

FloatImage = NDArray[np.float32]

READ_NOISE_FITS = ((2.18, 1.20, 0.26), (1.85, 0.30, 0.20), (1.24, -3.85, 1.07))
"""(slope, offset, spread) of log read variance over log shot variance: DND cameras, SIDD phones, 374 cameras."""
FITS_CLIPPED_AT_BLACK = (True, False, False)
"""Which of them lose what lies below black before the demosaicing: cameras differ in that, so both kinds are drawn."""
ROWS = (0.05, 0.7)
"""Deviation of the noise of rows, as a share of that of the read noise, where rows have any."""
CURVE_POINTS = 1024
"""Points at which the tone curve is tabulated."""


@dataclass(frozen=True)
class NoiseRanges:
    """What cameras and exposures are drawn from."""

    shot: tuple[float, float] = (1e-4, 2.2e-2)
    """Variance of the shot noise at full scale, as a share of it; drawn log-uniformly."""
    processed_share: float = 0.5
    """Share of pictures whose noise the camera smooths or sharpens."""
    jpeg_share: float = 0.4
    """Share of pictures that are JPEGs, of quality 60 to 100."""
    rows_share: float = 0.0
    """Share of pictures whose sensor rows, or columns, have noise of their own."""


@dataclass(frozen=True)
class Camera:
    """One camera with one exposure."""

    shot: float
    """Variance of the shot noise at full scale: a in a * signal + b."""
    read: float
    """Variance of the read noise: b."""
    gains: tuple[float, float, float] = (2.0, 1.0, 1.6)
    """White balance: the sensor sees red and blue this much weaker than green."""
    saturation: float = 0.5
    """How far the colour matrix pulls the channels apart: 0 is none, rows (1 + s, -s/2, -s/2)."""
    contrast: float = 0.0
    """How much of a smooth step is in the tone curve behind the sRGB curve, 0..1."""
    clips_black: bool = True
    """Whether measured values below black are lost before the demosaicing."""
    demosaic_correction: float = 0.0
    """0 demosaics bilinearly, 1 with Malvar's full gradient correction."""
    luma_smooth_px: float = 0.0
    """Standard deviation of the blur that the camera's own noise reduction lays on brightness noise."""
    chroma_smooth_px: float = 0.0
    """The same for colour noise."""
    sharpening: float = 0.0
    """Amount of unsharp masking over 1 px that the noise goes through."""
    jpeg_quality: int | None = None
    """Quality of the JPEG it is stored in; None: not a JPEG."""
    jpeg_subsampling: int = 0
    """0 for 4:4:4, 2 for 4:2:0."""
    rows: float = 0.0
    """Deviation of the noise of rows, as a share of that of the read noise."""


def draw_camera(random: np.random.Generator, ranges: NoiseRanges) -> Camera:
    """Return a camera and an exposure drawn from `ranges`."""
    shot = log_uniform(random, *ranges.shot)
    fit = int(random.integers(len(READ_NOISE_FITS)))
    slope, offset, spread = READ_NOISE_FITS[fit]
    read = math.exp(slope * math.log(shot) + offset + spread * random.standard_normal())
    processed = random.random() < ranges.processed_share
    jpeg = random.random() < ranges.jpeg_share
    return Camera(
        shot=shot,
        read=read,
        gains=(random.uniform(1.4, 2.4), 1.0, random.uniform(1.3, 2.2)),
        saturation=random.uniform(0.0, 0.6),
        clips_black=FITS_CLIPPED_AT_BLACK[fit],
        contrast=random.uniform(0.0, 1.0) if random.random() < 0.5 else 0.0,
        demosaic_correction=random.uniform(0.4, 1.0),
        luma_smooth_px=random.uniform(0.0, 0.9) if processed else 0.0,
        chroma_smooth_px=random.uniform(0.0, 2.5) if processed else 0.0,
        sharpening=random.uniform(0.0, 0.8) if processed else 0.0,
        jpeg_quality=int(random.integers(60, 101)) if jpeg else None,
        jpeg_subsampling=int(random.choice((0, 2))),
        rows=log_uniform(random, *ROWS) if random.random() < ranges.rows_share else 0.0,
    )


def photograph(scene: FloatImage, camera: Camera, random: np.random.Generator) -> FloatImage:
    """Return `scene`, (h, w, 3) sRGB values 0..1, as `camera` takes it: the same shape, in steps of 1/255.

    `random` decides about the noise and about where on the sensor's colour filters the picture begins.
    """
    base = _tone(scene, camera, inverse=True)
    matrix = _colour_matrix(camera)
    gains = np.array(camera.gains, np.float32)
    sensor = np.clip(decode_light(base) @ np.linalg.inv(matrix).T / gains, 0, 1)
    noise = _demosaic(_sensor_noise(sensor, camera, random), camera, random.integers(2, size=2))
    light = np.clip(((sensor + noise) * gains) @ matrix.T, 0, 1).astype(np.float32)
    noisy = _tone(encode_light(light), camera, inverse=False)
    # What clipping to the sensor's range took from the scene is not noise.
    rendered = _tone(encode_light(np.clip((sensor * gains) @ matrix.T, 0, 1)), camera, inverse=False)
    result = np.clip(scene + _process(noisy - rendered, camera), 0, 1)
    levels = np.rint(result * 255).astype(np.uint8)
    if camera.jpeg_quality is not None:
        levels = through_jpeg(levels, camera.jpeg_quality, camera.jpeg_subsampling)
    return np.asarray(levels, np.float32) / np.float32(255)


def _tone(encoded: FloatImage, camera: Camera, *, inverse: bool) -> FloatImage:
    """Return encoded values behind (or, inverse, before) the camera's contrast curve."""
    if camera.contrast == 0:
        return encoded
    plain = np.linspace(0, 1, CURVE_POINTS, dtype=np.float32)
    step = plain * plain * (3 - 2 * plain)
    # The smooth step is flat at both ends: only a part of it can be inverted without blowing up black and white.
    curve = plain + 0.8 * camera.contrast * (step - plain)
    return np.interp(encoded, *((curve, plain) if inverse else (plain, curve))).astype(np.float32)


def _colour_matrix(camera: Camera) -> NDArray[np.float32]:
    """Return the matrix from the camera's balanced colours to sRGB; its rows sum to one: grey stays grey."""
    s = camera.saturation
    return np.asarray((1 + 1.5 * s) * np.eye(3) - 0.5 * s * np.ones((3, 3)), np.float32)


def _sensor_noise(sensor: FloatImage, camera: Camera, random: np.random.Generator) -> FloatImage:
    """Return what a sensor measures more or less than `sensor`, (h, w, 3), its clipping included."""
    photons = random.poisson(sensor / camera.shot).astype(np.float32)
    read = math.sqrt(camera.read) * random.standard_normal(sensor.shape, np.float32)
    if camera.rows:
        shape = (len(sensor), 1, 1) if random.integers(2) else (1, sensor.shape[1], 1)
        read += math.sqrt(camera.read) * np.float32(camera.rows) * random.standard_normal(shape, np.float32)
    black = 0.0 if camera.clips_black else -1.0
    measured: FloatImage = np.clip(photons * np.float32(camera.shot) + read, black, 1) - sensor
    return measured


def _demosaic(noise: FloatImage, camera: Camera, phase: NDArray[np.int64]) -> FloatImage:
    """Return noise (h, w, 3) measured through an RGGB filter that begins at `phase` and filled in linearly."""
    height, width, _ = noise.shape
    colour = np.array([[0, 1], [1, 2]])[
        (np.arange(height)[:, None] + phase[0]) % 2, (np.arange(width)[None] + phase[1]) % 2
    ]
    mosaic = np.take_along_axis(noise, colour[..., None], axis=2)[..., 0]
    padded = F.pad(torch.from_numpy(mosaic)[None, None], (2, 2, 2, 2), mode="reflect")
    cross, across, down, diagonal = F.conv2d(padded, _demosaic_kernels(camera.demosaic_correction))[0].numpy()
    in_red_row = (np.arange(height)[:, None] + phase[0]) % 2 == 0
    red = np.select([colour == 0, colour == 2], [mosaic, diagonal], np.where(in_red_row, across, down))
    blue = np.select([colour == 2, colour == 0], [mosaic, diagonal], np.where(in_red_row, down, across))
    green = np.where(colour == 1, mosaic, cross)
    return np.stack([red, green, blue], axis=2)


def _demosaic_kernels(correction: float) -> torch.Tensor:
    """Return the four 5x5 kernels: green, the other colour of the row, that of the column, the diagonal one."""
    cross = torch.tensor(
        [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
    )
    across = torch.tensor(
        [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
    )
    diagonal = torch.tensor(
        [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]
    )
    full = torch.stack([each.float() / 8 for each in (cross, across, across.T, diagonal)])
    plain = torch.zeros(4, 5, 5)
    for index, places in enumerate(
        (
            ((1, 2), (3, 2), (2, 1), (2, 3)),
            ((2, 1), (2, 3)),
            ((1, 2), (3, 2)),
            ((1, 1), (1, 3), (3, 1), (3, 3)),
        )
    ):
        for row, column in places:
            plain[index, row, column] = 1 / len(places)
    return (plain + correction * (full - plain))[:, None]


LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def _process(noise: FloatImage, camera: Camera) -> FloatImage:
    """Return noise as the camera's own noise reduction and sharpening leave it; fine detail is not touched."""
    if not (camera.luma_smooth_px or camera.chroma_smooth_px or camera.sharpening):
        return noise
    luma = noise @ LUMA[:, None]
    chroma = blur(noise - luma, camera.chroma_smooth_px)
    luma = blur(luma, camera.luma_smooth_px)
    luma = luma + np.float32(camera.sharpening) * (luma - blur(luma, 1.0))
    return luma + chroma


def blur(image: FloatImage, sigma_px: float) -> FloatImage:
    """Return each channel of (h, w, c) under a Gaussian, edges reflected."""
    if sigma_px < 0.2:
        return image
    reach = max(1, math.ceil(2.5 * sigma_px))
    weights = torch.from_numpy(gaussian_weights(sigma_px, reach)).float()
    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[:, None]
    planes = F.conv2d(F.pad(planes, (reach, reach, 0, 0), mode="reflect"), weights[None, None, None, :])
    planes = F.conv2d(F.pad(planes, (0, 0, reach, reach), mode="reflect"), weights[None, None, :, None])
    return np.asarray(planes[:, 0].permute(1, 2, 0).numpy())


def through_jpeg(levels: NDArray[np.uint8], quality: int, subsampling: int) -> NDArray[np.uint8]:
    """Return a picture (h, w, 3) as a JPEG of that quality gives it back; subsampling 0 is 4:4:4, 2 is 4:2:0."""
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))
