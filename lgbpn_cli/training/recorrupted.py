"""Pairs for a noisy photo itself, whose target is right in the mean though nobody knows the clean photo.

The photo gets its own noise once more, from another place: added to what is to be cleaned, taken off what is to be
predicted. What the two then have of noise is not correlated, so the best prediction is the clean photo
(Pang, Zheng, Quan, Ji: "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising", CVPR 2021; theirs
is white noise of known strength). Unlike a student's result, such a target has all of the photo's texture, and none of
a student's mistakes; it has twice to five times the photo's noise instead, which averages out over many pairs. What was
removed from a photo, which the new noise is made of, lacks some of the coarse noise; so the loss leaves that band out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.training.transplant import NoiseOfPhoto, draw_noise

SHARES_ADDED = (0.5, 1.0)
"""The noise that is added, in the photo's own deviations; its inverse is taken off the target. With 1 the pair is right
for noise of any distribution, as the photo's noise and the new one may be exchanged; with less, for Gaussian noise, but
the input is nearer to the photos that there are."""

FloatImage = NDArray[np.float32]


def recorrupt(
    noise: NoiseOfPhoto, noisy: FloatImage, cleaned: FloatImage, random: np.random.Generator
) -> tuple[FloatImage, FloatImage]:
    """Return what is to be cleaned and what is to be predicted, 0..1; the latter goes beyond.

    `noisy` and `cleaned` are the same square (side, side, 3) of the photo that the noise is of, 0..1, not turned.
    """
    mean, fluctuation = draw_noise(noise, np.float32(255) * cleaned, random)
    added = np.float32(random.uniform(*SHARES_ADDED))
    levels = np.float32(255) * noisy
    # The mean of noise grows as its variance does.
    taken = np.rint(np.clip(levels + added * fluctuation + added**2 * mean, 0, 255))
    predicted = levels - fluctuation / added - mean
    return (taken / np.float32(255)).astype(np.float32), (predicted / np.float32(255)).astype(np.float32)
