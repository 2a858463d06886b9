"""Pictures and noise that are known."""

from __future__ import annotations

import numpy as np


def scene(height: int = 320, width: int = 384) -> np.ndarray:
    """A picture of shading with some sharp edges and a textured half."""
    rows, columns = np.indices((height, width), np.float32)
    picture = 0.2 + 0.5 * columns / width + 0.1 * np.sin(rows / 50)
    picture += 0.1 * ((rows // 61 + columns // 83) % 2)
    picture[: height // 2] += 0.05 * np.sin(columns[: height // 2] * 1.3) * np.sin(rows[: height // 2] * 0.9)
    return np.repeat(picture[:, :, None], 3, axis=2).astype(np.float32)


def white(sigma_8bit: float, shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma_8bit / 255, shape).astype(np.float32)
