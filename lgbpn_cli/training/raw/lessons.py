"""Lessons of the raw network: crops of photographs turned back into light, and the mosaics sensors read for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.denoise.working import decode_light
from lgbpn_cli.training.config import RawTrainingConfig
from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.noise.log_uniform import log_uniform
from lgbpn_cli.training.pictures.drawn_scenes import draw_scene
from lgbpn_cli.training.pictures.scenes import reduced
from lgbpn_cli.training.raw.cameras import CameraData, draw_colours, draw_sensor
from lgbpn_cli.training.raw.sensor import expose, packed

FloatImage = NDArray[np.float32]
LIGHT_OF_LEVEL = decode_light(np.arange(256, dtype=np.float32) / np.float32(255))
"""Linear light of the 256 levels of sRGB."""
USUAL_SHARE, USUAL_EXPOSURE, LEAST_EXPOSURE = 0.7, (0.12, 1.4), 2.0**-6
"""Share of the scenes exposed about rightly, those exposures, and the weakest of the others."""
TEXTURED_SHARE, TEXTURED_OF = 0.5, 3
"""Share of the crops that are the most textured of so many: much of most photographs is smooth."""
MOST_BLUR_PX = 1.0
"""Of scenes that are as soft as behind a lens."""
PERMUTED_SHARE, COLOURED_SHARE = 0.25, 0.5
"""Shares of the scenes whose channels change places, and whose colours are more or less colourful."""
CURVED_SHARE, CURVES = 0.5, (0.75, 1.4)
"""Share of the scenes of other contrast, and the powers of their light."""
LAMPS_SHARE, LAMP_LIGHT, MOST_LAMP = 0.25, 0.7, 6.0
"""Share of the scenes whose bright parts are brighter than the photo could hold, from which light on, by how much."""
TOLD_BADLY_SHARE, TOLD_SPREAD, MOST_WRONG = 0.4, 0.15, 2.0
"""Share of the frames told a noise that is wrong by up to MOST_WRONG; the others' errors (standard deviation, log)."""


@dataclass(frozen=True)
class RawScenes:
    """The photographs of one source, each (h, w, 3) uint8, as scenes; they are `reduced` by one of the numbers."""

    name: str
    photos: tuple[NDArray[np.uint8], ...]
    weight: float
    reduced: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class RawBatch:
    """The lessons of one step."""

    planes: Tensor
    """(b, 4, h / 2, w / 2): packed RGGB mosaics."""
    noise: Tensor
    """(b, 3, 2): a and b of each colour, as they are told."""
    gains: Tensor
    """(b, 3): white balance, green 1."""
    scene: Tensor
    """(b, 3, h, w): linear camera RGB without noise, at most 1."""
    to_srgb: Tensor
    """(b, 3, 3): from balanced camera RGB to linear sRGB."""


class RawSampler:
    """Random lessons; those of a step depend on the seed and the step's number alone."""

    def __init__(self, sources: Sequence[RawScenes], data: CameraData, config: RawTrainingConfig) -> None:
        """Take scenes from `sources` by their weights, and from a source's photos by their area."""
        self.sources, self.data, self.config = tuple(sources), data, config
        weights = np.array([source.weight for source in sources], np.float64)
        self._source_share = weights / weights.sum()
        areas = [np.array([math.prod(photo.shape[:2]) for photo in source.photos]) for source in sources]
        self._photo_share = [area / area.sum() for area in areas]

    def batch(self, step: int) -> RawBatch:
        """Return the lessons of a step."""
        random = np.random.default_rng([self.config.seed, step])
        lessons = [self._lesson(random) for _ in range(self.config.batch)]
        return RawBatch(*(torch.from_numpy(np.stack(parts)) for parts in zip(*lessons, strict=True)))

    def _lesson(self, random: np.random.Generator) -> tuple[FloatImage, ...]:
        if self.config.drawn_share and random.random() < self.config.drawn_share:
            light = decode_light(draw_scene(self.config.crop_px, random))
        else:
            light = self._crop(random)
        light = varied_light(light, random, self.config)
        matrix, gains = draw_colours(self.data, random)
        scene = np.maximum(light @ matrix.T, 0) / gains
        scene = exposed(scene, gains, random)
        sensor = draw_sensor(self.data, self.config.shot, random)
        mosaic = expose(scene, sensor, random)
        target = np.minimum(scene, 1).transpose(2, 0, 1)
        to_srgb = np.linalg.inv(matrix).astype(np.float32)
        return packed(mosaic), told(sensor.noise, random), gains, np.ascontiguousarray(target), to_srgb

    def _crop(self, random: np.random.Generator) -> FloatImage:
        """Return a square of linear light, flipped and turned before it meets the colour filters."""
        index = int(random.choice(len(self.sources), p=self._source_share))
        source, share = self.sources[index], self._photo_share[index]
        photo = source.photos[int(random.choice(len(share), p=share))]
        by = int(random.choice([each for each in source.reduced if self._fits(photo, each)]))
        choice = TEXTURED_OF if random.random() < TEXTURED_SHARE else 1
        squares = [_square(photo, by * self.config.crop_px, random) for _ in range(choice)]
        square = max(squares, key=_texture) if choice > 1 else squares[0]
        square = np.rot90(square, int(random.integers(4)))
        light = np.take(LIGHT_OF_LEVEL, square[:, ::-1] if random.integers(2) else square)
        return light if by == 1 else reduced(light, by)

    def _fits(self, photo: NDArray[np.uint8], by: int) -> bool:
        return bool(min(photo.shape[:2]) >= by * self.config.crop_px)


def _square(photo: NDArray[np.uint8], side: int, random: np.random.Generator) -> NDArray[np.uint8]:
    top, left = (int(random.integers(0, length - side + 1)) for length in photo.shape[:2])
    return photo[top : top + side, left : left + side]


def _texture(square: NDArray[np.uint8]) -> int:
    """Return how much green there differs from site to site."""
    green = square[..., 1].astype(np.int16)
    return int(np.abs(np.diff(green, axis=0)).sum() + np.abs(np.diff(green, axis=1)).sum())


def varied_light(light: FloatImage, random: np.random.Generator, config: RawTrainingConfig) -> FloatImage:
    """Return the light (h, w, 3), 0..1, of a scene in other colours, contrast and sharpness; lamps exceed 1."""
    if random.random() < PERMUTED_SHARE:
        light = light[..., random.permutation(3)]
    if random.random() < COLOURED_SHARE:
        grey = light @ np.full((3, 1), 1 / 3, np.float32)
        colourful = grey + (light - grey) * np.float32(random.uniform(0, config.most_colour))
        light = np.clip(colourful, 0, 1).astype(np.float32)
    if random.random() < CURVED_SHARE:
        light = np.asarray(light ** np.float32(random.uniform(*CURVES)), np.float32)
    if random.random() < LAMPS_SHARE:
        brightest = np.maximum(np.maximum(light[..., :1], light[..., 1:2]), light[..., 2:])
        over = np.maximum(brightest - np.float32(LAMP_LIGHT), 0) / np.float32(1 - LAMP_LIGHT)
        light = np.asarray(light * (1 + np.float32(random.uniform(0, MOST_LAMP)) * over * over), np.float32)
    if random.random() < config.blurred_share:
        light = blur(np.ascontiguousarray(light), random.uniform(0, MOST_BLUR_PX))
    return np.asarray(light, np.float32)


def exposed(scene: FloatImage, gains: FloatImage, random: np.random.Generator) -> FloatImage:
    """Return a scene of camera RGB in other light: about right, with clipped parts, or up to six stops under."""
    usual = random.random() < USUAL_SHARE
    exposure = log_uniform(random, *(USUAL_EXPOSURE if usual else (LEAST_EXPOSURE, USUAL_EXPOSURE[0])))
    # White of the photo is white of the sensor's most sensitive colour at exposure 1.
    return np.asarray(scene * np.float32(exposure * float(gains.min())), np.float32)


def told(noise: NDArray[np.float64], random: np.random.Generator) -> FloatImage:
    """Return the noise (3, 2) as a program hears of it: measured with errors, or wrong."""
    if random.random() < TOLD_BADLY_SHARE:
        factors = MOST_WRONG ** random.uniform(-1, 1, 2)
    else:
        factors = np.exp(random.normal(0, TOLD_SPREAD, 2))
    return np.asarray(noise * factors, np.float32)
