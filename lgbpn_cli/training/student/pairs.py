"""Pairs of a noisy picture and its target: noisy photos as they are, and scenes with other noise on them.

Scenes are cleaned photos, photographs of little noise and drawn pictures. The other noise is that of a made-up camera,
grain, made noise of any kind, or that of a noisy photo, laid on the photo itself in another place, or on another scene;
or there is none, and the scene is its own target. All may come in other colours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.noise.camera import NoiseRanges, blur, draw_camera, photograph, through_jpeg
from lgbpn_cli.training.noise.grain import grain_for
from lgbpn_cli.training.noise.log_uniform import log_uniform
from lgbpn_cli.training.noise.made import lay_made_noise
from lgbpn_cli.training.noise.mean import Colours
from lgbpn_cli.training.noise.transplant import NoiseOfPhoto, lay_noise, learn_noise
from lgbpn_cli.training.pictures.drawn_scenes import draw_scene
from lgbpn_cli.training.pictures.other_colours import recoloured, saturated
from lgbpn_cli.training.pictures.scenes import REDUCTION, crop, halved, varied

REDUCED_SHARE = 0.5
"""Share of the scenes that are reduced, where the picture is large enough: detail is then as fine as it can be."""
WEAKEST = 0.05
"""The least strength of weakened noise, of the photo's own."""
COARSEST_GRAIN_PX = 0.4
"""Standard deviation of its blur. Plush and lawns look like coarser grain, and more people photograph those."""
JPEG_QUALITIES = (50, 99)
"""The least, and one more than the most."""
WEAK_LEVELS = 0.7
"""Noise weaker than this, in levels, is less than what a JPEG does to the scene: then the scene as that JPEG keeps it
is the target, for what has no noise is to stay as it is."""
SATURATED_SHARE, MOST_SATURATED = 0.35, 3.0
"""Share of the scenes whose hue is turned, and by how much their colour grows at most, where pairs are recoloured."""
OUT_OF_FOCUS_SHARE, OUT_OF_FOCUS_PX = 0.1, (1.0, 8.0)
"""Share of the scenes that are out of focus where scenes are drawn, and the standard deviation of their blur."""
SOFT_PX = (0.4, 1.3)
"""Standard deviation of the blur of scenes that are as soft as lenses and demosaicing leave them."""
PROCESSED_SHARE = 0.7
"""Share of the made-up cameras that smooth or sharpen their noise themselves, as most do that make JPEGs."""
ROWS_SHARE = 0.15
"""Share of the made-up cameras whose rows have noise of their own."""
FACTORS = (0.5, 2.5)
"""By which pictures are made smaller or larger with their noise."""
SMALLEST_SCENE_PX = 16


FloatImage = NDArray[np.float32]
NewNoise = Callable[[FloatImage, np.random.Generator], FloatImage]
Pair = tuple[FloatImage, FloatImage]
"""A noisy crop and its target, (crop_px, crop_px, 3) in 0..1."""


@dataclass(frozen=True)
class CleanedPhotos:
    """The photos of one source, (h, w, 3) uint8, with their targets, and the source's shares of all crops.

    Drawn pictures are their own targets, and are used as scenes for other noise alone.
    """

    name: str
    noisy: tuple[NDArray[np.uint8], ...]
    targets: tuple[NDArray[np.uint8], ...]
    weight: float
    renoised_weight: float
    missing_mean: Colours = (0.0, 0.0, 0.0)
    """What the mean of their noise lies above that of what was removed, over its variance: targets are too bright by
    so much."""


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

    def __init__(
        self, sources: Sequence[CleanedPhotos], config: DistillationConfig, new_noise: NewNoise | None = None
    ) -> None:
        """Take crops from `sources` by their weights, and from the photos of one by their area.

        `new_noise` lays the noise of `renoised_share` on a scene, 0..255; None: that of a camera drawn each time.
        """
        self.sources, self.config = tuple(sources), config
        self.new_noise = new_noise or self._of_made_up_camera
        # Their JPEGs are made here, where what has no noise is its own target.
        self.ranges = NoiseRanges(
            shot=config.shot, processed_share=PROCESSED_SHARE, jpeg_share=0, rows_share=ROWS_SHARE
        )
        self.shares = {
            renoised: _share([each.renoised_weight if renoised else each.weight for each in sources])
            for renoised in (False, True)
        }
        self.photo_shares = [
            _share([photo.shape[0] * photo.shape[1] for photo in each.noisy]) for each in sources
        ]
        self._noises: dict[tuple[int, int], NoiseOfPhoto] = {}
        self._shortest = int(min(min(photo.shape[:2]) for each in sources for photo in each.noisy))
        self._can_be_reduced = self._shortest >= REDUCTION * config.crop_px

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
        pair, as_taken = self._in_colour(random)
        if random.random() < self.config.recoloured_share:
            pair = recoloured(pair, random)
        grey = random.random() < self.config.grey_share
        return (_made_grey(pair, random) if grey else pair), as_taken

    def _in_colour(self, random: np.random.Generator) -> tuple[Pair, bool]:
        kind = random.random()
        for share, make in (
            (self.config.renoised_share, self._renoised),
            (self.config.transplanted_share, self._transplanted),
            (self.config.grain_share, self._grainy),
            (self.config.made_share, self._made),
            (self.config.unchanged_share, self._unchanged),
        ):
            if kind < share:
                return make(random), False
            kind -= share
        return self._as_taken(random), True

    def _as_taken(self, random: np.random.Generator) -> Pair:
        index, chosen = self._choose(random, renoised=False)
        source = self.sources[index]
        first, second = crop((source.noisy[chosen], source.targets[chosen]), self.config.crop_px, random)
        if any(source.missing_mean):
            levels = np.float32(255) * second
            darker = levels - self._noise_of(index, chosen).missing_mean_at(levels)
            second = np.clip(darker, 0, 255) / np.float32(255)
        return first, second

    def _choose(self, random: np.random.Generator, *, renoised: bool) -> tuple[int, int]:
        """Return the indices of a source and of one of its photos."""
        index = int(random.choice(len(self.sources), p=self.shares[renoised]))
        photo_share = self.photo_shares[index]
        return index, int(random.choice(len(photo_share), p=photo_share))

    def _scene(self, random: np.random.Generator, side: int) -> FloatImage:
        """Return a scene (side, side, 3): a crop of the target of any source, varied, or a drawn one."""
        scene = self._sharp_scene(side, random)
        if self.config.soft_share and random.random() < self.config.soft_share:
            scene = blur(scene, random.uniform(*SOFT_PX))
        return scene

    def _sharp_scene(self, side: int, random: np.random.Generator) -> FloatImage:
        if random.random() < self.config.drawn_scene_share:
            return draw_scene(side, random)
        index, chosen = self._choose(random, renoised=True)
        target = self.sources[index].targets[chosen]
        if min(target.shape[:2]) >= REDUCTION * side and random.random() < REDUCED_SHARE:
            scene = halved(crop((target,), REDUCTION * side, random)[0])
        else:
            scene = crop((target,), side, random)[0]
        if self.config.recoloured_share and random.random() < SATURATED_SHARE:
            scene = saturated(scene, random, MOST_SATURATED)
        if self.config.drawn_scene_share and random.random() < OUT_OF_FOCUS_SHARE:
            scene = blur(scene, log_uniform(random, *OUT_OF_FOCUS_PX))
        return varied(scene, random)

    def _noise_of(self, index: int, chosen: int) -> NoiseOfPhoto:
        key, source = (index, chosen), self.sources[index]
        if key not in self._noises:
            self._noises[key] = learn_noise(source.noisy[chosen], source.targets[chosen], source.missing_mean)
        return self._noises[key]

    def _renoised(self, random: np.random.Generator) -> Pair:
        side = self._side(random)
        scene = self._scene(random, side)
        return self._as_file(self.new_noise(np.float32(255) * scene, random), scene, random)

    def _of_made_up_camera(self, levels: FloatImage, random: np.random.Generator) -> FloatImage:
        scene = levels / np.float32(255)
        return np.float32(255) * photograph(scene, draw_camera(random, self.ranges), random)

    def _made(self, random: np.random.Generator) -> Pair:
        scene = self._scene(random, self._side(random))
        noisy, _ = lay_made_noise(scene, random)
        return self._as_file(np.float32(255) * noisy, scene, random)

    def _unchanged(self, random: np.random.Generator) -> Pair:
        scene = self._scene(random, self._side(random))
        return self._as_file(np.float32(255) * scene, scene, random)

    def _side(self, random: np.random.Generator) -> int:
        """Return the side of a scene that becomes a crop: another one for some, which are made smaller or larger."""
        side = self.config.crop_px
        if random.random() >= self.config.resized_share:
            return side
        return max(SMALLEST_SCENE_PX, min(self._shortest, round(side / log_uniform(random, *FACTORS))))

    def _transplanted(self, random: np.random.Generator) -> Pair:
        index, chosen = self._choose(random, renoised=False)
        target = self.sources[index].targets[chosen]
        reduced = self._can_be_reduced and random.random() < self.config.reduced_share
        side = self.config.crop_px * (REDUCTION if reduced else 1)
        if random.random() < self.config.other_scene_share:
            scene = self._scene(random, side)
        else:
            scene = crop((target,), side, random)[0]
        levels = np.float32(255) * scene
        weakened = random.random() < self.config.weakened_share
        strength = log_uniform(random, WEAKEST, 1) if weakened else 1.0
        laid = lay_noise(self._noise_of(index, chosen), levels, random, strength)
        if reduced:
            laid, scene = halved(laid), halved(scene)
        return self._as_file(laid, scene, random)

    def _grainy(self, random: np.random.Generator) -> Pair:
        scene = self._scene(random, self.config.crop_px)
        grain = grain_for(scene, random, COARSEST_GRAIN_PX)
        return self._as_file(np.float32(255) * (scene + grain), scene, random)

    def _as_file(self, levels: FloatImage, scene: FloatImage, random: np.random.Generator) -> Pair:
        """Return a picture with noise, 0..255, as a file gives it back, 0..1: in whole levels, some as JPEGs do.

        And its target, the scene, which is made smaller or larger with it where it is of another size than a crop.
        """
        if len(scene) != self.config.crop_px:
            levels, scene = resized((levels / np.float32(255), scene), self.config.crop_px)
            levels = np.float32(255) * levels
        noise = float((levels - np.float32(255) * scene).std())
        noisy = _in_levels(levels)
        if random.random() < self.config.jpeg_share:
            quality, subsampling = int(random.integers(*JPEG_QUALITIES)), int(random.choice((0, 2)))
            noisy = through_jpeg(noisy, quality, subsampling)
            if noise < WEAK_LEVELS:
                scene = _as_floats(through_jpeg(_in_levels(np.float32(255) * scene), quality, subsampling))
        return _as_floats(noisy), scene


def resized(pictures: Pair, side: int) -> Pair:
    """Return pictures (h, w, 3) made smaller or larger, to (side, side, 3), as programs do; not clipped."""
    together = torch.from_numpy(np.concatenate(pictures, axis=2)).permute(2, 0, 1)[None]
    sized = functional.interpolate(
        together, (side, side), mode="bicubic", antialias=True, align_corners=False
    )
    both = sized[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(both[..., :3]), np.ascontiguousarray(both[..., 3:].clip(0, 1))


def _in_levels(levels: FloatImage) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(levels, 0, 255)), np.uint8)


def _as_floats(levels: NDArray[np.uint8]) -> FloatImage:
    return levels.astype(np.float32) / np.float32(255)


def _made_grey(pair: Pair, random: np.random.Generator) -> Pair:
    """Return a pair without its colours, as through any filter before black and white film; noisy: whole levels."""
    through = random.dirichlet(np.ones(3)).astype(np.float32)
    noisy, target = (np.repeat((each @ through)[..., None], 3, axis=2) for each in pair)
    return np.rint(255 * noisy) / np.float32(255), target


def _share(weights: Sequence[float]) -> NDArray[np.float64]:
    """Return the weights as shares of one; all 0 where there are none, of a kind that is not asked for."""
    values = np.array(weights, dtype=np.float64)
    return np.asarray(values / max(values.sum(), 1e-12))
