"""Lessons in other colours: a pair whose channels are exchanged, inverted or turned in hue is as good a pair.

What colour a scene or its noise has says nothing about whether it is noise, and only pairs in all colours teach that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]
Pair = tuple[FloatImage, FloatImage]

INVERTED_SHARE, TURNED_SHARE = 0.15, 0.2
"""Shares of the recoloured pairs that are inverted, and whose hues are turned; all others, too, have their channels
exchanged."""


def recoloured(pair: Pair, random: np.random.Generator) -> Pair:
    """Return noisy and target (h, w, 3), 0..1, in other colours alike; the noisy one in whole levels of 255."""
    noisy, target = pair
    order = random.permutation(3)
    kind = random.random()
    if kind < TURNED_SHARE:
        turn = hue_turn(random.uniform(0, 2 * math.pi))
        noisy, target = (np.clip(each @ turn.T, 0, 1) for each in (noisy, target))
        noisy = np.rint(noisy * 255) / np.float32(255)
    else:
        noisy, target = (each[..., order] for each in (noisy, target))
        if kind < TURNED_SHARE + INVERTED_SHARE:
            noisy, target = 1 - noisy, 1 - target
    return np.ascontiguousarray(noisy, np.float32), np.ascontiguousarray(target, np.float32)


def hue_turn(angle: float) -> NDArray[np.float32]:
    """Return the matrix (3, 3) that turns colours about the axis of greys by that angle in radians."""
    cosine, sine = math.cos(angle), math.sin(angle) / math.sqrt(3)
    third = (1 - cosine) / 3
    return np.array(
        [
            [cosine + third, third - sine, third + sine],
            [third + sine, cosine + third, third - sine],
            [third - sine, third + sine, cosine + third],
        ],
        np.float32,
    )


def saturated(scene: FloatImage, random: np.random.Generator, most: float) -> FloatImage:
    """Return a scene (h, w, 3), 0..1, in another hue and with up to `most` times its colour."""
    grey = scene.mean(axis=2, keepdims=True)
    colour = (
        (scene - grey) @ hue_turn(random.uniform(0, 2 * math.pi)).T * np.float32(random.uniform(0.5, most))
    )
    return np.asarray(np.clip(grey + colour, 0, 1), np.float32)
