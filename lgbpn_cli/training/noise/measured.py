"""The noise of one camera, measured in flat patches of many of its photos, and laid on scenes.

How strong it is at each brightness of each channel comes from the measurement of noise that every photo gets; how its
channels and neighbours go together, up to 32 px away, from the covariance of patches that hold nothing but noise.
Noise of rows is in that, too: it reaches as far as a patch. What comes out is normal noise, clipped and in whole
levels as the camera's is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.noise.measure import WHITE, CellEstimator, NoiseMeasurement, measure_noise
from lgbpn_cli.noise.summary import summarise
from lgbpn_cli.training.noise.jpeg_tables import JpegTables

PATCH_PX = 64
STRIDE_PX = 32
MOST_PATCHES = 300
MOST_CLIPPED = 0.02
"""Patches with a larger share of pixels that are black or white in some channel are left out."""
FLATTEST_SHARE, LEAST_FLATTEST = 0.03, 4
"""The energy that this share of the patches stays below, and so many at least, is that of noise alone."""
MOST_ENERGY = 1.35
"""Patches of up to so many times that energy hold nothing else: coarse noise differs by as much from place to place."""
POINTS_A_CURVE, FEWEST_A_POINT = 10, 6
"""A curve of level against brightness has so many points at most, each the median of so many measurements at least."""
WEAKEST_NOISE = 0.5
"""Levels; noise below rounding is not amplified."""
WHOLE_DEVIATIONS = 1.5
"""From black and from white; closer to them noise is clipped."""
BANDS = (0.035, 0.07, 0.12, 0.2)
"""Ends of the bands, cycles a pixel, in each of which other patches are the stillest; all tell what is finer."""
STILLEST_SHARE, FEWEST_STILL, STILLEST_ROUNDS = 0.25, 12, 5
"""Share of the patches that tell of a band, so many at least, and how often they are chosen by the last colours."""
WINDOW_BINS = 2.25
"""How many frequencies next to each other are one through the window."""
COARSEST = 1.5 / PATCH_PX
"""Cycles a pixel. Below, noise goes with the slopes that are taken off a patch; it is as dense as just above."""

KEPT_BAND = (0.08, 0.16)
"""Cycles a pixel between which JPEGs keep the noise of flat places that has not lost its coarser part too."""
NATURAL_FALL = 0.5
"""Cycles a pixel at which noise that was demosaiced is a third as dense, about."""

FloatImage = NDArray[np.float32]
Curves = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class CameraNoise:
    """The noise of one camera at one ISO; levels are standard deviations in 8-bit levels."""

    brightness_8bit: Curves
    """For each channel, the brightnesses at which its level is known, darkest first."""
    level_8bit: Curves
    covariance: NDArray[np.float64]
    """(64, 64, 3, 3): of channels a, b at each offset 0..31, -32..-1 down and right, for noise of level 1."""
    preset: str
    """The teacher's preset that suits most of the photos."""
    patches: int
    """How many it was measured in; 0: none was flat, and it is taken to be white."""
    jpeg: JpegTables | None = None
    """How the photos are coded that it is laid on; None: they are no JPEGs."""
    _gains: dict[int, NDArray[np.complex64]] = field(default_factory=dict, repr=False, init=False)

    def level_at(self, scene: FloatImage) -> FloatImage:
        """Return the level of the noise on a scene (h, w, 3), 0..255."""
        at = (np.interp(scene[..., c], self.brightness_8bit[c], self.level_8bit[c]) for c in range(3))
        return np.stack([each.astype(np.float32) for each in at], axis=-1)

    def whole_at(self, scene: FloatImage) -> NDArray[np.bool_]:
        """Return where on a scene (h, w, 3), 0..255, hardly any noise is clipped: elsewhere it is not as strong."""
        reach = WHOLE_DEVIATIONS * self.level_at(scene)
        return np.asarray((scene >= reach) & (scene <= WHITE - reach))

    def laid_on(self, scene: FloatImage, random: np.random.Generator) -> FloatImage:
        """Return a scene (side, side, 3), 0..255, with this noise, as a file holds it: clipped, in whole levels."""
        noisy = np.rint(np.clip(scene + self.level_at(scene) * self.drawn(len(scene), random), 0, 255))
        return np.asarray(
            noisy if self.jpeg is None else self.jpeg.passed(noisy.astype(np.uint8)), np.float32
        )

    def drawn(self, side: int, random: np.random.Generator) -> FloatImage:
        """Return a square (side, side, 3) of this noise, of level 1."""
        white = np.fft.rfft2(random.standard_normal((side, side, 3)), axes=(0, 1)).astype(np.complex64)
        coloured = np.einsum("yxab,yxb->yxa", self._gain(side), white)
        return np.asarray(np.fft.irfft2(coloured, (side, side), axes=(0, 1)), np.float32)

    def _gain(self, side: int) -> NDArray[np.complex64]:
        """Return what makes this noise of three independent white ones: a matrix for each frequency of a square."""
        if side not in self._gains:
            self._gains[side] = _gain(self.covariance, side)
        return self._gains[side]

    def as_json(self) -> dict[str, Any]:
        """Return what is known of it in numbers that people read."""
        here, across, down = self.covariance[0, 0], self.covariance[0, 1], self.covariance[1, 0]
        scale = np.sqrt(np.maximum(np.outer(here.diagonal(), here.diagonal()), 1e-12))
        neighbours = (np.trace(across) + np.trace(down)) / 2 / max(np.trace(here), 1e-12)
        return {
            "brightness_8bit": self.brightness_8bit,
            "level_8bit": self.level_8bit,
            "channel_correlation": [float((here / scale)[pair]) for pair in ((0, 1), (0, 2), (1, 2))],
            "neighbour_correlation": float(neighbours),
            "flat_patches": self.patches,
            "preset": self.preset,
        }


def measure_camera(
    tiles: Iterable[NDArray[np.uint8]], estimator: CellEstimator | None, jpeg: JpegTables | None = None
) -> CameraNoise:
    """Return the noise of the camera that took `tiles`, (h, w, 3), of many photos; there has to be one.

    Where they are JPEGs, with what those lost of it in flat patches and have elsewhere.
    """
    seen, measured = [], []
    for tile in tiles:
        seen.append(tile)
        measured.append(measure_noise(tile.astype(np.float32) / np.float32(255), estimator))
    brightness, level = zip(*(_curve(measured, channel) for channel in range(3)), strict=True)
    noise = CameraNoise(brightness, level, _white(), summarise(measured).preset, 0, jpeg)
    flat = _flat_patches(seen, noise)
    if not len(flat):
        return noise
    covariance = _covariance(flat)
    if jpeg is not None:
        covariance = _with_what_jpeg_lost(covariance, jpeg, float(np.mean([np.mean(each) for each in level])))
    return replace(noise, covariance=covariance, patches=len(flat))


def _curve(measured: Sequence[NoiseMeasurement], channel: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return brightness and level of a channel: medians over the photos, which a textured one hardly moves."""
    points = np.array(
        [
            point
            for each in measured
            for point in zip(each.brightness_8bit[channel], each.level_8bit[channel], strict=True)
        ]
    )
    points = points[np.argsort(points[:, 0], kind="stable")]
    count = max(1, min(POINTS_A_CURVE, len(points) // FEWEST_A_POINT))
    groups = np.array_split(points, count)
    return (
        tuple(float(each[:, 0].mean()) for each in groups),
        _without_outliers([float(np.median(each[:, 1])) for each in groups]),
    )


def _without_outliers(levels: Sequence[float]) -> tuple[float, ...]:
    """Return a curve's levels as running medians of three, the ends no higher than the curve goes on.

    Where most that is of one brightness is textured, its level stands out from those on both sides (Tukey, "Exploratory
    data analysis", 1977, whose rule for ends it is; but near black noise may well be weaker).
    """
    if len(levels) < 3:
        return tuple(levels)
    smooth = [float(np.median(levels[index - 1 : index + 2])) for index in range(1, len(levels) - 1)]
    inner = [smooth[0], *smooth, smooth[-1]]
    first = min(levels[0], float(np.median([levels[0], inner[1], 3 * inner[1] - 2 * inner[2]])))
    last = min(levels[-1], float(np.median([levels[-1], inner[-2], 3 * inner[-2] - 2 * inner[-3]])))
    return (first, *smooth, last)


def _white() -> NDArray[np.float64]:
    covariance = np.zeros((PATCH_PX, PATCH_PX, 3, 3))
    covariance[0, 0] = np.eye(3)
    return covariance


def _flat_patches(tiles: Sequence[NDArray[np.uint8]], noise: CameraNoise) -> FloatImage:
    """Return patches (n, 64, 64, 3) of nothing but noise, brought to level 1, without their slopes."""
    slopes = _slopes()
    energies, places = [], []
    for number, tile in enumerate(tiles):
        clipped = np.asarray(((tile <= 0) | (tile >= WHITE)).any(axis=2))
        for top in range(0, tile.shape[0] - PATCH_PX + 1, STRIDE_PX):
            for left in range(0, tile.shape[1] - PATCH_PX + 1, STRIDE_PX):
                place = (slice(top, top + PATCH_PX), slice(left, left + PATCH_PX))
                if clipped[place].mean() <= MOST_CLIPPED:
                    energies.append(float((_normal(tile[place], noise, slopes) ** 2).mean()))
                    places.append((number, place))
    if not energies:
        return np.zeros((0, PATCH_PX, PATCH_PX, 3), np.float32)
    order = np.argsort(energies, kind="stable")
    floor = energies[order[min(len(order) - 1, max(LEAST_FLATTEST, int(FLATTEST_SHARE * len(order))))]]
    flat = [index for index in order if energies[index] <= MOST_ENERGY * floor]
    chosen = [places[index] for index in flat[:: -(-len(flat) // MOST_PATCHES)]]
    return np.stack([_normal(tiles[number][place], noise, slopes) for number, place in chosen])


def _slopes() -> FloatImage:
    """Return a constant, slopes and bends across a patch, orthonormal: (4096, 6)."""
    across = np.arange(PATCH_PX) / PATCH_PX - 0.5
    rows, columns = np.meshgrid(across, across, indexing="ij")
    shapes = [np.ones_like(rows), rows, columns, rows**2, columns**2, rows * columns]
    return np.asarray(np.linalg.qr(np.stack([each.ravel() for each in shapes], axis=1))[0], np.float32)


def _normal(patch: NDArray[np.uint8], noise: CameraNoise, slopes: FloatImage) -> FloatImage:
    """Return a patch (64, 64, 3) less its slopes, in units of the level at its brightness."""
    values = patch.reshape(-1, 3).astype(np.float32)
    mean = values.mean(axis=0)
    values = (values - mean) / np.maximum(noise.level_at(mean[None, None])[0, 0], WEAKEST_NOISE)
    return np.asarray((values - slopes @ (slopes.T @ values)).reshape(patch.shape), np.float32)


def _covariance(patches: FloatImage) -> NDArray[np.float64]:
    """Return the covariance of noise with itself at every offset of a patch, (64, 64, 3, 3)."""
    # Seen through a window that fades towards the edges: cut off there, noise would leak into other frequencies.
    fading = np.hanning(PATCH_PX + 2)[1:-1]
    window = np.outer(fading, fading)
    window /= np.sqrt((window**2).mean())
    spectra = np.fft.fft2(patches * window[..., None].astype(np.float32), axes=(1, 2)) / PATCH_PX
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH_PX), np.fft.fftfreq(PATCH_PX), indexing="ij"))
    fine = frequency >= BANDS[-1]
    density = np.zeros((PATCH_PX, PATCH_PX, 3, 3), np.complex128)
    density[fine] = _density(spectra[:, fine])
    # Patches are compared in what is coarse as if all were as noisy in what is fine.
    powers = (np.abs(spectra[:, fine]) ** 2).mean(axis=1)
    spectra *= np.sqrt(powers.mean(axis=0) / np.maximum(powers, 1e-12))[:, None, None]
    for lowest, end in pairwise((0.0, *BANDS)):
        band = (frequency >= lowest) & (frequency < end)
        density[band] = _density_of_stillest(spectra[:, band])
    return np.asarray(np.fft.ifft2(density, axes=(0, 1)).real)


def _density(spectra: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.complex128]:
    """Return the mean density of patches' spectra (n, k, 3) at each frequency: (k, 3, 3)."""
    return np.asarray(np.einsum("nka,nkb->kab", spectra, spectra.conj()) / len(spectra), np.complex128)


def _density_of_stillest(spectra: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.complex128]:
    """Return the density (k, 3, 3) in a band of the patches (n, k, 3) that have least in it, in all its colours.

    What is flat has shades and soft shapes still, which are coarse, and grey where the noise may have no grey at all.
    """
    count = min(len(spectra), max(FEWEST_STILL, round(STILLEST_SHARE * len(spectra))))
    bins = spectra.shape[1]
    powers = np.einsum("nka,nkb->nab", spectra, spectra.conj()).real / bins
    usual = np.diag(np.median(powers.diagonal(axis1=1, axis2=2), axis=0))
    stillest = np.arange(len(spectra))
    for _ in range(STILLEST_ROUNDS):
        weights = np.linalg.inv(usual + 1e-9 * np.eye(3))
        stillest = np.argsort(np.einsum("nab,ba->n", powers, weights), kind="stable")[:count]
        usual = powers[stillest].mean(axis=0)
    # Of noise alone, too, some patches have less by chance: by so much, if powers are normal.
    share, spread = count / len(spectra), math.sqrt(2 / max(1.0, 3 * bins / WINDOW_BINS))
    normal = NormalDist()
    less = spread * normal.pdf(normal.inv_cdf(share)) / share if share < 1 else 0.0
    return _density(spectra[stillest]) / max(0.5, 1 - less)


def _with_what_jpeg_lost(
    covariance: NDArray[np.float64], jpeg: JpegTables, level_8bit: float
) -> NDArray[np.float64]:
    """Return the covariance of noise of that level before it was coded: flat patches may have lost its finest part.

    As much of that is given back to its brightness as fits between the coarser part, falling as demosaicing lets it,
    and what JPEG can have lost.
    """
    down, right = np.meshgrid(np.fft.fftfreq(PATCH_PX), np.fft.fftfreq(PATCH_PX), indexing="ij")
    frequency = np.hypot(down, right)
    density = np.fft.fft2(covariance, axes=(0, 1)).real
    grey = np.ones((3, 3)) / 3
    bright = np.einsum("yxab,ab->yx", density, grey)
    coarser = bright[(frequency >= KEPT_BAND[0]) & (frequency < KEPT_BAND[1])].mean()
    natural = coarser * np.exp(-((frequency / NATURAL_FALL) ** 2))
    # All three channels have what brightness has.
    lost = 3 * jpeg.lost_variance(down, right) / max(level_8bit, WEAKEST_NOISE) ** 2
    missing = np.maximum(0, np.minimum(natural, lost) - bright)
    missing[frequency < KEPT_BAND[1]] = 0
    return np.asarray(np.fft.ifft2(density + missing[..., None, None] * grey, axes=(0, 1)).real)


def _gain(covariance: NDArray[np.float64], side: int) -> NDArray[np.complex64]:
    """Return the root of the density at each frequency of a square of that side, (side, side // 2 + 1, 3, 3)."""
    reach = min(PATCH_PX, side) // 2
    offsets = np.arange(-reach, reach)
    placed = np.zeros((side, side, 3, 3))
    placed[np.ix_(offsets % side, offsets % side)] = covariance[
        np.ix_(offsets % PATCH_PX, offsets % PATCH_PX)
    ]
    density = np.fft.rfft2(placed, axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    above = (frequency >= COARSEST) & (frequency < 2 * COARSEST)
    if above.any():
        density[frequency < COARSEST] = density[above].mean(axis=0).real
    # Of any three channels, the density is a matrix without negative eigenvalues; rounding makes some.
    powers, colours = np.linalg.eigh((density + density.conj().swapaxes(-1, -2)) / 2)
    return np.asarray(colours * np.sqrt(np.maximum(powers, 0))[..., None, :], np.complex64)
