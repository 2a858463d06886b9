"""Scenes that photographs seldom show and every photographer meets: flat colours, gradients, text, stars, weave.

They are drawn at once, in every hue, for noise to be laid on.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.noise.log_uniform import log_uniform

FloatImage = NDArray[np.float32]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,;:!?()&%/-+=@#"
FONT_SIZES_PX = (8, 11, 15, 21, 30, 44)
PLAIN_PAGES = 0.4
"""Share of the pages that are dark letters on light paper."""
STARS = (3, 120)
STAR_PX = (0.5, 1.4)
"""Standard deviation of a star's light; a hot pixel is sharper."""
PATCHES_PX = (12.0, 96.0)
"""Side of the patches of a patchwork."""
STRIPES_PX = (2.0, 40.0)
"""Period of stripes and weave."""


def draw_scene(side: int, random: np.random.Generator) -> FloatImage:
    """Return a scene (side, side, 3), 0..1, of a drawn kind."""
    kinds = (flat, patchwork, gradient, gradient, text, text, text, stars, weave)
    scene = kinds[int(random.integers(len(kinds)))](side, random)
    return np.clip(scene, 0, 1).astype(np.float32)


def flat(side: int, random: np.random.Generator) -> FloatImage:
    """Return one colour, or up to four with straight borders between them."""
    scene = np.broadcast_to(_colour(random), (side, side, 3)).astype(np.float32)
    for _ in range(int(random.integers(4))):
        scene = scene + _half_plane(side, random) * (_colour(random) - scene)
    return scene


def patchwork(side: int, random: np.random.Generator) -> FloatImage:
    """Return even patches of many colours side by side: colour charts, tiles, book spines, toy bricks."""
    height, width = (max(2, round(log_uniform(random, *PATCHES_PX))) for _ in range(2))
    colours = np.stack([_colour(random) for _ in range((side // height + 2) * (side // width + 2))])
    grid = colours.reshape(side // height + 2, side // width + 2, 3)
    top, left = int(random.integers(height)), int(random.integers(width))
    patches = grid.repeat(height, axis=0).repeat(width, axis=1)
    return np.ascontiguousarray(patches[top : top + side, left : left + side])


def gradient(side: int, random: np.random.Generator) -> FloatImage:
    """Return a smooth passage between two colours, straight or round, as of skies, walls and lamps out of focus."""
    if random.integers(2):
        share = np.clip(_ramp(side, random) / side + 0.5, 0, 1)
    else:
        rows, columns = _places(side)
        centre, reach = random.uniform(0, side, 2), random.uniform(0.2, 1.2) * side
        share = np.clip(1 - np.hypot(rows - centre[0], columns - centre[1]) / reach, 0, 1)
    share = (share ** log_uniform(random, 0.5, 3))[..., None]
    return np.asarray(_colour(random) * share + _colour(random) * (1 - share), np.float32)


def text(side: int, random: np.random.Generator) -> FloatImage:
    """Return lines of letters on paper."""
    size = int(random.choice(FONT_SIZES_PX))
    page = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(page)
    letters = list(LETTERS) + [" "] * 12
    for top in range(int(random.integers(-size, size)), side, int(size * random.uniform(1.1, 1.8))):
        line = "".join(random.choice(letters, side // max(3, size // 3)))
        pen.text((int(random.integers(-size, size)), top), line, fill=255, font=_font(size))
    ink = blur(np.asarray(page, np.float32)[..., None] / np.float32(255), float(random.uniform(0, 0.8)))
    if random.random() < PLAIN_PAGES:
        paper = np.float32(random.uniform(0.6, 1)) * (1 - np.float32(0.1) * _colour(random))
        return np.asarray(paper * (1 - ink * np.float32(random.uniform(0.5, 1))), np.float32)
    paper = flat(side, random) if random.integers(2) else gradient(side, random)
    return np.asarray(paper + ink * (_colour(random) - paper), np.float32)


def stars(side: int, random: np.random.Generator) -> FloatImage:
    """Return points of light on a dark sky."""
    sky = gradient(side, random) * np.float32(log_uniform(random, 0.01, 0.4))
    scene = np.ascontiguousarray(sky, np.float32)
    reach = 5
    for _ in range(int(log_uniform(random, *STARS))):
        top, left = random.uniform(reach, side - reach - 1, 2)
        rows, columns = np.mgrid[
            int(top) - reach : int(top) + reach + 1, int(left) - reach : int(left) + reach + 1
        ]
        light = np.exp(-((rows - top) ** 2 + (columns - left) ** 2) / (2 * random.uniform(*STAR_PX) ** 2))
        tint = 1 - 0.4 * random.random(3) * random.random()
        scene[rows, columns] += (log_uniform(random, 0.03, 1.5) * light)[..., None] * tint
    return scene


def weave(side: int, random: np.random.Generator) -> FloatImage:
    """Return stripes, or two across each other: fabric, fences, blinds, screens."""
    first = _stripes(side, random)
    pattern = first * _stripes(side, random) if random.integers(2) else first
    ground, thread = _colour(random), _colour(random)
    contrast = log_uniform(random, 0.04, 1)
    return np.asarray(ground + np.float32(contrast) * pattern[..., None] * (thread - ground), np.float32)


def _colour(random: np.random.Generator) -> FloatImage:
    """Return any colour; the corners of the cube, which are the most saturated, often."""
    colour = random.random(3)
    if random.random() < 0.45:
        colour = np.clip(0.5 + (colour - 0.5) * random.uniform(1, 4), 0, 1)
    return colour.astype(np.float32)


def _stripes(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    wave = np.sin(2 * math.pi / log_uniform(random, *STRIPES_PX) * _ramp(side, random))
    return np.asarray(np.clip(wave * log_uniform(random, 0.7, 6), -1, 1) / 2 + 0.5)


def _half_plane(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    distance = _ramp(side, random) + random.uniform(-side / 3, side / 3)
    return np.asarray(np.clip(distance / log_uniform(random, 1, 6) + 0.5, 0, 1)[..., None])


def _ramp(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return each pixel's distance, in pixels, from a line through the middle in a random direction."""
    rows, columns = _places(side)
    angle = random.uniform(0, 2 * math.pi)
    return np.asarray((rows - side / 2) * math.cos(angle) + (columns - side / 2) * math.sin(angle))


@cache
def _places(side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, columns = np.mgrid[:side, :side]
    return rows, columns


@cache
def _font(size_px: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size_px)
