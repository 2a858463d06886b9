"""What a student learns from the photos of one camera, and the answers by which it is judged.

Some lessons are the photos as they are, with the measured noise once more. The others are that noise, laid on scenes:
the photos themselves, cleaned, many of them reduced, which makes them as sharp as they can be, and pictures drawn in
their colours, whose finest texture no cleaning has taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.models.load import Model
from lgbpn_cli.training.config import DataSource, DistillationConfig
from lgbpn_cli.training.finetune.in_time import in_time
from lgbpn_cli.training.noise.measured import CameraNoise
from lgbpn_cli.training.pictures.drawn import draw_in_colours
from lgbpn_cli.training.pictures.scenes import REDUCTION, crop, reduced
from lgbpn_cli.training.student.distil import Earlier, clean_photos
from lgbpn_cli.training.student.pairs import CleanedPhotos, Pair, Pairs, PairSampler

MEASURED_SHARE = 0.6
"""Share of the crops that are scenes with the measured noise; the rest are recorrupted photos. None has the noise that
a student took from one place: where it takes little, as of coarse noise that it never saw, that teaches to leave it."""
RECORRUPTED = 0.7
"""Deviation of what is laid on a photo once more, as a share of its noise's; the inverse is taken off its target."""
DRAWN_SCENE_SHARE = 0.12
"""Share of the scenes that are flat colours, gradients and text."""
OWN_WEIGHT, DRAWN_WEIGHT = 0.6, 0.4
"""Of the scenes, the photos' share and that of pictures drawn in their colours."""
MOST_DRAWN, DRAWN_TO_JUDGE = 26, 2
"""So many pictures are drawn at most; the first ones are kept to judge by, if there are more."""
JUDGING_PX = 80
"""Side of the squares whose answers are compared; they do not overlap."""
OWN = DataSource("own photos")

FloatImage = NDArray[np.float32]


def cleaned(tiles: Iterable[NDArray[np.uint8]], student: Model, kept: Path) -> CleanedPhotos:
    """Return tiles with the results of `student`, alone, as targets; kept in the folder `kept`."""
    # No teacher is asked where the student's share is all. Several views would take eight times as long.
    photos = (np.array(each) for each in tiles)
    return clean_photos(photos, OWN, student, kept, earlier=Earlier((student,), share=1.0, quality="fast"))


def drawn_until(ends_at: float, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return pictures drawn in the colours of cleaned ones, (h, w, 3), as many as there is time for, and one."""
    random, drawn = np.random.default_rng(0), list[NDArray[np.uint8]]()
    for number in in_time(ends_at, range(MOST_DRAWN)):
        drawn += draw_in_colours(pictures[int(random.integers(len(pictures)))], 1, random, first=number)
    return drawn


def lessons(
    own: CleanedPhotos, drawn: Sequence[NDArray[np.uint8]], noise: CameraNoise, config: DistillationConfig
) -> CameraLessons:
    """Return what makes the lessons of each step."""
    scenes = CleanedPhotos("drawn", tuple(drawn), tuple(drawn), 0.0, DRAWN_WEIGHT)
    photos = CleanedPhotos(own.name, own.noisy, own.targets, 1.0, OWN_WEIGHT)
    return CameraLessons([photos, scenes], config, noise)


class CameraLessons(PairSampler):
    """Pairs of one camera; those that are as taken have its noise once more, and less of it in the target.

    The noise of the two is independent where it is as it was measured, so that the target teaches what the truth would:
    the picture, with all texture that a cleaned one lacks (Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021).
    """

    def __init__(
        self, sources: Sequence[CleanedPhotos], config: DistillationConfig, noise: CameraNoise
    ) -> None:
        """Take crops from `sources` as a PairSampler does; `noise` is what is laid on them."""
        super().__init__(sources, config, new_noise=noise.laid_on)
        self.noise = noise

    def _as_taken(self, random: np.random.Generator) -> Pair:
        index, chosen = self._choose(random, renoised=False)
        source, side = self.sources[index], self.config.crop_px
        noisy, cleaned = crop((source.noisy[chosen], source.targets[chosen]), side, random)
        levels = np.float32(255) * cleaned
        added = self.noise.level_at(levels) * self.noise.drawn(side, random) / np.float32(255)
        seen = np.rint(255 * np.clip(noisy + np.float32(RECORRUPTED) * added, 0, 1)) / np.float32(255)
        # Clipped, the two noises are not independent.
        target = np.where(self.noise.whole_at(levels), noisy - added / np.float32(RECORRUPTED), cleaned)
        return seen.astype(np.float32), target


def noise_in_targets(seen: Tensor, targets: Tensor) -> Tensor:
    """Return about the mean square of the noise in the targets of recorrupted crops (n, 3, h, w): (n,)."""
    # Between the two lies (RECORRUPTED + 1 / RECORRUPTED) times what was added, nearly everywhere.
    return (seen - targets).square().mean(dim=(1, 2, 3)) / (1 + RECORRUPTED**2)


def sharp_scenes(
    target: NDArray[np.uint8],
    noise: CameraNoise,
    random: np.random.Generator,
    drawn: Sequence[NDArray[np.uint8]] = (),
) -> Pairs:
    """Return sharp scenes with noise whose answers are known: squares of a reduced cleaned tile and of drawn pictures.

    As many of each picture as of the tile. Cleaned tiles as they are would be no judges: whoever cleaned them does best
    on them, and what it has lost of them nobody is asked for.
    """
    height, width = (side - side % REDUCTION for side in target.shape[:2])
    scenes = list(_squares(reduced(target[:height, :width], REDUCTION)))
    of_tile = len(scenes)
    for picture in drawn:
        scenes += list(_squares(picture.astype(np.float32)))[:of_tile]
    noisy = [noise.laid_on(scene, random) for scene in scenes]
    first, second = (torch.from_numpy(np.stack(each) / 255).permute(0, 3, 1, 2) for each in (noisy, scenes))
    return Pairs(first, second, torch.zeros(len(noisy), dtype=torch.bool))


def _squares(picture: FloatImage) -> Iterator[FloatImage]:
    height, width = picture.shape[:2]
    for top in range(0, height - JUDGING_PX + 1, JUDGING_PX):
        for left in range(0, width - JUDGING_PX + 1, JUDGING_PX):
            yield picture[top : top + JUDGING_PX, left : left + JUDGING_PX]
