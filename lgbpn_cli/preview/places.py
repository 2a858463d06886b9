"""Where a photo shows what denoising does: in its texture, its noisiest even area, a face or the brightest part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from lgbpn_cli.image.types import Picture, Window

BLOCK_PX = 16
"""Side of the squares that a photo is judged by."""
CELL_PX = 4
"""Side of the cells whose means show what is coarser than noise."""
LOOKED_AT_PIXELS = 6_000_000
"""Larger photos are judged by every second, third ... square of each side."""
EVEN_SHARE = 0.25
"""Of the places of a photo, so many count as even."""
NOISE_FACTOR = 2.0
"""So do places in which the cells' means vary no more than so many times as much as white noise makes them."""
TEXTURE_FACTOR = 1.5
"""Variance of more than so many times the noise's is texture."""
FEWEST_SKIN = 0.4
"""Share of a place that has the colour of skin, if it is said to show some."""
MOST_SKIN = 0.5
"""If more of a photo has that colour, it is wood, sand or a wall."""
MOST_CLIPPED = 0.02
"""Of the pixels of the brightest place."""
SKIN_CB, SKIN_CR, SKIN_LEAST_LUMA = (77, 127), (133, 173), 60
"""Colours of skin in JPEG's terms (Chai and Ngan, "Face segmentation using skin-color map", 1999), not in the dark."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Variance = Callable[[np.ndarray], np.ndarray]
"""Brightnesses (..., 3) in levels of 255 -> the variance of the noise there, (...)."""


@dataclass(frozen=True)
class Place:
    """A part of a photo, and why it is shown."""

    name: str
    window: Window


@dataclass(frozen=True, eq=False)
class _Blocks:
    """What is known of a photo's squares, each as (rows, columns) of squares."""

    step_px: int
    """Distance between the squares."""
    fine: np.ndarray
    """Mean squared difference of neighbours: noise, where there is no texture."""
    coarse: np.ndarray
    """Variance of the cells' means: what is not noise."""
    texture: np.ndarray
    """Variance beyond the noise's."""
    luma: np.ndarray
    skin: np.ndarray
    clipped: np.ndarray


def telling_places(
    picture: Picture, variance: Variance, side_px: int, *, within: Window | None = None
) -> list[Place]:
    """Return up to three places of `side_px` a side that do not overlap: most texture, noisiest even area, face or sky.

    `picture` is (h, w, 3) float32 of encoded values in 0..1. `within` is the part of it that is shown to people. A
    smaller photo has one place, all of it.
    """
    height, width = picture.shape[:2]
    rows, columns = within or (slice(0, height), slice(0, width))
    sides = min(side_px, rows.stop - rows.start), min(side_px, columns.stop - columns.start)
    tops = _starts(rows, sides[0])
    lefts = _starts(columns, sides[1])
    windows = [(slice(top, top + sides[0]), slice(left, left + sides[1])) for top in tops for left in lefts]
    if len(windows) == 1:
        return [Place("the whole photo", windows[0])]
    blocks = _blocks(picture, variance)
    return _chosen(blocks, windows)


def place_at(x: int, y: int, shape: tuple[int, int], side_px: int, *, within: Window | None = None) -> Place:
    """Return the place round column `x` and row `y` of a picture, moved inside where it would reach beyond an edge."""
    rows, columns = within or (slice(0, shape[0]), slice(0, shape[1]))
    spans = []
    for middle, whole in ((y, rows), (x, columns)):
        side = min(side_px, whole.stop - whole.start)
        start = min(max(middle - side // 2, whole.start), whole.stop - side)
        spans.append(slice(start, start + side))
    return Place("the place asked for", (spans[0], spans[1]))


def _starts(span: slice, side: int) -> list[int]:
    """Return where windows begin: half a side apart, and the last one at the end."""
    last = span.stop - side
    step = max(BLOCK_PX, side // 2 // BLOCK_PX * BLOCK_PX)
    return sorted({*range(span.start, last + 1, step), last})


def _blocks(picture: Picture, variance: Variance) -> _Blocks:
    height, width = picture.shape[:2]
    every = max(1, ceil(sqrt(height * width / LOOKED_AT_PIXELS)))
    step = every * BLOCK_PX
    rows = []
    for top in range(0, max(height - BLOCK_PX + 1, 1), step):
        band = 255 * picture[slice(top, top + BLOCK_PX), slice(None)]
        count = max((width - BLOCK_PX) // step + 1, 1)
        squares = np.stack([band[:, left : left + BLOCK_PX] for left in range(0, count * step, step)])
        rows.append(_measured(squares, variance))
    found = [np.stack(each) for each in zip(*rows, strict=True)]
    return _Blocks(step, *found)


def _measured(squares: np.ndarray, variance: Variance) -> tuple[np.ndarray, ...]:
    """Return what `_Blocks` holds of squares (n, h, w, 3) in levels of 255, each (n,)."""
    means = squares.mean(axis=(1, 2))
    number, height, width = squares.shape[:3]
    whole = squares[:, : height // CELL_PX * CELL_PX, : width // CELL_PX * CELL_PX]
    cells = whole.reshape(number, -1, CELL_PX, whole.shape[2] // CELL_PX, CELL_PX, 3).mean(axis=(2, 4))
    fine = np.square(np.diff(squares, axis=2)).mean(axis=(1, 2, 3)) / 2
    coarse = cells.var(axis=(1, 2)).mean(axis=-1)
    texture = np.maximum(squares.var(axis=(1, 2)).mean(axis=-1) - TEXTURE_FACTOR * variance(means), 0)
    luma = means @ LUMA
    cb = 128 + 0.564 * (means[:, 2] - luma)
    cr = 128 + 0.713 * (means[:, 0] - luma)
    skin = _inside(cb, SKIN_CB) & _inside(cr, SKIN_CR) & (luma > SKIN_LEAST_LUMA)
    clipped = (squares >= 254.99).any(axis=-1).mean(axis=(1, 2))
    return fine, coarse, texture, luma, skin.astype(np.float32), clipped


def _inside(values: np.ndarray, bounds: tuple[int, int]) -> np.ndarray:
    return np.asarray((values >= bounds[0]) & (values <= bounds[1]))


def _chosen(blocks: _Blocks, windows: list[Window]) -> list[Place]:
    def over(values: np.ndarray, what: Callable[[np.ndarray], float]) -> np.ndarray:
        return np.array([what(values[_squares_of(window, blocks)]) for window in windows])

    def median(values: np.ndarray) -> float:
        return float(np.median(values))

    def mean(values: np.ndarray) -> float:
        return float(values.mean())

    free = np.ones(len(windows), bool)
    places: list[Place] = []

    def choose(name: str, score: np.ndarray) -> None:
        possible = np.where(free, score, -np.inf)
        best = int(possible.argmax())
        if not np.isfinite(possible[best]):
            return
        places.append(Place(name, windows[best]))
        free[:] &= [not _overlap(window, windows[best]) for window in windows]

    coarse = over(blocks.coarse, lambda values: float(np.quantile(values, 0.75)))
    fine = over(blocks.fine, median)
    is_even = (coarse <= np.quantile(coarse, EVEN_SHARE)) | (coarse <= NOISE_FACTOR * fine / CELL_PX**2)
    skin = over(blocks.skin, mean)
    bright = np.where(over(blocks.clipped, mean) <= MOST_CLIPPED, over(blocks.luma, mean), -np.inf)
    choose("most texture", over(blocks.texture, median))
    choose("noisiest even area", np.where(is_even, fine, -np.inf))
    if blocks.skin.mean() <= MOST_SKIN and skin[free].max(initial=0) >= FEWEST_SKIN:
        choose("colours of skin", skin)
    else:
        choose("brightest area", bright)
    return places


def _squares_of(window: Window, blocks: _Blocks) -> Window:
    """Return which squares lie in a window; the nearest ones where none does as a whole."""
    spans = []
    for span, count in zip(window, blocks.luma.shape, strict=True):
        first = min(-(-span.start // blocks.step_px), count - 1)
        last = min((span.stop - BLOCK_PX) // blocks.step_px, count - 1)
        spans.append(slice(first, max(last, first) + 1))
    return spans[0], spans[1]


def _overlap(one: Window, other: Window) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))
