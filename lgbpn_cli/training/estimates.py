"""A teacher's answers to noisy photos, tile by tile, kept on disk so that an interrupted run goes on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from lgbpn_cli.config import PRESETS
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.lgbpn import LGBPN

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
    known = _read(kept, tile, teacher)
    if known is not None:
        return known
    network = teacher.network
    if not isinstance(network, LGBPN):
        raise TypeError("a student cannot teach")
    image = torch.from_numpy(tile).to(teacher.device.torch_device).permute(2, 0, 1)[None].float() / 255
    estimates = []
    for preset in PRESETS_ASKED:
        with teacher.device.autocast():
            estimate = network(image, PRESETS[preset].first)
        estimates.append((estimate[0].permute(1, 2, 0) * 255).cpu().numpy().astype(np.float16))
    handle, part = tempfile.mkstemp(dir=kept.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, tile=tile, teacher=teacher.sha256, **dict(zip(PRESETS_ASKED, estimates, strict=True)))
    Path(part).replace(kept)
    return estimates


def _read(kept: Path, tile: NDArray[np.uint8], teacher: Model) -> Sequence[NDArray[np.float16]] | None:
    """Return the estimates in the file, or None where it is missing, damaged, or made of something else."""
    try:
        with kept.open("rb") as file, np.load(file) as content:
            same = str(content["teacher"]) == teacher.sha256 and np.array_equal(content["tile"], tile)
            return [content[preset] for preset in PRESETS_ASKED] if same else None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
