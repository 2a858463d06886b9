"""What the noise estimator learns from: pictures with noise of known strength on them.

A lesson is a photo twice, without and with new noise, both through the same tone curve, made grey or enlarged alike and
through the same JPEG; what differs is the noise that is left of it, and its variance is the answer. Such a photo is put
together from a few scenes, so that one part of it may tell what noise is in another. Scenes are crops of photos of low
noise, reduced, which are full of texture, of drawn pictures, and of cleaned photos; their light, colour, contrast and
sharpness vary. The noise is made noise of any colour and grain size, that of a simulated camera, that of a noisy photo
at any strength, or grain, one kind for a photo, of which in some photos each part keeps another share. Noisy photos as
they were taken are lessons, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lgbpn_cli.noise.network import CELL_PX, FEWEST_LEVELS_SQUARED, TILE_PX
from lgbpn_cli.training.noise.camera import NoiseRanges, draw_camera, photograph, through_jpeg
from lgbpn_cli.training.noise.grain import grain_for
from lgbpn_cli.training.noise.log_uniform import log_uniform
from lgbpn_cli.training.noise.made import lay_made_noise
from lgbpn_cli.training.noise.transplant import NoiseOfPhoto, lay_noise
from lgbpn_cli.training.pictures.scenes import crop, varied

FloatImage = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)

SCENE_PX = 2 * TILE_PX
"""Side of a scene: four tiles."""
SCENES = 14
"""Scenes in a step, unless told otherwise."""
MOST_SCENES = 14
"""Scenes of a photo at most."""
ONE_PICTURE_SHARE = 0.4
"""Share of the photos whose scenes all come from one picture, though maybe in several sizes."""
AS_TAKEN_SHARE = 0.25
"""Share of the photos that are noisy photos as they were taken, with what a student made of them as the truth: in those
alone the noise is all that it is on a real photo. The others are made of scenes and new noise."""
FULL_STRENGTH_SHARE = 0.5
"""Share of these that have all their noise; that of the rest is weakened."""
TEXTURE_SHARE = 0.75
"""Share of the scenes of the others that come from pictures of texture."""
NO_NOISE_SHARE, MADE_SHARE, GRAIN_SHARE, CAMERA_SHARE = 0.12, 0.25, 0.05, 0.33
"""Shares of the photos that are made, by what is laid on them; the rest has the noise of a noisy photo."""
RECOLOURED_SHARE = 0.5
"""Share of the photos whose channels are exchanged: what colour noise has does not tell it from texture."""
ENLARGED_SHARE = 0.35
"""Share of the photos that are enlarged with their noise, as digital zoom and resizing do; noise is coarser then."""
LARGEST_FACTOR = 2.5
"""By which they are enlarged at most."""
RESAMPLINGS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
UNEQUAL_SHARE = 0.25
"""Share of the photos whose parts keep different shares of their noise: cameras smooth some more than others, and
photographers lift shadows here and there."""
LEAST_LEFT = 0.25
NOTHING_LEFT_SHARE = 0.1
"""Share of their parts that have none: frames, captions, what was pasted in."""
TONED_SHARE = 0.4
"""Share of the photos that go through another tone curve with their noise: lifted shadows, a soft shoulder."""
TONE_PIECES = 5
TONE_SPREAD = 0.6
"""Standard deviation of the logarithm of the slopes of its pieces."""
GREY_SHARE = 0.25
"""Share of the photos that are made grey with their noise, as scans and monochrome ones are."""
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
    scenes: int = SCENES
    """Scenes in a step."""

    def lesson(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return tiles, the logarithm of their noise's deviation in levels, and which photo each tile is from.

        (n, 3, 64, 64), 0..1; (n, 3, 2, 2); and (n,), for four tiles a scene.
        """
        random = np.random.default_rng([self.seed, step])
        photos = list(self._photos(random))
        noisy = torch.from_numpy(np.concatenate([tiles for tiles, _ in photos])).float() / 255
        variance = torch.from_numpy(np.concatenate([variances for _, variances in photos])).float()
        lengths = torch.tensor([len(tiles) for tiles, _ in photos])
        numbers = torch.arange(len(photos)).repeat_interleave(lengths)
        return noisy, 0.5 * (variance + FEWEST_LEVELS_SQUARED).log(), numbers

    def _photos(self, random: np.random.Generator) -> Iterator[tuple[NDArray[np.uint8], FloatImage]]:
        """Yield photos, `scenes` scenes in all: their tiles (n, 3, 64, 64), and the variance of the cells' noise."""
        left = self.scenes
        while left:
            count = min(left, int(random.integers(1, MOST_SCENES + 1)))
            left -= count
            pair = self._as_taken if random.random() < AS_TAKEN_SHARE else self._made
            scenes, noisy = pair(count, random)
            if random.random() < UNEQUAL_SHARE:
                noisy = scenes + _shares_left(count, random) * (noisy - scenes)
            plain, taken = (np.rint(255 * each.clip(0, 1)).astype(np.uint8) for each in (scenes, noisy))
            for change in _changes(random):
                plain, taken = (np.stack([change(scene) for scene in each]) for each in (plain, taken))
            noise = taken.astype(np.float32) - plain
            cells = SCENE_PX // CELL_PX
            variance = noise.reshape(count, cells, CELL_PX, cells, CELL_PX, 3).var(axis=(2, 4))
            yield _in_tiles(taken, TILE_PX), _in_tiles(variance, TILE_PX // CELL_PX)

    def _as_taken(self, count: int, random: np.random.Generator) -> tuple[FloatImage, FloatImage]:
        """Return crops of a noisy photo, cleaned and with their own noise, at its strength or weaker: in 0..1."""
        photo = self._noise(random)
        pairs = [crop((photo.cleaned, photo.noisy), SCENE_PX, random) for _ in range(count)]
        cleaned, noisy = (np.stack(each) for each in zip(*pairs, strict=True))
        strength = 1.0 if random.random() < FULL_STRENGTH_SHARE else log_uniform(random, WEAKEST, 1.0)
        return cleaned, cleaned + np.float32(strength) * (noisy - cleaned)

    def _made(self, count: int, random: np.random.Generator) -> tuple[FloatImage, FloatImage]:
        """Return scenes without and with new noise, (n, 128, 128, 3), in 0..1."""
        scenes = self._scenes(count, random)
        return scenes, self._with_noise(scenes, random)

    def _scenes(self, count: int, random: np.random.Generator) -> FloatImage:
        """Return the scenes of a photo, (n, 128, 128, 3) in 0..1."""
        from_one = random.random() < ONE_PICTURE_SHARE
        sizes: Sequence[NDArray[np.uint8]] = ()
        scenes = []
        for _ in range(count):
            if not (sizes and from_one):
                sizes = self._picture(random)
            picture = sizes[int(random.integers(len(sizes)))]
            scenes.append(varied(crop((picture,), SCENE_PX, random)[0], random))
        return np.stack(scenes)

    def _picture(self, random: np.random.Generator) -> Sequence[NDArray[np.uint8]]:
        if random.random() < TEXTURE_SHARE:
            return self.textures[int(random.integers(len(self.textures)))]
        return (self.cleaned[int(random.integers(len(self.cleaned)))],)

    def _with_noise(self, scenes: FloatImage, random: np.random.Generator) -> FloatImage:
        kind = random.random()
        if kind < NO_NOISE_SHARE:
            return scenes
        in_a_column = scenes.reshape(-1, SCENE_PX, 3)
        if kind < NO_NOISE_SHARE + MADE_SHARE:
            return lay_made_noise(in_a_column, random)[0].reshape(scenes.shape)
        if kind < NO_NOISE_SHARE + MADE_SHARE + GRAIN_SHARE:
            return scenes + grain_for(in_a_column, random).reshape(scenes.shape)
        if kind < NO_NOISE_SHARE + MADE_SHARE + GRAIN_SHARE + CAMERA_SHARE:
            camera = draw_camera(random, NoiseRanges(shot=SHOT, jpeg_share=0))
            return photograph(in_a_column, camera, random).reshape(scenes.shape)
        noise, strength = self._noise(random), log_uniform(random, WEAKEST, 1.0)
        return np.stack([lay_noise(noise, 255 * each, random, strength) for each in scenes]) / np.float32(255)

    def _noise(self, random: np.random.Generator) -> NoiseOfPhoto:
        photos = self.noises[int(random.integers(len(self.noises)))]
        return photos[int(random.integers(len(photos)))]


Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def _shares_left(count: int, random: np.random.Generator) -> FloatImage:
    """Return how much of its noise each scene of a photo keeps, (n, 1, 1, 1)."""
    shares = [log_uniform(random, LEAST_LEFT, 1.0) for _ in range(count)]
    some = random.random(count) >= NOTHING_LEFT_SHARE
    return np.array(shares * some, np.float32).reshape(-1, 1, 1, 1)


def _tone_curve(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a rising curve from black to white, as a table of 256 values: straight pieces of different slope."""
    steps = np.exp(TONE_SPREAD * random.standard_normal(TONE_PIECES))
    points = np.concatenate([[0], np.cumsum(steps)]) * (255 / steps.sum())
    curve = np.interp(np.arange(256), np.linspace(0, 255, len(points)), points)
    return np.asarray(np.rint(curve), np.uint8)


def _changes(random: np.random.Generator) -> list[Change]:
    """Return what happens to a photo and its noise alike after it was taken, for (h, w, 3) pictures."""
    changes: list[Change] = []
    if random.random() < RECOLOURED_SHARE:
        order = random.permutation(3)
        changes.append(lambda picture: picture[..., order])
    if random.random() < TONED_SHARE:
        curve = _tone_curve(random)
        changes.append(lambda picture: curve[picture])
    if random.random() < GREY_SHARE:
        changes.append(lambda picture: np.asarray(Image.fromarray(picture).convert("L").convert("RGB")))
    if random.random() < ENLARGED_SHARE:
        factor = float(random.uniform(1, LARGEST_FACTOR))
        resampling = RESAMPLINGS[int(random.integers(len(RESAMPLINGS)))]
        changes.append(partial(_enlarged, factor=factor, resampling=resampling))
    if random.random() < JPEG_SHARE:
        quality, subsampling = int(random.integers(*JPEG_QUALITIES)), int(random.choice((0, 2)))
        changes.append(partial(through_jpeg, quality=quality, subsampling=subsampling))
    return changes


def _enlarged(picture: NDArray[np.uint8], factor: float, resampling: Image.Resampling) -> NDArray[np.uint8]:
    """Return the middle of a picture, enlarged to the size of the whole."""
    height, width, _ = picture.shape
    border = (1 - 1 / factor) / 2
    box = (border * width, border * height, (1 - border) * width, (1 - border) * height)
    return np.asarray(Image.fromarray(picture).resize((width, height), resampling, box))


def _in_tiles(pictures: NDArray[Number], side: int) -> NDArray[Number]:
    """Return (n, h, w, 3) cut into tiles (m, 3, side, side)."""
    count, height, width, _ = pictures.shape
    cut = pictures.reshape(count, height // side, side, width // side, side, 3).transpose(0, 1, 3, 5, 2, 4)
    return cut.reshape(-1, 3, side, side)
