"""Pairs of a noisy picture and its target: noisy photos as they are, and cleaned ones with other noise on them.

The other noise is that of a made-up camera, or the photo's own from another place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.colour import decode_light, encode_light
from lgbpn_cli.training.synthesis import NoiseRanges, draw_camera, photograph, through_jpeg
from lgbpn_cli.training.transplant import NoiseOfPhoto, lay_noise, learn_noise
from lgbpn_cli.training_config import DistillationConfig

REDUCTION = 2
"""Cleaned photos are also used at half their size, where their detail is as fine as a picture can hold."""
REDUCED_SHARE = 0.5
"""Share of the crops with new noise that are reduced, where the photo is large enough."""
DARK_SHARE = 0.5
"""Share of the scenes that are darkened: much of what is taken at high ISO is."""
DARKEST_EXPOSURE = 0.1
"""Light that is left in the darkest of them."""
WEAKEST = 0.1
"""The least strength of weakened noise, of the photo's own."""
JPEG_QUALITIES = (60, 97)
"""The least, and one more than the most."""


Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A noisy crop and its target, (crop_px, crop_px, 3) in 0..1."""


@dataclass(frozen=True)
class CleanedPhotos:
    """The photos of one source, (h, w, 3) uint8, with their targets, and the source's shares of all crops."""

    name: str
    noisy: tuple[NDArray[np.uint8], ...]
    targets: tuple[NDArray[np.uint8], ...]
    weight: float
    renoised_weight: float


@dataclass(frozen=True)
class Pairs:
    """The pairs of one step."""

    noisy: Tensor
    """(batch, 3, crop_px, crop_px) float32 in 0..1."""
    target: Tensor
    """The same."""
    as_taken: Tensor
    """(batch,) bool: the noise is the one that the photo was taken with, so that its clean picture is not known."""


class PairSampler:
    """Random pairs of crops; those of a step depend on the seed and the step's number alone."""

    def __init__(self, sources: Sequence[CleanedPhotos], config: DistillationConfig) -> None:
        """Take crops from `sources` by their weights, and from the photos of one by their area."""
        self.sources, self.config = tuple(sources), config
        self.ranges = NoiseRanges(shot=config.shot)
        self.shares = {
            renoised: _share([each.renoised_weight if renoised else each.weight for each in sources])
            for renoised in (False, True)
        }
        self.photo_shares = [
            _share([photo.shape[0] * photo.shape[1] for photo in each.noisy]) for each in sources
        ]
        self._noises: dict[tuple[str, int], NoiseOfPhoto] = {}

    def pairs(self, step: int) -> Pairs:
        """Return the pairs of a step, the same every time."""
        random = np.random.default_rng([self.config.seed, step])
        drawn = [self._pair(random) for _ in range(self.config.batch)]
        noisy, target = (
            torch.from_numpy(np.stack(each)).permute(0, 3, 1, 2)
            for each in zip(*(pair for pair, _ in drawn), strict=True)
        )
        return Pairs(noisy, target, torch.tensor([as_taken for _, as_taken in drawn]))

    def _pair(self, random: np.random.Generator) -> tuple[Pair, bool]:
        """Return a noisy crop and its target, and whether its noise is the one that it was taken with."""
        kind = random.random()
        if kind < self.config.renoised_share:
            return self._renoised(random), False
        source, chosen = self._choose(random, renoised=False)
        side = self.config.crop_px
        if kind < self.config.renoised_share + self.config.transplanted_share:
            return self._transplanted(source, chosen, random), False
        first, second = crop((source.noisy[chosen], source.targets[chosen]), side, random)
        return (first, second), True

    def _choose(self, random: np.random.Generator, *, renoised: bool) -> tuple[CleanedPhotos, int]:
        index = random.choice(len(self.sources), p=self.shares[renoised])
        photo_share = self.photo_shares[index]
        return self.sources[index], int(random.choice(len(photo_share), p=photo_share))

    def _renoised(self, random: np.random.Generator) -> Pair:
        source, chosen = self._choose(random, renoised=True)
        target, side = source.targets[chosen], self.config.crop_px
        if min(target.shape[:2]) >= REDUCTION * side and random.random() < REDUCED_SHARE:
            scene = _halved(crop((target,), REDUCTION * side, random)[0])
        else:
            scene = crop((target,), side, random)[0]
        scene = darkened(scene, random)
        return photograph(scene, draw_camera(random, self.ranges), random), scene

    def _transplanted(self, source: CleanedPhotos, chosen: int, random: np.random.Generator) -> Pair:
        target, key = source.targets[chosen], (source.name, chosen)
        if key not in self._noises:
            self._noises[key] = learn_noise(source.noisy[chosen], target)
        scene = crop((target,), self.config.crop_px, random)[0]
        levels = np.float32(255) * scene
        weakened = random.random() < self.config.weakened_share
        strength = float(np.exp(random.uniform(np.log(WEAKEST), 0))) if weakened else 1.0
        noisy = lay_noise(self._noises[key], levels, random, strength).astype(np.uint8)
        if random.random() < self.config.jpeg_share:
            quality, subsampling = int(random.integers(*JPEG_QUALITIES)), int(random.choice((0, 2)))
            noisy = through_jpeg(noisy, quality, subsampling)
        return noisy.astype(np.float32) / np.float32(255), scene


def crop(
    pictures: Sequence[NDArray[np.uint8]], side: int, random: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Return the same square of all pictures, flipped and turned alike, 0..1."""
    height, width = pictures[0].shape[:2]
    top, left = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    turns, mirrored = int(random.integers(4)), bool(random.integers(2))
    crops = []
    for picture in pictures:
        square = np.rot90(picture[top : top + side, left : left + side], turns)
        square = square[:, ::-1] if mirrored else square
        crops.append(np.ascontiguousarray(square, np.float32) / np.float32(255))
    return crops


def _halved(scene: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scene at half its size: means over squares of 2x2 px."""
    height, width, _ = scene.shape
    squares = scene.reshape(height // REDUCTION, REDUCTION, width // REDUCTION, REDUCTION, 3)
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)


def darkened(scene: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Return a scene (h, w, 3), 0..1, in weaker light, or, as often, as it is."""
    if random.random() >= DARK_SHARE:
        return scene
    exposure = np.float32(np.exp(random.uniform(np.log(DARKEST_EXPOSURE), 0)))
    return encode_light(decode_light(scene) * exposure)


def _share(weights: Sequence[float]) -> NDArray[np.float64]:
    values = np.array(weights, dtype=np.float64)
    return np.asarray(values / values.sum())
