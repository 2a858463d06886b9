"""The noise of a photo, taken from one place and laid on its cleaned picture at another: a pair with a known answer.

What a student of an earlier round removed from a photo is that camera's noise, with its correlation, its colours and
its skewness; no model of a camera comes as close. It is brought to the strength and the mean that noise has at the
brightness of its new place. One part of it cannot be taken over: coarse noise, of more than about 16 px, which the
earlier student left in its result in part and which is missing in what it removed. But noise is about as dense there as
in the band above, from 8 to 16 px, so the coarse part is drawn anew with the density and the colours of that band.
docs/history.md shows both on sidd-val-odd.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.training.noise.brightness import brightness_bins
from lgbpn_cli.training.noise.mean import Colours
from lgbpn_cli.training.student.targets import mean_round

COARSE_SIGMA_PX = 2.1
"""Standard deviation of the blur that tells coarse noise from fine: half of the power at 16 px."""
BAND = (1 / 16, 1 / 8)
"""Cycles a pixel, where the density of the coarse noise is taken from."""
BACKGROUND_PX = 33
"""Side of the squares whose mean is not noise but the bend of the noise's mean by the tone curve."""
ENERGY_PX = 17
"""Side of the squares over which the energy of the noise is taken."""
BRIGHTNESS_BINS = 12
FEWEST_PIXELS = 50
"""A bin with fewer says nothing."""
MEAN_TO_MEDIAN = 1.05
"""The mean energy of noise over such squares, over its median."""
WEAKEST_NOISE = 0.5
"""Levels; noise below rounding is not amplified."""
TRIES = 6
LEVELS = np.arange(256)
USUAL_ENERGY = (0.85, 1.2)
"""Places with less or more of the energy that is usual at their brightness hold something else than noise."""

FloatImage = NDArray[np.float32]
Curves = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class NoiseOfPhoto:
    """A photo, its cleaned picture, and how its noise depends on brightness, a curve a channel; levels 0..255."""

    noisy: NDArray[np.uint8]
    cleaned: NDArray[np.uint8]
    brightness: Curves
    deviation: Curves
    """Standard deviation at each brightness."""
    mean: Curves
    coarse_colours: NDArray[np.float32]
    """(3, 3): makes white noise of the normalised noise's density and colours in BAND from three independent ones."""
    missing_mean: Colours = (0.0, 0.0, 0.0)
    """What the mean of the noise lies above `mean`, as a share of its variance (see `noise_mean`)."""

    def deviation_at(self, clean: FloatImage) -> FloatImage:
        """Return the standard deviation of the noise on a picture (h, w, 3) in levels."""
        return self._at(clean, self.deviation)

    def mean_at(self, clean: FloatImage) -> FloatImage:
        """Return the mean of the noise on a picture (h, w, 3) in levels; below 0 where a tone curve is concave."""
        return self._at(clean, self.mean)

    def missing_mean_at(self, clean: FloatImage) -> FloatImage:
        """Return what the mean of the noise lies above `mean_at`, in levels."""
        return np.asarray(self.missing_mean, np.float32) * self.deviation_at(clean) ** 2

    def _at(self, clean: FloatImage, curves: Curves) -> FloatImage:
        # Curves are smooth: looked up at whole levels, several times faster than between them.
        levels = np.rint(clean.clip(0, 255)).astype(np.uint8)
        tables = [np.interp(LEVELS, self.brightness[c], curves[c]).astype(np.float32) for c in range(3)]
        return np.stack([tables[c][levels[..., c]] for c in range(3)], axis=-1)


def learn_noise(
    noisy: NDArray[np.uint8], cleaned: NDArray[np.uint8], missing_mean: Colours = (0.0, 0.0, 0.0)
) -> NoiseOfPhoto:
    """Return how the noise of `noisy` (h, w, 3) behaves, judged by its cleaned picture.

    `missing_mean` is what the mean of its source's noise lies above that of what was removed, over its variance.
    """
    clean = cleaned.astype(np.float32)
    removed = noisy.astype(np.float32) - clean
    fine = removed - mean_round(removed, BACKGROUND_PX)
    energy = MEAN_TO_MEDIAN * mean_round(fine**2, ENERGY_PX)
    channels = [_curves(clean[..., c], energy[..., c], removed[..., c]) for c in range(3)]
    brightness, deviation, mean = zip(*channels, strict=True)
    white = np.eye(3, dtype=np.float32)
    noise = NoiseOfPhoto(noisy, cleaned, brightness, deviation, mean, white, missing_mean)
    return replace(noise, coarse_colours=_coarse_colours(_normal(fine, noise, clean)))


def lay_noise(
    noise: NoiseOfPhoto, scene: FloatImage, random: np.random.Generator, strength: float = 1.0
) -> FloatImage:
    """Return `scene`, (side, side, 3) in levels, with noise from a random place of the photo; whole levels.

    `strength` is that of the noise, as a share of the photo's: its deviation; its mean goes with the square.
    """
    side = scene.shape[0]
    normal = _usual_noise(noise, side, random)
    normal = np.rot90(normal, 2 * int(random.integers(2)))
    if random.integers(2):
        normal = normal[:, ::-1]
    coarse = random.standard_normal((side, side, 3), np.float32) @ noise.coarse_colours.T
    # Powers add up to one where the two meet.
    low = np.exp(-2 * (np.pi * COARSE_SIGMA_PX * _frequencies(side, side)) ** 2)[..., None]
    spectrum = (1 - low) * np.fft.rfft2(normal, axes=(0, 1)) + np.sqrt(1 - (1 - low) ** 2) * np.fft.rfft2(
        coarse, axes=(0, 1)
    )
    laid = np.fft.irfft2(spectrum, (side, side), axes=(0, 1)).astype(np.float32)
    mean = noise.mean_at(scene) + noise.missing_mean_at(scene)
    taken = scene + strength**2 * mean + strength * noise.deviation_at(scene) * laid
    return np.asarray(np.rint(np.clip(taken, 0, 255)), np.float32)


def _usual_noise(noise: NoiseOfPhoto, side: int, random: np.random.Generator) -> FloatImage:
    """Return noise (side, side, 3) of deviation 1 from the place, of a few, whose energy is most usual."""
    height, width = noise.noisy.shape[:2]
    best: FloatImage = np.zeros((side, side, 3), np.float32)
    least = np.inf
    for _ in range(TRIES):
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        place = (slice(top, top + side), slice(left, left + side))
        clean = noise.cleaned[place].astype(np.float32)
        removed = noise.noisy[place].astype(np.float32) - clean - noise.mean_at(clean)
        normal = _normal(removed, noise, clean)
        energy = float((normal**2).mean())
        unusual = abs(np.log(max(energy, 1e-6)))
        if unusual < least:
            best, least = normal, unusual
        if USUAL_ENERGY[0] < energy < USUAL_ENERGY[1]:
            break
    return best


def _normal(removed: FloatImage, noise: NoiseOfPhoto, clean: FloatImage) -> FloatImage:
    """Return what was removed with a deviation of 1 at every brightness."""
    return np.asarray(removed / np.maximum(noise.deviation_at(clean), WEAKEST_NOISE), np.float32)


def _curves(
    clean: NDArray[np.float32], energy: NDArray[np.float32], removed: NDArray[np.float32]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Return brightness, deviation and mean of one channel in bins of about as many pixels each."""
    bins = brightness_bins(clean, BRIGHTNESS_BINS)
    members = [bins == index for index in range(BRIGHTNESS_BINS)]
    filled = [each for each in members if each.sum() >= FEWEST_PIXELS]
    filled = filled or [np.ones_like(members[0])]  # a photo smaller than that
    points = [
        (float(clean[each].mean()), float(np.sqrt(np.median(energy[each]))), float(removed[each].mean()))
        for each in filled
    ]
    brightness, deviation, mean = zip(*sorted(points), strict=True)
    return brightness, deviation, mean


def _coarse_colours(normal: FloatImage) -> NDArray[np.float32]:
    height, width = normal.shape[:2]
    frequency = _frequencies(height, width)
    spectrum = np.fft.rfft2(normal, axes=(0, 1))[(frequency > BAND[0]) & (frequency < BAND[1])]
    density = np.real(spectrum.T.conj() @ spectrum) / max(1, len(spectrum)) / (height * width)
    return np.linalg.cholesky(density + 1e-6 * np.eye(3)).astype(np.float32)


def _frequencies(height: int, width: int) -> NDArray[np.float64]:
    return np.asarray(np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]))
