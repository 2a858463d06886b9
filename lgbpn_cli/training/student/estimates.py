"""What models make of noisy photos, tile by tile, kept on disk so that an interrupted run goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.config import PRESETS
from lgbpn_cli.inference.student import mean_of_views, views_of
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.engine.kept_arrays import digest, kept_arrays

PRESETS_ASKED = ("sidd", "dnd")
"""The samplings whose estimates are averaged: two views of one photo by one network."""
TILE_PX = 512
"""Larger photos are cut into tiles of this side; what does not fill one is left out."""


def cut_tiles(photo: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the whole tiles of `photo` (h, w, 3); a photo no larger than a tile is one."""
    height, width = photo.shape[:2]
    tall, wide = min(height, TILE_PX), min(width, TILE_PX)
    return [
        np.ascontiguousarray(photo[top : top + tall, left : left + wide])
        for top in range(0, height - tall + 1, TILE_PX)
        for left in range(0, width - wide + 1, TILE_PX)
    ]


@torch.inference_mode()
def estimate_tile(tile: NDArray[np.uint8], teacher: Model, kept: Path) -> Sequence[NDArray[np.float16]]:
    """Return the teacher's estimates of `tile` (h, w, 3), 0..255, one for each of PRESETS_ASKED.

    They are read from the file `kept` where it holds those of this tile by this teacher, and written to it else.
    """
    network = network_as(teacher.network, LGBPN, teacher.name)

    def answer(image: Tensor) -> list[Tensor]:
        with teacher.device.autocast():
            return [network(image, PRESETS[preset].first) for preset in PRESETS_ASKED]

    return _answers(tile, teacher, kept, PRESETS_ASKED, answer)


@torch.inference_mode()
def result_tile(
    tile: NDArray[np.uint8], student: Model, kept: Path, quality: str = "best"
) -> NDArray[np.float16]:
    """Return the student's result for `tile` (h, w, 3), 0..255, at that quality; kept as estimates are."""
    network = network_as(student.network, Student, student.name)

    def answer(image: Tensor) -> list[Tensor]:
        with student.device.autocast():
            return [mean_of_views(network, image, views_of(quality), batch=1)]

    return _answers(tile, student, kept, (quality,), answer)[0]


def _answers(
    tile: NDArray[np.uint8],
    model: Model,
    kept: Path,
    names: Sequence[str],
    answer: Callable[[Tensor], Sequence[Tensor]],
) -> Sequence[NDArray[np.float16]]:
    """Return the model's answers to a tile, (h, w, 3) in 0..255, of `answer` for (1, 3, h, w) in 0..1."""

    def make() -> list[NDArray[np.float16]]:
        image = torch.from_numpy(tile).to(model.device.torch_device).permute(2, 0, 1)[None].float() / 255
        return [(each[0].permute(1, 2, 0) * 255).cpu().numpy().astype(np.float16) for each in answer(image)]

    made_of = f"{model.sha256} {' '.join(names)} {digest(tile)}"
    return [np.asarray(each, np.float16) for each in kept_arrays(kept, made_of, make)]
