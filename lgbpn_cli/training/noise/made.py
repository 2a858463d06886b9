"""Made noise of any colour, grain size and growth: what a student must know so as not to know one camera by heart.

A camera's noise is one point of a large space: how its channels go together, how coarse its brightness and its colours
are, how it grows with light, how heavy its tails are, whether rows have noise of their own. Here the space itself is
drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lgbpn_cli.training.noise.log_uniform import log_uniform

FloatImage = NDArray[np.float32]

LEVELS = (0.4, 40.0)
"""Standard deviation over all channels at middle brightness, in 8-bit levels."""
STRONG_LEVELS, STRONG_SHARE = (4.0, 40.0), 0.5
"""Most of a logarithmic range is noise that nobody minds; so a share of the noise is drawn from its upper part."""
SPREAD = 10.0
"""How many times stronger one component is than another at most."""
SILENT_SHARE = 0.25
"""Share of the components that have no noise: one channel alone, brightness alone, colour alone."""
WHITE_SHARE, FINE_PX, COARSE_SHARE, COARSEST_PX = 0.3, (0.3, 1.3), 0.3, 3.0
"""Components that are white, the blur of most others, and the share and blur of the coarse ones."""
ONE_SPECTRUM_SHARE = 0.5
"""Share of the noises whose components are all of one grain size."""
DIRECTED_SHARE, MOST_DIRECTED = 0.15, 1.8
"""Share of the components that are longer one way, and how much."""
SHARPENED_SHARE, MOST_SHARPENED = 0.25, 1.5
TAILED_SHARE, TAIL_FREEDOM = 0.15, (4.0, 10.0)
"""Share of the noises with heavy tails, and the degrees of freedom of their Student's t."""
GROWTHS, STEADY_SHARE = (-0.8, 0.8), 0.3
"""Exponents of brightness, and the share of the noises that are the same everywhere."""
DARKEST = 0.03
"""Added to brightness: noise does not end at black."""
ROWS_SHARE, ROWS = 0.08, (0.1, 1.0)
"""Share of the noises with noise of rows or columns besides, and its strength as a share of the rest."""
HOT_SHARE, HOT_DENSITY, HOT_LIGHT = 0.05, (1e-5, 1e-3), (0.1, 0.9)
"""Share of the noises with hot pixels besides, how many there are, and how bright."""

GREY = np.ones(3) / np.sqrt(3)


@dataclass(frozen=True)
class MadeNoise:
    """One kind of noise: three components, each with its colour, strength and spectrum."""

    colours: NDArray[np.float64]
    """(3, 3): the colour of each component is a column, of length 1; all are at right angles."""
    strengths: NDArray[np.float64]
    """(3,): standard deviation of each, of which the squares add up to 1."""
    spectra: tuple[Spectrum, ...]
    level: float
    """Standard deviation of the noise over its channels at middle brightness, in 0..1."""
    growth: float
    """Exponent of brightness."""
    own_brightness: bool
    """Each channel's noise grows with that channel, else with their mean."""
    freedom: float | None
    """Degrees of freedom of Student's t; None: normal."""


@dataclass(frozen=True)
class Spectrum:
    """How coarse a component is."""

    rows_px: float
    columns_px: float
    """Standard deviations of its blur."""
    white: float
    """Share of its amplitude that is not blurred."""
    sharpened: float
    """Amount of unsharp masking over 1 px that it went through."""


def draw_noise(random: np.random.Generator, *, coarse_share: float = COARSE_SHARE) -> MadeNoise:
    """Return a kind of noise, any kind; that share of its components is coarse."""
    strengths = np.array([log_uniform(random, 1, SPREAD) for _ in range(3)])
    strengths = strengths * (random.random(3) >= SILENT_SHARE)
    if not strengths.any():
        strengths[0] = 1.0
    first = _draw_spectrum(random, coarse_share)
    others = first if random.random() < ONE_SPECTRUM_SHARE else _draw_spectrum(random, coarse_share)
    levels = STRONG_LEVELS if random.random() < STRONG_SHARE else LEVELS
    return MadeNoise(
        colours=_draw_colours(random),
        strengths=strengths / np.linalg.norm(strengths),
        spectra=(first, others, others),
        level=log_uniform(random, *levels) / 255,
        growth=0.0 if random.random() < STEADY_SHARE else random.uniform(*GROWTHS),
        own_brightness=bool(random.random() < 0.5),
        freedom=random.uniform(*TAIL_FREEDOM) if random.random() < TAILED_SHARE else None,
    )


def lay_made_noise(
    scene: FloatImage, random: np.random.Generator, *, coarse_share: float = COARSE_SHARE
) -> tuple[FloatImage, float]:
    """Return a scene (h, w, 3), 0..1, with noise of a drawn kind, not clipped, and the noise's level in 0..1."""
    kind = draw_noise(random, coarse_share=coarse_share)
    noise = made_noise(scene, kind, random)
    if random.random() < ROWS_SHARE:
        strength = np.float32(kind.level * log_uniform(random, *ROWS))
        shape = (scene.shape[0], 1, 3) if random.integers(2) else (1, scene.shape[1], 3)
        noise += strength * _in_colours(random.standard_normal(shape, np.float32), kind)
    if random.random() < HOT_SHARE:
        hot = random.random(scene.shape) < log_uniform(random, *HOT_DENSITY)
        noise += hot * np.float32(random.uniform(*HOT_LIGHT))
    return np.asarray(scene + noise, np.float32), kind.level


def made_noise(scene: FloatImage, kind: MadeNoise, random: np.random.Generator) -> FloatImage:
    """Return noise of that kind for a scene (h, w, 3), both in 0..1."""
    white: FloatImage = random.standard_normal(scene.shape, np.float32)
    if kind.freedom is not None:
        heavy = random.chisquare(kind.freedom, scene.shape[:2]).astype(np.float32) / np.float32(
            kind.freedom - 2
        )
        white = np.asarray(white / np.sqrt(heavy)[..., None], np.float32)
    noise = _in_colours(_shaped(white, kind.spectra), kind)
    brightness = scene if kind.own_brightness else scene.mean(axis=2, keepdims=True)
    growth = ((brightness + DARKEST) / (0.5 + DARKEST)) ** np.float32(kind.growth)
    return np.asarray(np.float32(np.sqrt(3) * kind.level) * growth * noise, np.float32)


def _draw_colours(random: np.random.Generator) -> NDArray[np.float64]:
    """Return the colours of the components: the channels, brightness and two opponent colours, or any."""
    kind = random.random()
    if kind < 0.3:
        return np.eye(3)
    start = random.standard_normal((3, 3))
    if kind < 0.7:
        start[:, 0] = GREY
    # Gram and Schmidt's way: the first column keeps its direction.
    colours, _ = np.linalg.qr(start)
    return np.asarray(colours)


def _draw_spectrum(random: np.random.Generator, coarse_share: float) -> Spectrum:
    kind = random.random()
    if kind < WHITE_SHARE:
        blur_px = 0.0
    elif kind < 1 - coarse_share:
        blur_px = random.uniform(*FINE_PX)
    else:
        blur_px = log_uniform(random, FINE_PX[1], COARSEST_PX)
    longer = random.uniform(1, MOST_DIRECTED) if random.random() < DIRECTED_SHARE else 1.0
    rows_px, columns_px = (
        (blur_px * longer, blur_px / longer) if random.integers(2) else (blur_px / longer, blur_px * longer)
    )
    return Spectrum(
        rows_px,
        columns_px,
        white=random.uniform(0, 0.5) if random.random() < 0.3 else 0.0,
        sharpened=random.uniform(0, MOST_SHARPENED) if random.random() < SHARPENED_SHARE else 0.0,
    )


def _in_colours(components: FloatImage, kind: MadeNoise) -> FloatImage:
    mix = (kind.colours * kind.strengths).T.astype(np.float32)
    return np.asarray(components @ mix, np.float32)


def _shaped(white: FloatImage, spectra: tuple[Spectrum, ...]) -> FloatImage:
    """Return white noise (h, w, 3) with a spectrum for each channel, of the same deviation."""
    height, width, _ = white.shape
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    gains = torch.stack([_gain(each, rows, columns) for each in spectra], dim=-1)
    shaped = torch.fft.irfft2(
        torch.fft.rfft2(torch.from_numpy(white), dim=(0, 1)) * gains, (height, width), dim=(0, 1)
    )
    return np.asarray(shaped.numpy(), np.float32)


def _gain(spectrum: Spectrum, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return the amplitude at each frequency; the mean of its square is 1."""
    exponent = (spectrum.rows_px * rows) ** 2 + (spectrum.columns_px * columns) ** 2
    gain = spectrum.white + (1 - spectrum.white) * torch.exp(-2 * np.pi**2 * exponent)
    gain = gain * (1 + spectrum.sharpened * (1 - torch.exp(-2 * np.pi**2 * (rows**2 + columns**2))))
    # A frequency along a row stands for two, but those of its ends.
    twice = torch.full_like(columns, 2.0)
    twice[0, 0] = 1.0
    return gain / torch.sqrt((gain**2 * twice).sum() / (twice.sum() * len(rows)))
