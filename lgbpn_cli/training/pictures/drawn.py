"""Drawn pictures in the colours of photos: texture whose every pixel is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lgbpn_cli.training.engine.kept_arrays import digest, kept_arrays
from lgbpn_cli.training.noise.log_uniform import log_uniform
from lgbpn_cli.training.pictures.dead_leaves import draw_leaves
from lgbpn_cli.training.pictures.strokes import draw_strokes

COLOURS_REDUCTION = 6
"""The colours of a photo are those of squares of so many pixels, which hardly have noise where the photo has little."""
DRAWN_PX = 384
"""Side of the pictures."""
MOST_SHOWING = 0.5
"""The contrast of what shows through is this share of its own at most; so leaves have texture themselves."""
HAZIEST = 0.2
"""The least share of their contrast that strokes by themselves have."""
FAINTEST = 0.05
"""The least share of their contrast with which strokes lie on leaves: lawns and distant woods are faint texture."""

Picture = NDArray[np.uint8]


def draw_in_colours(
    photo: NDArray[np.uint8], count: int, random: np.random.Generator, *, first: int = 0
) -> list[NDArray[np.uint8]]:
    """Return `count` pictures (384, 384, 3) in the colours of a photo (h, w, 3) of little noise.

    Leaves on which others show through, strokes, and leaves covered with faint strokes, by turns from the kind `first`.
    """
    colours = np.asarray(Image.fromarray(photo).reduce(COLOURS_REDUCTION)).reshape(-1, 3)
    kinds = (_leaves_on_leaves, _strokes, _strokes_on_leaves)
    return [kinds[(first + number) % len(kinds)](colours, random) for number in range(count)]


def kept_in_colours(
    photo: NDArray[np.uint8], count: int, seed: Sequence[int], kept: Path
) -> list[NDArray[np.uint8]]:
    """Return pictures as above with that seed; a second each to draw, so they are kept in the file `kept`."""

    def draw() -> list[NDArray[np.uint8]]:
        return [np.stack(draw_in_colours(photo, count, np.random.default_rng(seed)))]

    made_of = f"{count} {' '.join(map(str, seed))} {digest(photo)}"
    return list(np.asarray(kept_arrays(kept, made_of, draw)[0], np.uint8))


def _leaves_on_leaves(colours: Picture, random: np.random.Generator) -> Picture:
    leaves, others = (draw_leaves(DRAWN_PX, colours, random) for _ in range(2))
    return _laid(leaves, others, random.uniform(0, MOST_SHOWING))


def _strokes(colours: Picture, random: np.random.Generator) -> Picture:
    strokes = draw_strokes(DRAWN_PX, colours, random)
    return _laid(strokes.mean(axis=(0, 1)), strokes, log_uniform(random, HAZIEST, 1))


def _strokes_on_leaves(colours: Picture, random: np.random.Generator) -> Picture:
    leaves, strokes = draw_leaves(DRAWN_PX, colours, random), draw_strokes(DRAWN_PX, colours, random)
    return _laid(leaves, strokes, log_uniform(random, FAINTEST, MOST_SHOWING))


def _laid(picture: NDArray[np.number], texture: Picture, share: float) -> Picture:
    """Return the picture with that share of the texture's contrast on it."""
    contrast = texture - texture.mean(axis=(0, 1), dtype=np.float32)
    return np.asarray(np.rint((picture + np.float32(share) * contrast).clip(0, 255)), np.uint8)
