"""What a student learns to answer: a teacher's estimates of a noisy photo, put right where a blind network errs.

Everything is derived from the noisy photo and the estimates. Three things are known to be wrong with an estimate:

- Its detail. What stands out of the photo's own noise is picture and is given back (the local form of Wiener's
  filter, on the removed part).
- Its shadows. Noise that went through a tone curve is skewed: both mean and median of the noisy values lie below the
  value of the scene. A concave curve makes the mean fall short by half its curvature times the noise variance, which
  for the curves of photos is proportional to variance / value; how strongly is read off the skewness of what was
  removed, which comes from the same curvature. Noise without skewness is left alone.
- Its errors differ between samplings of the same network, so their mean has less of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.image.filters import box_mean
from lgbpn_cli.training.noise.brightness import brightness_bins

NOISY_SHARE = 0.05
"""Share of the noisy photo in every target (R3 in one step: what the network cannot predict, in small part)."""
DETAIL_WINDOW_PX = 17
"""Side of the squares over which the energy of the removed part is compared with the noise."""
DETAIL_THRESHOLD = 2.0
"""Detail is given back where there is more than this many times the energy of the noise."""
NOISE_PERCENTILE = 30
"""The noise at a brightness is the energy that this share of its places, in percent, stays below."""
BRIGHTNESS_BINS = 6
SHADOW_WINDOW_PX = 33
"""Side of the squares over which noise variance and brightness are taken for the shadows."""
DARKEST_LEVEL = 20.0
"""Below this level the shift no longer grows: there is no curve left that could be known."""
LARGEST_SHIFT_RATIO = 0.2
"""Largest shift, as a multiple of variance / value."""
LARGEST_SHIFT = 6.0
"""Largest shift, in levels."""
CLIPPED_SHARE = 0.05
"""Where more pixels than this are black, noise is clipped, its skewness says nothing, and the largest ratio holds."""

Image8Bit = NDArray[np.float32]


def make_target(noisy: NDArray[np.uint8], estimates: Sequence[NDArray[np.floating]]) -> Image8Bit:
    """Return the target for `noisy` (h, w, 3) from estimates of the same shape, all in levels 0..255; float32."""
    photo = noisy.astype(np.float32)
    estimate = np.mean([each.astype(np.float32) for each in estimates], axis=0)
    removed = photo - estimate
    kept = NOISY_SHARE + (1 - NOISY_SHARE) * _detail_share(estimate, removed)
    target: Image8Bit = np.clip(estimate + kept * removed + shadow_shift(photo, estimate), 0, 255)
    return target


def _detail_share(estimate: Image8Bit, removed: Image8Bit) -> Image8Bit:
    """Return which share of `removed` is detail, 0..1, (h, w, 3)."""
    centred = removed - mean_round(removed, SHADOW_WINDOW_PX)
    energy = mean_round(centred**2, DETAIL_WINDOW_PX)
    noise = _noise_energy(estimate.mean(axis=2), energy)
    share: Image8Bit = np.clip(1 - DETAIL_THRESHOLD * noise / np.maximum(energy, 1e-3), 0, 1)
    return share


def _noise_energy(brightness: Image8Bit, energy: Image8Bit) -> Image8Bit:
    """Return the energy of the noise at each pixel, (h, w, 3), as a function of its brightness (h, w)."""
    bins = brightness_bins(brightness, BRIGHTNESS_BINS)
    filled = [index for index in range(BRIGHTNESS_BINS) if (bins == index).any()]
    middles = [brightness[bins == index].mean() for index in filled]
    levels = np.array([np.percentile(energy[bins == index], NOISE_PERCENTILE, axis=0) for index in filled])
    planes = [np.interp(brightness, middles, levels[:, channel]) for channel in range(3)]
    return np.stack(planes, axis=2).astype(np.float32)


def shadow_shift(noisy: Image8Bit, estimate: Image8Bit) -> Image8Bit:
    """Return by how many levels the estimate lies below the scene at each pixel, (h, w, 3), never negative."""
    removed = noisy - estimate
    centred = removed - mean_round(removed, SHADOW_WINDOW_PX)
    variance = mean_round(centred**2, SHADOW_WINDOW_PX)
    brightness = mean_round(estimate, SHADOW_WINDOW_PX)
    shape = np.minimum(variance / np.maximum(brightness, DARKEST_LEVEL), LARGEST_SHIFT / LARGEST_SHIFT_RATIO)
    # For noise of variance v the third moment is 6 v times the shift of its mean, to first order.
    skew_shift = -(centred**3).mean() / (6 * max(float((centred**2).mean()), 1e-3))
    ratio = np.clip(skew_shift / max(float(shape.mean()), 0.3), 0, LARGEST_SHIFT_RATIO)
    black = mean_round((noisy <= 1).astype(np.float32), SHADOW_WINDOW_PX)
    clipped = np.clip(black / CLIPPED_SHARE - 1, 0, 1)
    shift: Image8Bit = (clipped * LARGEST_SHIFT_RATIO + (1 - clipped) * ratio) * shape
    return shift


def mean_round(image: Image8Bit, side_px: int) -> Image8Bit:
    """Return the mean over a square round each pixel (h, w, channels), edges reflected; every side is as fast."""
    return np.asarray(box_mean(image, side_px, edges="symmetric"), np.float32)
