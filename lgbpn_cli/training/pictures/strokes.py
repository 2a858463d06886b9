"""Strokes: pictures of grass, hair, fur and fabric without any noise, drawn, not taken.

Short curved lines, in colours that lie close together in a photo, follow a direction that swings across the picture,
and cover one another. Dead leaves hold edges of every size and turn, strokes what those lack: fine lines side by side,
and texture of little contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lgbpn_cli.training.noise.log_uniform import log_uniform
from lgbpn_cli.training.pictures.dead_leaves import FINENESS
from lgbpn_cli.training.pictures.scenes import reduced

WIDTHS_PX = (1.0, 4.0)
"""Mean width of a picture's strokes, drawn evenly on a logarithmic scale. Finer ones look like white noise: a student
that learned from 0.6 px on left 13 of its 20 levels on even grey."""
LENGTHS = (1.5, 40.0)
"""Mean length over mean width, likewise: from the dots of a lawn far away to hair."""
LONGEST = 0.5
"""Mean length over the picture's side, at most."""
LEAST_COLOURS = 3e-4
"""The colours come from a stretch of a photo, of this share at least: grass is green, and little else."""
MOST_WAVES = 1.5
"""Of the swing of directions, across and down a picture."""
PARTS = 4
"""Straight parts of a stroke."""
COVERS = 2.5
"""The strokes of a picture have so many times its area together."""


@dataclass(frozen=True)
class Brush:
    """How strokes are drawn."""

    fineness: int = FINENESS
    """Pictures are drawn at so many times their size."""
    light: tuple[float, float] = (0.7, 1.3)
    """By which the light on a stroke varies at most."""
    scatter: tuple[float, float] = (0.05, 0.6)
    """Standard deviation of a stroke's direction round that of its place, in radians."""
    most_swing: float = 1.5
    """By which the direction swings from place to place, in radians."""
    most_bend: float = 1.2
    """Of a stroke, from end to end, in radians."""


USUAL = Brush()


def draw_strokes(
    side_px: int, colours: NDArray[np.uint8], random: np.random.Generator, brush: Brush = USUAL
) -> NDArray[np.uint8]:
    """Return a picture (side_px, side_px, 3) of strokes in a stretch of `colours`, (n, 3) in a photo's order."""
    side = brush.fineness * side_px
    few = _stretch(colours, random)
    ground = few[int(random.integers(len(few)))]
    picture = Image.new("RGB", (side, side), tuple(int(value) for value in ground))
    pen = ImageDraw.Draw(picture)
    width = brush.fineness * log_uniform(random, *WIDTHS_PX)
    length = min(width * log_uniform(random, *LENGTHS), LONGEST * side)
    count = int(COVERS * side**2 / (width * length))
    widths = np.maximum(1, np.rint(width * random.uniform(0.5, 1.5, count))).astype(int)
    lines = stroke_corners(side, length * random.uniform(0.4, 1.6, count), random, brush)
    light = random.uniform(*brush.light, (count, 1)) ** random.uniform(0, 1)
    lit = np.clip(few[random.integers(len(few), size=count)] * light, 0, 255).astype(int)
    for line, thickness, colour in zip(lines.tolist(), widths.tolist(), lit.tolist(), strict=True):
        pen.line([tuple(point) for point in line], fill=tuple(colour), width=thickness)
    return np.asarray(np.rint(reduced(np.asarray(picture), brush.fineness)), np.uint8)


def _stretch(colours: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return colours that follow one another."""
    count = max(1, int(log_uniform(random, LEAST_COLOURS, 1.0) * len(colours)))
    first = int(random.integers(max(0, len(colours) - count) + 1))
    return colours[first : first + count]


def stroke_corners(
    side: int, lengths: NDArray[np.float64], random: np.random.Generator, brush: Brush = USUAL
) -> NDArray[np.float64]:
    """Return the corners of strokes (n, PARTS + 1, 2), across and down, whose directions swing with the place."""
    count = len(lengths)
    middles = random.uniform(-0.1 * side, 1.1 * side, (count, 2))
    waves = 2 * np.pi / side * random.uniform(-MOST_WAVES, MOST_WAVES, 2)
    swing = random.uniform(0, brush.most_swing) * np.sin(middles @ waves + random.uniform(0, 2 * np.pi))
    turns = (
        random.uniform(0, 2 * np.pi) + swing + random.uniform(*brush.scatter) * random.standard_normal(count)
    )
    bends = random.uniform(-1, 1, count) * random.uniform(0, brush.most_bend)
    angles = turns[:, None] + bends[:, None] * np.linspace(-0.5, 0.5, PARTS)
    parts = lengths[:, None, None] / PARTS * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    corners = np.concatenate([np.zeros((count, 1, 2)), np.cumsum(parts, axis=1)], axis=1)
    return np.asarray(middles[:, None] + corners - corners[:, -1:] / 2)
