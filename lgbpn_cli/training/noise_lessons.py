"""What the noise estimator learns from: pictures with noise of known strength on them.

A lesson is a scene twice, without and with new noise, both made grey or enlarged alike and through the same JPEG; what
differs is the noise that is left of it, and its variance is the answer. Scenes are crops of photos of low noise,
reduced, which are full of texture, of drawn pictures, and of cleaned photos; their light, colour, contrast and
sharpness vary. The noise is that of a simulated camera, that of a noisy photo at any strength, or grain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lgbpn_cli.network.noise_estimator import CELL_PX, FEWEST_LEVELS_SQUARED, TILE_PX
from lgbpn_cli.training.grain import grain_for
from lgbpn_cli.training.log_uniform import log_uniform
from lgbpn_cli.training.scenes import crop, varied
from lgbpn_cli.training.synthesis import NoiseRanges, draw_camera, photograph, through_jpeg
from lgbpn_cli.training.transplant import NoiseOfPhoto, lay_noise

FloatImage = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)

SCENE_PX = 3 * TILE_PX
"""Side of a scene: nine tiles with one kind of noise."""
SCENES = 6
"""Scenes in a step."""
TEXTURE_SHARE = 0.75
"""Share of the scenes that come from pictures of texture."""
NO_NOISE_SHARE, GRAIN_SHARE, CAMERA_SHARE = 0.04, 0.16, 0.4
"""Shares of the scenes by what is laid on them; the rest has the noise of a noisy photo."""
ENLARGED_SHARE = 0.35
"""Share of the scenes that are enlarged with their noise, as digital zoom and resizing do; noise is coarser then."""
LARGEST_FACTOR = 2.5
"""By which they are enlarged at most."""
RESAMPLINGS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
GREY_SHARE = 0.25
"""Share of the scenes that are made grey with their noise, as scans and monochrome photos are."""
JPEG_SHARE = 0.5
JPEG_QUALITIES = (60, 99)
"""The least, and one more than the most."""
SHOT = (2e-6, 2.5e-2)
"""Variance of a simulated camera's shot noise at full scale."""
WEAKEST = 0.03
"""The least strength of a photo's own noise."""


@dataclass(frozen=True)
class NoiseLessons:
    """Where the lessons come from; those of a step depend on the seed and the step's number alone."""

    textures: Sequence[Sequence[NDArray[np.uint8]]]
    """Photos of low noise, each in several sizes, and sets of drawn pictures: (h, w, 3), no side below SCENE_PX."""
    cleaned: Sequence[NDArray[np.uint8]]
    """Cleaned photos, likewise."""
    noises: Sequence[Sequence[NoiseOfPhoto]]
    """The noise of photos, a set of cameras each; the sets come equally often."""
    seed: int

    def lesson(self, step: int) -> tuple[Tensor, Tensor]:
        """Return tiles (54, 3, 64, 64), 0..1, and the logarithm of their noise's deviation in levels, (54, 3, 2, 2)."""
        random = np.random.default_rng([self.seed, step])
        tiles, answers = zip(*(self._scene(random) for _ in range(SCENES)), strict=True)
        noisy = torch.from_numpy(np.concatenate(tiles)).float() / 255
        variance = torch.from_numpy(np.concatenate(answers)).float()
        return noisy, 0.5 * (variance + FEWEST_LEVELS_SQUARED).log()

    def _scene(self, random: np.random.Generator) -> tuple[NDArray[np.uint8], FloatImage]:
        """Return the tiles of a noisy scene, (9, 3, 64, 64), and the variance of the noise in their cells."""
        scene = varied(self._crop(random), random)
        taken = np.rint(255 * np.clip(self._with_noise(scene, random), 0, 1)).astype(np.uint8)
        plain = np.rint(255 * scene).astype(np.uint8)
        if random.random() < GREY_SHARE:
            plain, taken = (
                np.asarray(Image.fromarray(each).convert("L").convert("RGB")) for each in (plain, taken)
            )
        if random.random() < ENLARGED_SHARE:
            factor = float(random.uniform(1, LARGEST_FACTOR))
            resampling = RESAMPLINGS[int(random.integers(len(RESAMPLINGS)))]
            plain, taken = (_enlarged(each, factor, resampling) for each in (plain, taken))
        if random.random() < JPEG_SHARE:
            quality, subsampling = int(random.integers(*JPEG_QUALITIES)), int(random.choice((0, 2)))
            plain, taken = (through_jpeg(each, quality, subsampling) for each in (plain, taken))
        noise = taken.astype(np.float32) - plain
        cells = SCENE_PX // CELL_PX
        variance = noise.reshape(cells, CELL_PX, cells, CELL_PX, 3).var(axis=(1, 3))
        return _in_tiles(taken, TILE_PX), _in_tiles(variance, TILE_PX // CELL_PX)

    def _crop(self, random: np.random.Generator) -> FloatImage:
        if random.random() < TEXTURE_SHARE:
            sizes = self.textures[int(random.integers(len(self.textures)))]
            photo = sizes[int(random.integers(len(sizes)))]
        else:
            photo = self.cleaned[int(random.integers(len(self.cleaned)))]
        return crop((photo,), SCENE_PX, random)[0]

    def _with_noise(self, scene: FloatImage, random: np.random.Generator) -> FloatImage:
        kind = random.random()
        if kind < NO_NOISE_SHARE:
            return scene
        if kind < NO_NOISE_SHARE + GRAIN_SHARE:
            return scene + grain_for(scene, random)
        if kind < NO_NOISE_SHARE + GRAIN_SHARE + CAMERA_SHARE:
            return photograph(scene, draw_camera(random, NoiseRanges(shot=SHOT, jpeg_share=0)), random)
        photos = self.noises[int(random.integers(len(self.noises)))]
        noise = photos[int(random.integers(len(photos)))]
        return lay_noise(noise, 255 * scene, random, log_uniform(random, WEAKEST, 1.0)) / np.float32(255)


def _enlarged(picture: NDArray[np.uint8], factor: float, resampling: Image.Resampling) -> NDArray[np.uint8]:
    """Return the middle of a picture, enlarged to the size of the whole."""
    height, width, _ = picture.shape
    border = (1 - 1 / factor) / 2
    box = (border * width, border * height, (1 - border) * width, (1 - border) * height)
    return np.asarray(Image.fromarray(picture).resize((width, height), resampling, box))


def _in_tiles(picture: NDArray[Number], side: int) -> NDArray[Number]:
    """Return (h, w, 3) cut into tiles (n, 3, side, side)."""
    down, across = (length // side for length in picture.shape[:2])
    cut = picture.reshape(down, side, across, side, 3).transpose(0, 2, 4, 1, 3)
    return cut.reshape(-1, 3, side, side)
