"""How far a student is from the truth on noisy photos, estimated without it, where their noise is known.

A photo is given a share of its noise again, with both signs. How far the two answers are from the photo says how far
they are from the truth, but for what they keep of the photo's noise; and that shows in how much they keep of the added
one (Stein, Annals of Statistics 1981; Ramani, Blu, Unser, IEEE TIP 2008; it is the loss of Pang et al.,
"Recorrupted-to-Recorrupted", CVPR 2021, without most of its chance). No cleaned picture is an answer here: texture that
every student loses counts as lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.noise.measured import CameraNoise

ADDED = 0.35
"""Deviation of the added noise, as a share of the photo's own: what is judged is a photo with 6 % more noise."""
JUDGED_PX = 288
"""Students are judged on the middle of a tile, of this side at most."""
PLACE_PX = 48
"""Students are compared at squares of this side."""

FloatImage = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ProbedPhoto:
    """A noisy photo (h, w, 3), and the noise that is added to it; levels 0..255."""

    noisy: FloatImage
    added: FloatImage
    """As strong as the photo's own."""
    variance: FloatImage
    """Of the photo's noise."""
    counts: FloatImage
    """1 where noise is not clipped, else 0: there nothing can be said."""


@dataclass(frozen=True)
class Risk:
    """The estimated squared error of one student at each place of all photos, in squared levels, in two parts."""

    differs: tuple[float, ...]
    """How far its answers are from the noisy photo, less the variance of its noise."""
    keeps: tuple[float, ...]
    """Twice the covariance of its answers with the noise."""
    photo: tuple[int, ...]
    """Which photo each place is of."""

    def at_places(self, noise_share: float = 1.0) -> NDArray[np.float64]:
        """Return the squared error at each place, were the variance of the noise such a share of what was measured.

        That is right but for a constant, which two students have in common.
        """
        return np.asarray(self.differs) + noise_share * np.asarray(self.keeps)

    def of_photos(self, noise_share: float = 1.0) -> NDArray[np.float64]:
        """Return the mean over each photo."""
        places, owner = self.at_places(noise_share), np.asarray(self.photo)
        return np.array([places[owner == photo].mean() for photo in np.unique(owner)])


def probed(
    tiles: Sequence[NDArray[np.uint8]], cleaned: Sequence[NDArray[np.uint8]], noise: CameraNoise
) -> list[ProbedPhoto]:
    """Return the middles of noisy tiles with the noise to add, whose level is that at the brightness of the cleaned."""
    random, photos = np.random.default_rng(1), []
    for tile, picture in zip(tiles, cleaned, strict=True):
        height, width = (min(side, JUDGED_PX) for side in tile.shape[:2])
        top, left = (tile.shape[0] - height) // 2, (tile.shape[1] - width) // 2
        place = (slice(top, top + height), slice(left, left + width))
        scene = picture[place].astype(np.float32)
        level, counts = noise.level_at(scene), noise.whole_at(scene).astype(np.float32)
        added = level * noise.drawn(max(height, width), random)[:height, :width]
        photos.append(ProbedPhoto(tile[place].astype(np.float32), added, level**2, counts))
    return photos


@torch.inference_mode()
def risk_of(network: nn.Module, photos: Sequence[ProbedPhoto], device: Device) -> Risk:
    """Return the risk of a student on the photos."""
    differs, keeps, owner = list[float](), list[float](), list[int]()
    for number, photo in enumerate(photos):
        more, less = (_answer(network, photo.noisy + sign * ADDED * photo.added, device) for sign in (1, -1))
        squares = ((more - photo.noisy) ** 2 + (less - photo.noisy) ** 2) / 2
        places = _places(photo.counts * (squares - photo.variance))
        differs += places
        keeps += _places(photo.counts * (more - less) * photo.added / ADDED)
        owner += [number] * len(places)
    return Risk(tuple(differs), tuple(keeps), tuple(owner))


def _answer(network: nn.Module, levels: FloatImage, device: Device) -> FloatImage:
    # As a file holds it: rounding and clipping are part of what is judged.
    image = torch.from_numpy(np.rint(levels.clip(0, 255)) / np.float32(255)).permute(2, 0, 1)[None]
    answer = network(image.to(device.torch_device))[0].clamp(0, 1).permute(1, 2, 0)
    return 255 * np.asarray(answer.float().cpu().numpy())


def _places(values: NDArray[np.floating[Any]]) -> list[float]:
    """Return the mean of each square; of what is smaller than one, of all."""
    tall, wide = (min(side, PLACE_PX) for side in values.shape[:2])
    height, width = values.shape[0] // tall * tall, values.shape[1] // wide * wide
    blocks = values[:height, :width].reshape(height // tall, tall, width // wide, wide, 3)
    return [float(each) for each in blocks.mean(axis=(1, 3, 4)).ravel()]
