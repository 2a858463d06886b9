"""The noise estimator that ships, as the measurement of noise asks it: arrays in, arrays out."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from lgbpn_cli.models.manifest import shipped_noise_estimator
from lgbpn_cli.noise.network import NoiseEstimator
from lgbpn_cli.noise.weights import read_noise_estimator

BATCH = 16
"""Tiles at a time: their features take 13 MB."""


class CellLevels:
    """Answers for all tiles of a photo at once; on the CPU, where it takes a fraction of a second a photo."""

    def __init__(self, network: NoiseEstimator, sha256: str) -> None:
        """Ask `network`, from a file with that checksum."""
        self.network, self.sha256 = network, sha256

    @torch.inference_mode()
    def __call__(self, tiles: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the level of the noise in the cells of tiles (n, 64, 64, 3), 0..1, all those of a photo.

        And how far it may be off. Both are (n, 4, 3): the standard deviation in 8-bit levels, and the likely error of
        its logarithm.
        """
        planes = torch.from_numpy(np.ascontiguousarray(tiles.transpose(0, 3, 1, 2), np.float32))
        looks = [self.network.look(planes[first : first + BATCH]) for first in range(0, len(planes), BATCH)]
        answers = self.network.compare(*(torch.cat(each) for each in zip(*looks, strict=True)))
        levels, errors = (each.exp().flatten(2).transpose(1, 2).numpy() for each in answers)
        return levels, errors


@cache
def cell_levels() -> CellLevels:
    """Return the estimator that ships; ModelError where its file is missing or damaged."""
    path, sha256 = shipped_noise_estimator()
    return CellLevels(read_noise_estimator(path), sha256)
