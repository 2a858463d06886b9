"""A sensor: the mosaic that is read out of it for a scene, with all that it adds.

Photons and read noise follow Wei et al. (ELD, CVPR 2020): shot noise, read noise with the tails of a Tukey lambda
distribution, noise that a row has in common, a colour of the black. Then hot and dead sites, clipping, steps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.training.noise.log_uniform import log_uniform
from lgbpn_cli.training.raw.cameras import Sensor

FloatImage = NDArray[np.float32]
PHASE = ((0, 1), (1, 2))
"""Colours of an RGGB square."""
BLACK_COLOUR_SHARE, BLACK_COLOUR = 0.3, 0.1
"""Share of the frames whose black has a colour, and its deviation as a share of the read noise's."""
HOT_SHARE, HOT_SITES, DEAD_SHARE = 0.3, (1e-5, 1e-3), 0.1
"""Share of the frames with hot sites, how many of their sites are hot, and how many of those are dead instead."""
HOT_LIGHT = (0.02, 1.0)
"""What a hot site adds."""
CLIPPED_BLACK_SHARE = 0.15
"""Share of the frames of which nothing below black is stored."""
STEPS = (4095, 16383)
"""Steps between black and white, about: 12 or 14 bits."""


def mosaic_of(scene: FloatImage) -> FloatImage:
    """Return the RGGB mosaic (h, w) of a scene (h, w, 3); both sides are even."""
    mosaic = np.empty(scene.shape[:2], np.float32)
    for row, colours in enumerate(PHASE):
        for column, colour in enumerate(colours):
            mosaic[row::2, column::2] = scene[row::2, column::2, colour]
    return mosaic


def packed(mosaic: FloatImage) -> FloatImage:
    """Return the planes (4, h / 2, w / 2) of a mosaic (h, w): its sites in the order of reading."""
    return np.stack([mosaic[row::2, column::2] for row in range(2) for column in range(2)])


def noisy_mosaic(scene: FloatImage, sensor: Sensor, random: np.random.Generator) -> FloatImage:
    """Return the mosaic (h, w) of a scene (h, w, 3) of light from 0, in which white is 1: noise, and nothing else."""
    light = mosaic_of(scene)
    height, width = light.shape
    shot = mosaic_of(np.broadcast_to(sensor.noise[:, 0].astype(np.float32), scene.shape))
    mosaic = random.poisson(light / shot).astype(np.float32) * shot
    read = math.sqrt(float(sensor.noise[:, 1].mean()))
    mosaic += np.float32(read) * tukey_lambda(sensor.tail, (height, width), random)
    if sensor.row_sigma:
        mosaic += np.float32(sensor.row_sigma) * random.standard_normal((height, 1), np.float32)
    return mosaic


def expose(scene: FloatImage, sensor: Sensor, random: np.random.Generator) -> FloatImage:
    """Return the mosaic (h, w) that `sensor` gives for a scene as in `noisy_mosaic`, with what else befalls frames."""
    mosaic = noisy_mosaic(scene, sensor, random)
    height, width = mosaic.shape
    if random.random() < BLACK_COLOUR_SHARE:
        spread = BLACK_COLOUR * math.sqrt(float(sensor.noise[:, 1].mean()))
        colour = random.normal(0, spread, (2, 2)).astype(np.float32)
        mosaic += np.tile(colour, (height // 2, width // 2))
    if random.random() < HOT_SHARE:
        spoil_sites(mosaic, log_uniform(random, *HOT_SITES), random)
    if random.random() < CLIPPED_BLACK_SHARE:
        np.maximum(mosaic, 0, out=mosaic)
    np.minimum(mosaic, 1, out=mosaic)
    steps = np.float32(random.choice(STEPS))
    np.rint(mosaic * steps, out=mosaic)
    mosaic /= steps
    return mosaic


def spoil_sites(mosaic: FloatImage, share: float, random: np.random.Generator) -> None:
    """Make that share of the sites of a mosaic (h, w) hot or dead."""
    flat = mosaic.reshape(-1)
    places = random.integers(0, flat.size, random.binomial(flat.size, share))
    dead = random.random(places.size) < DEAD_SHARE
    added = np.exp(random.uniform(math.log(HOT_LIGHT[0]), math.log(HOT_LIGHT[1]), places.size)).astype(
        np.float32
    )
    flat[places] = np.where(dead, 0, flat[places] + added)


def tukey_lambda(shape: float, size: tuple[int, ...], random: np.random.Generator) -> FloatImage:
    """Return numbers from Tukey's lambda distribution of that shape, above -0.5, scaled to a variance of 1.

    The variance is that of the distribution in closed form (Joiner, Rosenblatt, 1971).
    """
    uniform = random.random(size, np.float32).clip(1e-7, 1 - 1e-7)
    if abs(shape) < 0.01:  # the logistic distribution, which the formulas below cannot divide out
        return np.asarray(np.log(uniform / (1 - uniform)) * (math.sqrt(3) / math.pi), np.float32)
    variance = 2 / shape**2 * (1 / (1 + 2 * shape) - math.gamma(shape + 1) ** 2 / math.gamma(2 * shape + 2))
    power = np.float32(shape)
    values = uniform**power - (1 - uniform) ** power
    return np.asarray(values / (shape * math.sqrt(variance)), np.float32)
