"""What a student learns from the photos of one camera, and the answers by which it is judged.

Lessons are the camera's noise, laid on scenes: as it was measured over all photos, or as it was taken from one place
of one photo. Scenes are the photos themselves, cleaned, each other's too, many of them reduced, which makes them as
sharp as they can be, and pictures drawn in their colours, whose finest texture no cleaning has taken away.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lgbpn_cli.models.load import Model
from lgbpn_cli.training.config import DataSource, DistillationConfig
from lgbpn_cli.training.noise.measured import CameraNoise
from lgbpn_cli.training.noise.transplant import lay_noise, learn_noise
from lgbpn_cli.training.pictures.drawn import draw_in_colours
from lgbpn_cli.training.pictures.scenes import REDUCTION, reduced
from lgbpn_cli.training.student.distil import Earlier, clean_photos
from lgbpn_cli.training.student.pairs import CleanedPhotos, Pairs, PairSampler

MEASURED_SHARE, TRANSPLANTED_SHARE = 0.45, 0.4
"""Shares of the crops with the measured noise and with noise from other places; the rest are photos as they are."""
OTHER_SCENE_SHARE, DRAWN_SCENE_SHARE = 0.6, 0.12
"""Share of the transplanted noise that lies on other scenes than its photo, and of the scenes that are flat colours,
gradients and text."""
OWN_WEIGHT, DRAWN_WEIGHT = 0.6, 0.4
"""Of the scenes, the photos' share and that of pictures drawn in their colours."""
MOST_DRAWN, KINDS_DRAWN = 24, 3
"""So many pictures are drawn at most, one of each kind by turns."""
JUDGING_PX = 128
"""Side of the squares whose answers are compared; they do not overlap."""
OWN = DataSource("own photos")


def until(ends_at: float, tiles: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Give tiles until then, and one in any case."""
    for number, tile in enumerate(tiles):
        if number and time.monotonic() >= ends_at:
            return
        yield tile


def cleaned(tiles: Iterable[NDArray[np.uint8]], student: Model, kept: Path) -> CleanedPhotos:
    """Return tiles with the results of `student`, alone, as targets; kept in the folder `kept`."""
    # No teacher is asked where the student's share is all. Several views would take eight times as long.
    photos = (np.array(each) for each in tiles)
    return clean_photos(photos, OWN, student, kept, earlier=Earlier(student, share=1.0, quality="fast"))


def drawn_until(ends_at: float, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return pictures drawn in the colours of cleaned ones, (h, w, 3), as many as there is time for, and three."""
    random, drawn = np.random.default_rng(0), list[NDArray[np.uint8]]()
    while not drawn or (len(drawn) < MOST_DRAWN and time.monotonic() < ends_at):
        drawn += draw_in_colours(pictures[int(random.integers(len(pictures)))], KINDS_DRAWN, random)
    return drawn


def lessons(
    own: CleanedPhotos, drawn: Sequence[NDArray[np.uint8]], noise: CameraNoise, config: DistillationConfig
) -> PairSampler:
    """Return what makes the lessons of each step."""
    scenes = CleanedPhotos("drawn", tuple(drawn), tuple(drawn), 0.0, DRAWN_WEIGHT)
    photos = CleanedPhotos(own.name, own.noisy, own.targets, 1.0, OWN_WEIGHT)
    return PairSampler([photos, scenes], config, new_noise=noise.laid_on)


def judging_pairs(tiles: CleanedPhotos, noise: CameraNoise) -> Pairs:
    """Return scenes with noise whose answers are known: squares of cleaned tiles, no two of the same place.

    On each lies the tile's own noise from elsewhere. On each of a reduced tile, which is sharp, lies the measured one.
    """
    random = np.random.default_rng(0)
    noisy, targets = [], []
    for tile, target in zip(tiles.noisy, tiles.targets, strict=True):
        own = learn_noise(tile, target)
        for scene in _squares(target.astype(np.float32)):
            noisy.append(lay_noise(own, scene, random))
            targets.append(scene)
        height, width = (side - side % REDUCTION for side in target.shape[:2])
        for scene in _squares(reduced(target[:height, :width], REDUCTION)):
            noisy.append(noise.laid_on(scene, random))
            targets.append(scene)
    first, second = (torch.from_numpy(np.stack(each) / 255).permute(0, 3, 1, 2) for each in (noisy, targets))
    return Pairs(first, second, torch.zeros(len(noisy), dtype=torch.bool))


def _squares(picture: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    height, width = picture.shape[:2]
    for top in range(0, height - JUDGING_PX + 1, JUDGING_PX):
        for left in range(0, width - JUDGING_PX + 1, JUDGING_PX):
            yield picture[top : top + JUDGING_PX, left : left + JUDGING_PX]
