"""Noisy photos in memory, and random crops from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lgbpn_cli.config.file_names import fits
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.noise.made import lay_made_noise
from lgbpn_cli.training.pictures.drawn_scenes import draw_scene
from lgbpn_cli.training.pictures.other_colours import recoloured, saturated

SATURATED_SHARE, MOST_SATURATED = 0.3, 4.0
"""Share of the crops in other colours that get more of them, and how many times as much at most."""


@dataclass(frozen=True)
class NoisySource:
    """The photos of one source, each (h, w, 3) uint8, and the source's share of all crops."""

    name: str
    photos: tuple[np.ndarray, ...]
    weight: float


def source_files(source: DataSource, data_root: Path) -> list[Path]:
    """Return the photo files of `source`, sorted by name, without those its patterns exclude."""
    folder = data_root / source.folder
    if not folder.is_dir():
        raise UsageError(
            folder, "there is no such folder", "Set LGBPN_DATA to the folder that holds the data sets."
        )
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PHOTO_SUFFIXES and not fits((*source.exclude, *source.grainy), {path.name})
    ]


def load_source(source: DataSource, data_root: Path, crop_px: int) -> NoisySource:
    """Return the decoded photos of `source`; those smaller than a crop are left out.

    Raises UsageError when none is left.
    """
    photos = []
    for path in source_files(source, data_root):
        photo = read_photo(path)
        if min(photo.pixels.shape[:2]) >= crop_px:
            photos.append(np.rint(to_working(photo) * 255).astype(np.uint8))
    if not photos:
        raise UsageError(
            source.folder, f"no photo of at least {crop_px} px a side", "Name a folder with larger photos."
        )
    return NoisySource(source.folder, tuple(photos), source.weight)


class CropSampler:
    """Random crops, flipped and turned; the crops of a step depend on the seed and the step's number alone."""

    def __init__(
        self,
        sources: Sequence[NoisySource],
        *,
        batch: int,
        crop_px: int,
        seed: int,
        recoloured_share: float = 0.0,
        drawn_share: float = 0.0,
    ) -> None:
        """Take crops of `crop_px` from `sources` by their weights, and from a source's photos by their area.

        Of these, `recoloured_share` come in other colours; `drawn_share` of all crops are drawn, with made noise.
        """
        self.sources, self.batch, self.crop_px, self.seed = tuple(sources), batch, crop_px, seed
        self.recoloured_share, self.drawn_share = recoloured_share, drawn_share
        weights = np.array([source.weight for source in sources], dtype=np.float64)
        self.source_share = weights / weights.sum()
        self.photo_share = [
            _share(photo.shape[0] * photo.shape[1] for photo in source.photos) for source in sources
        ]

    def crops(self, step: int) -> Tensor:
        """Return (batch, 3, crop_px, crop_px) float32 in 0..1, the same for the same step every time."""
        random = np.random.default_rng([self.seed, step])
        stack = np.stack([self._crop(random) for _ in range(self.batch)])
        return torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255

    def _crop(self, random: np.random.Generator) -> np.ndarray:
        if self.drawn_share and random.random() < self.drawn_share:
            return _drawn(self.crop_px, random)
        index = random.choice(len(self.sources), p=self.source_share)
        share = self.photo_share[index]
        photo = self.sources[index].photos[random.choice(len(share), p=share)]
        top, left = (int(random.integers(0, side - self.crop_px + 1)) for side in photo.shape[:2])
        crop = np.rot90(photo[top : top + self.crop_px, left : left + self.crop_px], int(random.integers(4)))
        crop = crop[:, ::-1] if random.integers(2) else crop
        return _in_other_colours(crop, random) if random.random() < self.recoloured_share else crop


def _drawn(side: int, random: np.random.Generator) -> np.ndarray:
    """Return a drawn scene (side, side, 3) uint8 with noise, which reaches no further than that of most cameras."""
    noisy, _ = lay_made_noise(draw_scene(side, random), random, coarse_share=0)
    return np.asarray(np.rint(255 * np.clip(noisy, 0, 1)), np.uint8)


def _in_other_colours(crop: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a noisy crop (h, w, 3) uint8 with its noise in other colours, some of them more saturated."""
    noisy = crop.astype(np.float32) / np.float32(255)
    if random.random() < SATURATED_SHARE:
        noisy = saturated(noisy, random, MOST_SATURATED)
    else:
        noisy, _ = recoloured((noisy, noisy), random)
    return np.asarray(np.rint(255 * noisy), np.uint8)


def _share(sizes: Iterable[int]) -> np.ndarray:
    values = np.fromiter(sizes, dtype=np.float64)
    return np.asarray(values / values.sum())
