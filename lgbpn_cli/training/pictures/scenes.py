"""Scenes that lessons lay noise on: crops of pictures, in other light, colour, sharpness and contrast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.denoise.working import decode_light, encode_light
from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.noise.log_uniform import log_uniform

REDUCTION = 2
"""By which scenes are reduced, if they are."""
DARK_SHARE = 0.5
"""Share of the scenes that are darkened: much of what is taken at high ISO is."""
DARKEST_EXPOSURE = 0.1
"""Light that is left in the darkest of them."""
COLOURED_SHARE, SHARPENED_SHARE, CONTRASTED_SHARE = 0.5, 0.5, 0.3
"""Shares of the scenes whose colour, sharpness and contrast are changed."""
MOST_COLOUR = 1.5
SOFTNESS_PX = (0.4, 1.2)
"""Standard deviation of the blur that a scene is pulled to, or away from."""
CONTRASTS = (0.4, 1.4)

FloatImage = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)


def crop(pictures: Sequence[NDArray[np.uint8]], side: int, random: np.random.Generator) -> list[FloatImage]:
    """Return the same square of all pictures, flipped and turned alike, 0..1."""
    height, width = pictures[0].shape[:2]
    top, left = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    turns, mirrored = int(random.integers(4)), bool(random.integers(2))
    crops = []
    for picture in pictures:
        square = np.rot90(picture[top : top + side, left : left + side], turns)
        square = square[:, ::-1] if mirrored else square
        crops.append(np.ascontiguousarray(square, np.float32) / np.float32(255))
    return crops


def halved(scene: FloatImage) -> FloatImage:
    """Return the scene at half its size: means over squares of 2x2 px."""
    return reduced(scene, REDUCTION)


def reduced(picture: NDArray[Number], by: int) -> FloatImage:
    """Return means over squares of `by` x `by` px of a picture (h, w, 3), whose sides are multiples of that."""
    height, width, _ = picture.shape
    squares = picture.reshape(height // by, by, width // by, by, 3)
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)


def varied(scene: FloatImage, random: np.random.Generator) -> FloatImage:
    """Return the scene, 0..1, in other light, colour, sharpness and contrast."""
    scene = darkened(scene, random)
    if random.random() < COLOURED_SHARE:
        grey = scene.mean(axis=2, keepdims=True)
        scene = grey + (scene - grey) * np.float32(random.uniform(0, MOST_COLOUR))
    if random.random() < SHARPENED_SHARE:
        soft = blur(np.ascontiguousarray(scene), float(random.uniform(*SOFTNESS_PX)))
        scene = scene + np.float32(random.uniform(-1, 1)) * (scene - soft)
    if random.random() < CONTRASTED_SHARE:
        scene = (scene - np.float32(0.5)) * np.float32(random.uniform(*CONTRASTS)) + np.float32(0.5)
    return np.clip(scene, 0, 1).astype(np.float32)


def darkened(scene: FloatImage, random: np.random.Generator) -> FloatImage:
    """Return a scene (h, w, 3), 0..1, in weaker light, or, as often, as it is."""
    if random.random() >= DARK_SHARE:
        return scene
    exposure = np.float32(log_uniform(random, DARKEST_EXPOSURE, 1))
    return encode_light(decode_light(scene) * exposure)
