"""Dead leaves: pictures of texture without any noise, drawn, not taken.

Leaves fall on one another at random, and what is seen is what lies on top: edges at every size, as foliage, gravel or
grass have them (Lee, Mumford, Huang, "Occlusion models for natural images", IJCV 2001). Networks that restore photos
can be trained on such pictures (Achddou, Gousseau, Ladjal, "Synthetic images as a regularity prior for image
restoration neural networks", SSVM 2021). Leaves here are ellipses; their colours are those of photos.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.training.pictures.scenes import reduced

FINENESS = 2
"""Drawn so many times as large, and reduced: edges come out as a lens leaves them, not as steps."""
SMALLEST_RADII_PX = (0.8, 4.0)
"""Of the smallest leaves of a picture, from these on, in pixels of the result."""
LARGEST_RADIUS_PX = 60.0
EXPONENT = 3.0
"""Radii r come as often as r to the power of minus this: such pictures look the same at every scale."""
LONGEST = 6.0
"""Of a leaf, its length over its width at most."""
COVERS = 2.5
"""The leaves of a picture have so many times its area together."""


def draw_leaves(
    side_px: int,
    colours: NDArray[np.uint8],
    random: np.random.Generator,
    *,
    fineness: int = FINENESS,
    smallest_radii_px: tuple[float, float] = SMALLEST_RADII_PX,
) -> NDArray[np.uint8]:
    """Return a picture (side_px, side_px, 3) of leaves in `colours`, (n, 3)."""
    side = fineness * side_px
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = colours[int(random.integers(len(colours)))]
    smallest = fineness * random.uniform(*smallest_radii_px)
    longest = random.uniform(1.0, LONGEST)
    radii = _radii(smallest, fineness * LARGEST_RADIUS_PX, COVERS * side**2, random)
    count = len(radii)
    lengths = np.sqrt(random.uniform(1.0, longest, count))
    halves = np.stack([radii / lengths, radii * lengths], axis=1)
    turns = random.uniform(0, np.pi, count)
    centres = random.uniform(0, side, (count, 2))
    chosen = colours[random.integers(len(colours), size=count)]
    for centre, half, turn, colour in zip(centres, halves, turns, chosen, strict=True):
        _lay(picture, centre, half, float(turn), colour)
    return np.asarray(np.rint(reduced(picture, fineness)), np.uint8)


def _radii(smallest: float, largest: float, area: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return radii of leaves that have about that area together, by the inverse of their distribution."""
    power = 1 - EXPONENT
    mean_square = 2 * np.log(largest / smallest) / (smallest**power - largest**power)
    count = int(area / (np.pi * mean_square))
    drawn = random.uniform(size=count)
    return np.asarray((smallest**power + drawn * (largest**power - smallest**power)) ** (1 / power))


def _lay(
    picture: NDArray[np.uint8],
    centre: NDArray[np.float64],
    half: NDArray[np.float64],
    turn: float,
    colour: NDArray[np.uint8],
) -> None:
    """Lay an ellipse with these half axes on the picture."""
    reach = float(half.max())
    top, left = (max(0, int(place - reach)) for place in centre)
    bottom, right = (min(picture.shape[0], int(place + reach) + 2) for place in centre)
    rows = np.arange(top, bottom)[:, None] - centre[0]
    columns = np.arange(left, right)[None] - centre[1]
    along, across = np.cos(turn) * rows + np.sin(turn) * columns, np.cos(turn) * columns - np.sin(turn) * rows
    inside = (across / half[0]) ** 2 + (along / half[1]) ** 2 <= 1
    picture[top:bottom, left:right][inside] = colour
