"""The noise of a mosaic: variance = a x + b of linear values, black 0 and white 1, before white balance.

It is taken from the file where the maker wrote it (DNG's NoiseProfile), else measured over the whole mosaic, else
what is usual at the photo's ISO.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.photos.raw.mosaic import Mosaic
from lgbpn_cli.photos.raw.noise_line import noise_line

FloatImage = NDArray[np.float32]

BLOCK_SITES = 16
"""Side of the patches that the noise is measured in, in sites of one colour."""
BLOCK_FREEDOM = 57.0
"""Degrees of freedom of a patch's variance: the filter's residuals are correlated."""
FEWEST_BLOCKS = 40
"""With fewer patches nothing is measured."""
NEAR_WHITE = 0.96
"""Patches with brighter samples are left out: what clips loses its noise."""
MOST_BLACK = 0.02
"""Where nothing below black is stored: patches with more black sites are left out."""
FAR_OFF = 8.0
"""A NoiseProfile that is wrong by more than this factor in variance is not believed."""
MOST_TOLD = (0.2, 0.02)
"""a and b that no sensor reaches: four and twenty times those of ISO 400,000."""
BAND_BLOCKS = 32
VISIBLE_ROWS = 0.15
"""Noise that rows have in common shows from about this share of the read noise."""

ISO_TABLE = {
    100: 3.8e-5,
    200: 7.6e-5,
    400: 1.5e-4,
    800: 3.0e-4,
    1600: 5.7e-4,
    3200: 1.1e-3,
    6400: 2.1e-3,
    12800: 3.9e-3,
    25600: 6.5e-3,
    51200: 8.6e-3,
    102400: 1.4e-2,
}
"""Median a of green at an ISO, from the noise profiles of 374 cameras (darktable's collection), rescaled; below 800 and
above 51200 continued in proportion."""
PRIOR_SLOPE, PRIOR_OFFSET = 1.24, -3.85
"""ln b over ln a, of the same profiles."""
LEAST_OF_USUAL, MOST_OF_VARIANCE, MOST_SHOT = 1 / 3, 0.5, 2.5e-2
"""A sensor without shot noise is none: a is at least this share of what goes with b, of what makes this share of the
variance at the mosaic's mean light, and of the largest that there is."""
RED_OF_GREEN, BLUE_OF_GREEN = 1.13, 1.04
"""Median of a of red and blue, as shares of green's."""


@dataclass(frozen=True, eq=False)
class MosaicNoise:
    """The noise of one mosaic and where it is known from."""

    levels: FloatImage
    """(3, 2): a and b of red, green and blue."""
    source: str
    """`file`, `measured` or `iso`."""


@dataclass(frozen=True, eq=False)
class NoisyMosaic:
    """What a Bayer sensor saw, and the noise in it."""

    mosaic: Mosaic
    noise: MosaicNoise
    hot_sites: int = 0
    """How many sites were bright without light; they are filled in."""


@dataclass(frozen=True)
class MosaicSummary:
    """The noise of a mosaic, for people and programs; values are shares of white."""

    shot: tuple[float, ...]
    """a of red, green and blue in the variance a x + b."""
    read: tuple[float, ...]
    """b of red, green and blue."""
    source: str
    """`file`, `measured` or `iso`."""
    rows: float
    """Standard deviation of what a row has in common."""
    of_usual: float | None
    """Standard deviation at a tenth of white as a share of what is usual at the ISO; None: it has none."""
    hot_sites: int
    """How many sites are bright without light."""

    def words(self) -> list[str]:
        """Return it in sentences."""
        where = {"file": "as its file says", "measured": "measured", "iso": "as is usual at its ISO"}[
            self.source
        ]
        colours = zip("RGB", self.shot, self.read, strict=True)
        lines = [
            "on the sensor (variance = a x + b, white 1): "
            + ", ".join(f"{name} a {a:.2g} b {b:.2g}" for name, a, b in colours)
            + f", {where}"
        ]
        if self.of_usual is not None:
            lines.append(f"{self.of_usual:.2g} times the noise that is usual at this ISO")
        read = math.sqrt(max(self.read[1], 1e-12))
        if self.rows > VISIBLE_ROWS * read:
            lines.append(
                f"rows have noise of their own: {self.rows:.1g}, {self.rows / read:.0%} of the read noise"
            )
        if self.hot_sites:
            lines.append(f"{self.hot_sites} hot pixel{'s' if self.hot_sites > 1 else ''}, filled in")
        return lines


def summarise_mosaic(noisy: NoisyMosaic, iso: int) -> MosaicSummary:
    """Return what `lgbpn probe` says of a mosaic."""
    levels = noisy.noise.levels.astype(float)
    usual = None
    if iso > 0:
        ours, theirs = (float(each[1] @ (0.1, 1)) for each in (levels, usual_noise(iso).astype(float)))
        usual = math.sqrt(ours / theirs)
    return MosaicSummary(
        shot=tuple(levels[:, 0].tolist()),
        read=tuple(levels[:, 1].tolist()),
        source=noisy.noise.source,
        rows=row_sigma(noisy.mosaic.samples, noisy.mosaic.pattern),
        of_usual=usual,
        hot_sites=noisy.hot_sites,
    )


def noise_of_mosaic(mosaic: Mosaic, profile: tuple[float, ...] = (), iso: int = 0) -> MosaicNoise:
    """Return the noise of a mosaic: what its file says, what is measured, or what is usual, in this order.

    `profile` is DNG's NoiseProfile, empty where there is none. What makes no sense in it, or contradicts the mosaic by
    far, is not believed.
    """
    measured = measure_mosaic_noise(mosaic.samples, mosaic.pattern)
    told = profile_levels(profile)
    if told is not None and (measured is None or _agree(told, measured)):
        return MosaicNoise(told, "file")
    if measured is not None:
        return MosaicNoise(measured, "measured")
    return MosaicNoise(usual_noise(iso or 1600), "iso")


def profile_levels(profile: tuple[float, ...]) -> FloatImage | None:
    """Return a and b of each colour from DNG's NoiseProfile: one pair for all, or one each; None for nonsense."""
    if len(profile) not in (2, 6) or not all(math.isfinite(value) for value in profile):
        return None
    levels = np.array(profile, np.float64).reshape(-1, 2)
    possible = (levels >= 0).all() and (levels.sum(axis=1) > 0).all() and (levels < MOST_TOLD).all()
    return np.broadcast_to(levels, (3, 2)).astype(np.float32) if possible else None


def usual_noise(iso: int) -> FloatImage:
    """Return a and b (3, 2) that are usual at an ISO."""
    isos, shots = zip(*sorted(ISO_TABLE.items()), strict=True)
    green = math.exp(np.interp(math.log(max(1, iso)), np.log(isos), np.log(shots)))
    read = math.exp(PRIOR_SLOPE * math.log(green) + PRIOR_OFFSET)
    return np.array([[green * share, read] for share in (RED_OF_GREEN, 1.0, BLUE_OF_GREEN)], np.float32)


def with_shot_noise(levels: FloatImage, samples: FloatImage) -> FloatImage:
    """Return a and b (3, 2) of the same variance at the mean light of `samples`, with some shot noise in it.

    Where a mosaic has one brightness, or is dark, all of its noise may be measured as b. No sensor is like that, and
    the raw network, which has never seen it, left the noise in.
    """
    light = max(float(samples.mean()), 1e-6)
    shot, read = (levels[:, part].astype(np.float64) for part in (0, 1))
    total = shot * light + read
    usual = np.exp((np.log(np.maximum(read, 1e-12)) - PRIOR_OFFSET) / PRIOR_SLOPE)
    least = LEAST_OF_USUAL * np.minimum(np.minimum(usual, MOST_SHOT), MOST_OF_VARIANCE * total / light)
    shot = np.maximum(shot, least)
    return np.stack([shot, np.maximum(total - shot * light, 0)], axis=1).astype(np.float32)


def measure_mosaic_noise(samples: FloatImage, pattern: NDArray[np.uint8]) -> FloatImage | None:
    """Return a and b (3, 2) measured in flat patches of a mosaic (h, w); None where there are too few patches.

    The residuals of a filter that takes brightness, gradients and what rows have in common away (Immerkaer, "Fast noise
    variance estimation", 1996) give each patch a variance; of the patches of about one brightness those that vary
    least are flat, and the line a x + b goes through these. All colours share it: what differs between their sites is
    the filter before them, and together they cover more brightness.
    """
    period = len(pattern)
    blocks = [
        _blocks(samples[row::period, column::period]) for row in range(period) for column in range(period)
    ]
    means, variances = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    if len(means) < FEWEST_BLOCKS:
        return None
    return np.tile(np.array(noise_line(means, variances, BLOCK_FREEDOM), np.float32), (3, 1))


def row_sigma(samples: FloatImage, pattern: NDArray[np.uint8]) -> float:
    """Return the standard deviation of what the sites of a row have in common, of a mosaic (h, w); 0 if it is lost."""
    period = len(pattern)
    plane = samples[::period, ::period]
    if plane.shape[0] < 3 or plane.shape[1] < BLOCK_SITES:
        return 0.0
    jumps = plane[1:-1] - (plane[:-2] + plane[2:]) / 2
    of_rows = np.median(jumps, axis=1)
    inner = 1.4826 * float(np.median(np.abs(jumps - of_rows[:, None])))
    within = 1.2533 * inner / math.sqrt(plane.shape[1])  # how uncertain a median is
    spread = 1.4826 * float(np.median(np.abs(of_rows - np.median(of_rows))))
    return math.sqrt(max(0.0, spread**2 - within**2) / 1.5)


def _blocks(plane: FloatImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and noise variance of the patches of a plane that are neither clipped at white nor at black."""
    side = BLOCK_SITES
    columns = plane.shape[1] // side * side
    means, variances = [np.empty(0)], [np.empty(0)]
    black_is_clipped = plane.size > 0 and float((plane == plane.min()).mean()) > 0.01
    for top in range(0, plane.shape[0] // side * side, side * BAND_BLOCKS):
        band = plane[top : min(top + side * BAND_BLOCKS, plane.shape[0] // side * side), :columns]
        blocks = band.reshape(len(band) // side, side, -1, side).swapaxes(1, 2)
        residuals = blocks[..., :-2] - 2 * blocks[..., 1:-1] + blocks[..., 2:]
        residuals = residuals[..., :-2, :] - 2 * residuals[..., 1:-1, :] + residuals[..., 2:, :]
        mean = blocks.mean(axis=(2, 3), dtype=np.float64)
        variance = np.square(residuals).mean(axis=(2, 3), dtype=np.float64) / 36
        usable = blocks.max(axis=(2, 3)) < NEAR_WHITE
        if black_is_clipped:
            usable &= (blocks == plane.min()).mean(axis=(2, 3)) < MOST_BLACK
        means.append(mean[usable])
        variances.append(variance[usable])
    return np.concatenate(means), np.concatenate(variances)


def _agree(told: FloatImage, measured: FloatImage) -> bool:
    """Return whether two noises agree within FAR_OFF, in green and at a usual brightness."""
    ratio = float(told[1] @ (0.1, 1)) / max(1e-12, float(measured[1] @ (0.1, 1)))
    return 1 / FAR_OFF < ratio < FAR_OFF
