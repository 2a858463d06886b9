"""Grain: noise of film, scanners and other programs, grey or coloured, as fine as the pixels or coarser."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.noise.log_uniform import log_uniform

LEVELS = (0.4, 30.0)
"""Standard deviation of grain, in 8-bit levels."""
COARSEST_PX = 1.6
"""Standard deviation of the blur of the coarsest grain."""
WHITE_SHARE = 0.3
"""Share of the grain that is not blurred: noise as fine as the pixels."""

FloatImage = NDArray[np.float32]


def grain_for(scene: FloatImage, random: np.random.Generator, coarsest_px: float = COARSEST_PX) -> FloatImage:
    """Return grain for a scene (h, w, 3), both in 0..1; stronger in its shadows or in its lights.

    A part of it is white, the rest blurred by up to `coarsest_px`.
    """
    coloured = random.standard_normal(scene.shape, np.float32)
    grey = coloured.mean(axis=2, keepdims=True) * np.float32(np.sqrt(3))
    share = np.float32(random.uniform(0, 1))
    mixed = np.asarray(share * coloured + (1 - share) * np.repeat(grey, 3, axis=2), np.float32)
    white = random.random() < WHITE_SHARE
    grain = mixed if white else blur(mixed, float(random.uniform(0, coarsest_px)))
    level = np.float32(log_uniform(random, *LEVELS) / 255)
    curve = (scene.mean(axis=2, keepdims=True) + np.float32(0.05)) ** np.float32(random.uniform(-0.5, 0.5))
    return np.asarray(level * curve / curve.mean() * grain / max(1e-3, grain.std()), np.float32)
