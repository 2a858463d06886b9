"""The pictures that the lessons of the noise estimator are made of, read as its recipe says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.noise.transplant import learn_noise
from lgbpn_cli.training.noise_estimator.lessons import SCENE_PX, NoiseLessons
from lgbpn_cli.training.pictures.data import source_files
from lgbpn_cli.training.pictures.drawn import draw_in_colours

Picture = NDArray[np.uint8]

LARGEST_PX = 1024
"""Of larger noisy photos a corner of this side is used."""
USED_OF_MANY = 3
"""Every so many-th photo of a set of many is used."""
MANY = 100


def make_lessons(
    sources: Sequence[DataSource],
    data_root: Path,
    student: nn.Module,
    device: Device,
    *,
    seed: int,
    scenes: int,
) -> NoiseLessons:
    """Return the lessons of those sources, each a set of its own; `student` cleans the noisy photos.

    Sources of weight 0 have no noise worth learning: they are scenes, and those with `drawn` give drawn pictures, too.
    Raises UsageError where a kind of pictures is missing.
    """
    noisy = [each for each in sources if each.weight]
    pairs = [found for each in noisy if (found := list(_cleaned(each, data_root, student, device)))]
    still = [each for each in sources if not each.weight]
    photos = [sizes for each in still for sizes in _in_sizes(each, data_root)]
    random = np.random.default_rng(seed)
    drawn = [pictures for each in still if each.drawn for pictures in _drawn(each, data_root, random)]
    missing = "" if pairs and photos else "noisy photos" if photos else "photos of low noise"
    if missing:
        raise UsageError(
            "sources",
            f"there are no {missing} of at least {SCENE_PX} px a side",
            "Compare with recipes/ in the project.",
        )
    return NoiseLessons(
        textures=photos + drawn,
        cleaned=[result for each in pairs for _, result in each],
        noises=[[learn_noise(*pair) for pair in each] for each in pairs],
        seed=seed,
        scenes=scenes,
    )


def _in_sizes(source: DataSource, data_root: Path) -> list[list[Picture]]:
    """Return each photo made smaller by the source's `reduced`: its own noise and its camera's interpolation go."""
    found = []
    for path in source_files(source, data_root):
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
            sizes = [np.asarray(photo.reduce(by)) for by in source.reduced]
        found.append([each for each in sizes if min(each.shape[:2]) >= SCENE_PX])
    return [sizes for sizes in found if sizes]


def _drawn(source: DataSource, data_root: Path, random: np.random.Generator) -> list[list[Picture]]:
    """Return `drawn` pictures in the colours of each photo."""
    found = []
    for path in source_files(source, data_root):
        with Image.open(path) as opened:
            found.append(draw_in_colours(np.asarray(opened.convert("RGB")), source.drawn, random))
    return found


@torch.inference_mode()
def _cleaned(
    source: DataSource, data_root: Path, student: nn.Module, device: Device
) -> Iterator[tuple[Picture, Picture]]:
    """Yield noisy photos and what the student makes of them, (h, w, 3); those smaller than a scene are left out."""
    paths = source_files(source, data_root)
    for path in paths[:: USED_OF_MANY if len(paths) > MANY else 1]:
        noisy = np.ascontiguousarray(to_working(read_photo(path))[:LARGEST_PX, :LARGEST_PX])
        if min(noisy.shape[:2]) < SCENE_PX:
            continue
        planes = torch.from_numpy(noisy).permute(2, 0, 1)[None].to(device.torch_device)
        result = student(planes)[0].permute(1, 2, 0).cpu().numpy()
        yield _in_levels(noisy), _in_levels(result)


def _in_levels(picture: NDArray[np.float32]) -> Picture:
    return np.asarray(np.rint(255 * picture.clip(0, 1)), np.uint8)
