"""Level and spatial correlation of a photo's noise, measured blind in its flat patches.

A patch of 16x16 px is cut along a checkerboard of 8x8 px into two halves. Which patches are flat is judged on one
half, how strong the noise is on the other, and the other way round: picking the patches that vary least would
otherwise pick those whose noise happens to be weak, and measure too little.

Where no patch is flat (rock, foliage), texture would count as noise then. A CellEstimator, which tells them apart by
their looks and by the rest of the photo, sets a limit there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lgbpn_cli.image.types import Picture

REACH_PX = 6
"""Correlation is measured for offsets -6..6 in both directions, as in the paper's Figure 4."""
PATCH_PX = 16
"""Side of the patches among which flat ones are sought."""
SMALLEST_SIDE_PX = PATCH_PX
"""Nothing can be measured in photos with a shorter side."""
STRIDE_PX = 8
"""Distance between the patches: JPEG's block size, so that they keep their place in its grid."""
TILE_PX = 64
"""Photos longer or wider than TILES_A_SIDE of these are judged by tiles of this side, spread evenly."""
TILES_A_SIDE = 14
"""So many tiles along a side at most: 0.8 megapixels, whatever the photo's size."""
BRIGHTNESS_BINS = 8
"""Points of the curve of noise against brightness, each with as many patches."""
PATCHES_A_BIN = 40
"""Photos with few patches have fewer bins."""
FLAT_SHARE = 0.08
"""The share of the patches of a bin, flattest first, that counts as flat."""
FEWEST_FLAT = 6
"""A bin has at least so many flat patches."""
WHITE = 254.99
"""Light at white comes out of its tone curve a rounding below 255."""
MOST_CLIPPED = 0.3
"""Patches with a larger share of pixels that are black or white in some channel are left out, if others are there."""
MOST_COARSENESS = 1.25
"""A bin's noise is at most so many times as coarse as in the bins where it is fine: the rest is texture."""
MEDIAN_TO_MEAN = 1.02
"""The mean of a variance estimated from a half patch of correlated noise, over its median."""
CELL_PX = 32
"""Side of the cells that a CellEstimator answers for, four to a tile."""
LIMIT_MARGIN = 1.25
"""The level may be so many times what the estimator sees: it errs, and noise that is left in flat areas shows."""
SURE_TEXTURE = 0.5
"""The lower the limit is than the level in flat patches, the surer is texture; by this share, it is sure."""
DOUBTS = 2.0
"""As sure as that is, the level goes below the limit by so many times the estimator's likely error."""
CELLS_A_BIN = 24
"""Photos with few cells have fewer bins of them."""
FLATTEST_SHARES = (0.04, 0.2)
"""The energies that these shares of a bin's patches stay below are about the same where there is noise alone."""
UNEVEN = (1.25, 1.5)
"""From the first ratio of these energies on the limit is asked for, from the second on it holds in full."""
PATCHES_AT_A_TIME = 200
"""So many at a time stay in the processor's caches."""
CORRELATION_PATCHES = 600
"""The correlation is averaged over so many flat patches at most."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class CellEstimator(Protocol):
    """Tells noise from texture; asked for all tiles of a photo that are looked at, (n, 64, 64, 3), 0..1."""

    def __call__(self, tiles: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        """Return the noise of each 32x32 cell, (n, 4, 3): level in 8-bit levels, and likely error of its logarithm."""


@dataclass(frozen=True)
class NoiseMeasurement:
    """The noise of one photo; levels are standard deviations in 8-bit levels (of 255)."""

    brightness_8bit: tuple[tuple[float, ...], ...]
    """For each channel, the mean brightness of each bin, darkest first."""
    level_8bit: tuple[tuple[float, ...], ...]
    """For each channel, the noise at these brightnesses."""
    correlation: tuple[tuple[float, ...], ...]
    """13 x 13, offsets -6..6 down and to the right, 1 in the middle: the mean over the channels."""
    luma_correlation: tuple[tuple[float, ...], ...]
    """The same of the luma, 0.299 R + 0.587 G + 0.114 B."""
    channel_correlation: tuple[float, float, float]
    """Of red with green, red with blue, green with blue, at the same pixel."""
    clipped_share: float
    """Share of the pixels that are black or white in some channel."""
    blocking: float
    """How much larger the steps across the lines of JPEG's 8x8 grid are than others, less one: 0 without a grid."""

    @property
    def level(self) -> float:
        """The noise over all channels and brightnesses: their root mean square, in 8-bit levels."""
        return math.sqrt(float(np.mean(np.square(self.level_8bit))))

    def mean_variance_at(self, brightness_8bit: np.ndarray) -> np.ndarray:
        """Return the mean of the channels' noise variances at (..., 3) brightnesses, (...): see `variance_at`."""
        total = self.variance_at(brightness_8bit, 0)
        for channel in (1, 2):
            total += self.variance_at(brightness_8bit, channel)
        total /= 3
        return total

    def variance_at(self, brightness_8bit: np.ndarray, channel: int) -> np.ndarray:
        """Return a channel's noise variance, squared 8-bit levels, at (..., 3) brightnesses in 8-bit levels: (...)."""
        known, level = self.brightness_8bit[channel], self.level_8bit[channel]
        variance: np.ndarray = np.interp(brightness_8bit[..., channel], known, np.square(level))
        return variance.astype(np.float32)


SINGLE_POINT = tuple(
    tuple(float(row == column == 0) for column in range(-REACH_PX, REACH_PX + 1))
    for row in range(-REACH_PX, REACH_PX + 1)
)
NO_NOISE = NoiseMeasurement(
    brightness_8bit=((127.5,),) * 3,
    level_8bit=((0.0,),) * 3,
    correlation=SINGLE_POINT,
    luma_correlation=SINGLE_POINT,
    channel_correlation=(0.0, 0.0, 0.0),
    clipped_share=0.0,
    blocking=0.0,
)
"""What is said of a photo in which nothing can be measured."""


def measure_noise(
    image: Picture, estimator: CellEstimator | None = None, *, uneven: tuple[float, float] = UNEVEN
) -> NoiseMeasurement:
    """Return the noise of `image`, (h, w, 3) float32 of encoded values in 0..1, which is left as it is.

    Where the photo is looked at depends on its size alone: the result is the same every time. Photos with a side
    below 16 px are taken to have no noise. Over flat areas JPEG hides noise that shows beside edges: that of
    strongly compressed photos is measured too low. Texture that covers the whole photo is taken for noise, unless an
    `estimator` says otherwise: it is asked where patches are as `uneven` as that; photos with a side below 64 px are
    not shown to it.
    """
    if min(image.shape[:2]) < SMALLEST_SIDE_PX:
        return NO_NOISE
    tiles = [np.float32(255) * tile for tile in _tiles(image)]
    patches = np.concatenate([_patches(tile) for tile in tiles])
    clipped = ((patches <= 0) | (patches >= WHITE)).any(axis=1).mean(axis=(1, 2))
    clipped_share = float(clipped.mean())
    # Night shots may be black nearly all over: the noise that sticks out of the black is what there is.
    patches = patches[clipped < max(MOST_CLIPPED, clipped.min() + 0.1)]
    brightness = patches.mean(axis=(2, 3))
    noise = _without_plane(patches)
    flat, points = _flat_patches(noise, brightness)
    flat_noise = noise[flat[:: -(-len(flat) // CORRELATION_PATCHES)]]
    by_channel = [_covariance(flat_noise[:, channel]) for channel in range(3)]
    correlation, kept_share = _correlation(np.mean(by_channel, axis=0))
    luma = np.einsum("nchw,c->nhw", flat_noise, LUMA)
    means, variances, unevenness = (np.array(each) for each in zip(*points, strict=True))
    levels = np.sqrt(variances / kept_share)
    # Patches that are all as noisy as the flattest ones are flat themselves, whatever the noise looks like.
    trust = np.clip((unevenness - uneven[0]) / (uneven[1] - uneven[0]), 0, 1)[:, None]
    if estimator is not None and trust.any():
        limited = _limited(levels, *_estimated(tiles, estimator, means))
        levels = levels ** (1 - trust) * limited**trust
    orders = [np.argsort(means[:, channel], kind="stable") for channel in range(3)]
    return NoiseMeasurement(
        brightness_8bit=tuple(_floats(means[order, channel]) for channel, order in enumerate(orders)),
        level_8bit=tuple(_floats(levels[order, channel]) for channel, order in enumerate(orders)),
        correlation=tuple(map(_floats, correlation)),
        luma_correlation=tuple(map(_floats, _correlation(_covariance(luma))[0])),
        channel_correlation=_channel_correlation(flat_noise),
        clipped_share=clipped_share,
        blocking=_blocking(flat_noise),
    )


def _tiles(image: Picture) -> Iterator[np.ndarray]:
    """Give the parts of the photo that are looked at; their corners lie on multiples of 8."""
    for top, bottom in _spans(image.shape[0]):
        for left, right in _spans(image.shape[1]):
            yield image[slice(top, bottom), slice(left, right)]


def _spans(length: int) -> list[tuple[int, int]]:
    if length <= TILE_PX * TILES_A_SIDE:
        return [(0, length)]
    starts = np.linspace(0, length - TILE_PX, TILES_A_SIDE).astype(int) // STRIDE_PX * STRIDE_PX
    return [(int(start), int(start) + TILE_PX) for start in starts]


def _patches(tile: np.ndarray) -> np.ndarray:
    """Return all patches of a tile, (n, 3, 16, 16)."""
    windows = np.lib.stride_tricks.sliding_window_view(tile, (PATCH_PX, PATCH_PX), axis=(0, 1))
    return windows[::STRIDE_PX, ::STRIDE_PX].reshape(-1, 3, PATCH_PX, PATCH_PX)


def _planes() -> np.ndarray:
    """Return a constant, a rise and a slope across a patch, orthonormal: (3, 16, 16)."""
    slope = np.arange(PATCH_PX, dtype=np.float32) - (PATCH_PX - 1) / 2
    ones = np.ones(PATCH_PX, np.float32)
    planes = np.stack([np.outer(ones, ones), np.outer(slope, ones), np.outer(ones, slope)])
    return np.asarray(planes / np.sqrt((planes**2).sum(axis=(1, 2), keepdims=True)), np.float32)


def _without_plane(patches: np.ndarray) -> np.ndarray:
    """Return the patches less the plane that fits each channel best: shading is not noise."""
    rest = patches.reshape(*patches.shape[:2], -1)
    planes = _planes().reshape(3, -1)
    return np.asarray((rest - (rest @ planes.T) @ planes).reshape(patches.shape))


def _flat_patches(
    noise: np.ndarray, brightness: np.ndarray
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray, float]]]:
    """Return the indices of the flat patches.

    Of each bin also brightness and noise variance, 3 channels, and how unequal the energies of its patches are.
    """
    halves, fine_halves = _energies_of_halves(noise)
    bins = max(1, min(BRIGHTNESS_BINS, len(noise) // PATCHES_A_BIN))
    energy = sum(half.sum(axis=1) for half in halves)
    chosen, means, variances, fine_variances, unevenness = [], [], [], [], []
    for members in np.array_split(np.argsort(brightness @ LUMA, kind="stable"), bins):
        count = max(FEWEST_FLAT, int(FLAT_SHARE * len(members)))
        flat = [members[np.argsort(half[members].sum(axis=1), kind="stable")[:count]] for half in halves]
        chosen += flat
        means.append(brightness[np.concatenate(flat)].mean(axis=0))
        flattest, others = np.quantile(energy[members], FLATTEST_SHARES)
        unevenness.append(float(others / max(flattest, 1e-6)))
        # The median: a patch whose other half has an edge counts as one, however strong the edge.
        variances.append(_median_of_other_halves(flat, halves))
        fine_variances.append(_median_of_other_halves(flat, fine_halves))
    coarse, fine = MEDIAN_TO_MEAN * np.array(variances), MEDIAN_TO_MEAN * np.array(fine_variances)
    coarseness = np.quantile(coarse / np.maximum(fine, 1e-6), 0.25, axis=0)
    variance = np.minimum(coarse, MOST_COARSENESS * coarseness * fine)
    return np.unique(np.concatenate(chosen)), list(zip(means, variance, unevenness, strict=True))


def _energies_of_halves(noise: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the mean squares of both halves of patches (n, 3, 16, 16), each (n, 3); then those of what is fine."""
    rows, columns = np.indices((PATCH_PX, PATCH_PX)) // (PATCH_PX // 2)
    first_half = (rows + columns) % 2 == 0
    energies = []
    for start in range(0, len(noise), PATCHES_AT_A_TIME):
        some = noise[start : start + PATCHES_AT_A_TIME]
        steps = some[:, :, 1:] - some[:, :, :-1]
        # Keeps white noise's variance, and little picture is in it.
        crossed = (steps[..., 1:] - steps[..., :-1]) / 2
        energies.append(
            [_means_inside(some * some, first_half), _means_inside(crossed * crossed, first_half[1:, 1:])]
        )
    whole, fine = (np.concatenate(each, axis=1) for each in zip(*energies, strict=True))
    return list(whole), list(fine)


def _means_inside(values: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return the means of (n, 3, h, w) inside and outside a half of (h, w): (2, n, 3)."""
    # A product: picking the values of a half would copy them, and adding up single ones takes as long again.
    shares = np.stack([each / each.sum() for each in (half.ravel(), ~half.ravel())]).astype(np.float32)
    return np.asarray(np.moveaxis(values.reshape(*values.shape[:2], -1) @ shares.T, -1, 0))


def _median_of_other_halves(flat: list[np.ndarray], halves: list[np.ndarray]) -> np.ndarray:
    """Return the median over patches, each measured in the half that it was not judged by."""
    return np.asarray(np.median(np.concatenate([halves[1][flat[0]], halves[0][flat[1]]]), axis=0))


def _covariance(noise: np.ndarray) -> np.ndarray:
    """Return the covariance of patches (n, 16, 16) with themselves, for all offsets: (13, 13)."""
    spectrum = np.fft.rfft2(noise, (2 * PATCH_PX, 2 * PATCH_PX), axes=(1, 2))
    sums = np.fft.irfft2((np.abs(spectrum) ** 2).mean(axis=0), (2 * PATCH_PX, 2 * PATCH_PX))
    offsets = np.arange(-REACH_PX, REACH_PX + 1)
    pairs = np.outer(PATCH_PX - np.abs(offsets), PATCH_PX - np.abs(offsets))
    return np.asarray(sums[np.ix_(offsets, offsets)] / pairs)


def _estimated(
    tiles: Sequence[np.ndarray], estimator: CellEstimator, brightness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the level that the estimator sees at brightnesses (bins, 3), and the likely error of its logarithm.

    The level is infinite where there is no tile to be shown.
    """
    squares = [
        tile[rows, columns]
        for tile in tiles
        for rows in _squares(tile.shape[0])
        for columns in _squares(tile.shape[1])
    ]
    if not squares:
        return np.full_like(brightness, np.inf), np.zeros_like(brightness)
    shown = np.stack(squares)
    level, error = (each.reshape(-1, 3) for each in estimator(shown / np.float32(255)))
    side = TILE_PX // CELL_PX
    means = shown.reshape(-1, side, CELL_PX, side, CELL_PX, 3).mean(axis=(2, 4)).reshape(-1, 3)
    # The estimator does not know parts cut off by black or white, as patches are not measured there either.
    clipped = ((shown <= 0) | (shown >= WHITE)).any(axis=3).reshape(-1, side, CELL_PX, side, CELL_PX)
    clipped = clipped.mean(axis=(2, 4)).ravel()
    kept = clipped < max(MOST_CLIPPED, clipped.min() + 0.1)
    level, error, means = level[kept], error[kept], means[kept]
    bins = max(1, min(BRIGHTNESS_BINS, len(means) // CELLS_A_BIN))
    points = []
    for members in np.array_split(np.argsort(means @ LUMA, kind="stable"), bins):
        weights = error[members] ** -2.0
        variance, doubt = (
            (weights * each[members]).sum(axis=0) / weights.sum(axis=0) for each in (level**2, error)
        )
        points.append((means[members].mean(axis=0), np.sqrt(variance), doubt))
    known, levels, errors = (np.array(each) for each in zip(*points, strict=True))
    orders = np.argsort(known, axis=0, kind="stable")
    level_there, error_there = (
        np.stack(
            [np.interp(brightness[:, c], known[orders[:, c], c], each[orders[:, c], c]) for c in range(3)], -1
        )
        for each in (levels, errors)
    )
    return level_there, error_there


def _limited(levels: np.ndarray, estimated: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the levels measured in flat patches, lowered to what the estimator sees.

    Where that is far less there is texture, in which it is less sure, too. Then the level goes below its estimate by
    its doubt: noise that is left in texture hardly shows, and texture that is lost does.
    """
    share = np.minimum(1, LIMIT_MARGIN * estimated / np.maximum(levels, 1e-6))
    texture = np.minimum(1, (1 - share) / SURE_TEXTURE)
    return np.asarray(levels * share * np.exp(-DOUBTS * error * texture))


def _squares(length: int) -> list[slice]:
    """Return spans of TILE_PX that cover a length, the last ones overlapping; none of a shorter one."""
    starts = sorted({*range(0, length - TILE_PX + 1, TILE_PX), length - TILE_PX})
    return [slice(start, start + TILE_PX) for start in starts if start >= 0]


def _correlation(covariance: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the noise's correlation, and the share of its variance that is left without the patches' planes.

    A plane takes coarse noise along, and thereby about the same from the covariance at every small offset.
    """
    if covariance[REACH_PX, REACH_PX] <= 0:
        return np.array(SINGLE_POINT), 1.0
    offsets = np.arange(-REACH_PX, REACH_PX + 1)
    spectrum = np.abs(np.fft.rfft2(_planes(), (2 * PATCH_PX, 2 * PATCH_PX))) ** 2
    taken = np.fft.irfft2(spectrum.sum(axis=0), (2 * PATCH_PX, 2 * PATCH_PX))[np.ix_(offsets, offsets)]
    whole, kept_share = covariance, 1.0
    for _ in range(4):  # the correlation says how much is missing, and what is missing changes it a little
        correlation = whole / whole[REACH_PX, REACH_PX]
        kept_share = max(0.5, 1 - float((taken * correlation).sum()) / PATCH_PX**2)
        whole = covariance + covariance[REACH_PX, REACH_PX] * (1 / kept_share - 1)
    return whole / whole[REACH_PX, REACH_PX], kept_share


def _channel_correlation(noise: np.ndarray) -> tuple[float, float, float]:
    products = np.einsum("nahw,nbhw->ab", noise, noise)
    scale = np.sqrt(np.maximum(np.outer(products.diagonal(), products.diagonal()), 1e-12))
    red_green, red_blue, green_blue = (float((products / scale)[pair]) for pair in ((0, 1), (0, 2), (1, 2)))
    return red_green, red_blue, green_blue


def _blocking(noise: np.ndarray) -> float:
    """Return by how much the largest of the eight mean steps across a patch exceeds the median one."""
    excess = []
    for axis in (2, 3):
        steps = np.abs(np.diff(noise, axis=axis)).mean(axis=(0, 1, 5 - axis))
        phases = np.array([steps[phase::STRIDE_PX].mean() for phase in range(STRIDE_PX)])
        middle = float(np.median(phases))
        excess.append(float(phases.max()) / middle - 1 if middle > 0 else 0.0)
    return float(np.mean(excess))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
