"""How far a student is from the truth on noisy photos, estimated without it, where their noise is known.

A photo is given a share of its noise again, with both signs. How far the two answers are from the photo says how far
they are from the truth, but for what they keep of the photo's noise; and that shows in how much they keep of the added
one (Stein, Annals of Statistics 1981; Ramani, Blu, Unser, IEEE TIP 2008; it is the loss of Pang et al.,
"Recorrupted-to-Recorrupted", CVPR 2021, without most of its chance). No cleaned picture is an answer here: texture that
every student loses counts as lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.noise.measured import CameraNoise

ADDED = 0.35
"""Deviation of the added noise, as a share of the photo's own: what is judged is a photo with 6 % more noise."""
JUDGED_PX = 288
"""Students are judged on the middle of a tile, of this side at most."""
PLACE_PX = 48
"""Students are compared at squares of this side."""
BANDS = (0.08, 0.18, 0.3)
"""Where bands of frequencies meet, cycles a pixel. Errors are told apart by them, and grey from colour: JPEG and the
cameras' own programs take noise from flat places in some of them, and leave it elsewhere."""
GREY, COLOURS = np.array([[1, 1, 1]]) / 3**0.5, np.array([[1, 0, -1] / np.sqrt(2), [1, -2, 1] / np.sqrt(6)])
CELLS = 2 * (len(BANDS) + 1)
"""Grey and colour of each band."""

FloatImage = NDArray[np.float32]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProbedPhoto:
    """A noisy photo (h, w, 3), and the noise that is added to it; levels 0..255."""

    noisy: FloatImage
    added: FloatImage
    """As strong as the photo's own was measured to be."""
    counts: FloatImage
    """1 where noise is not clipped, else 0: there nothing can be said."""


@dataclass(frozen=True, eq=False)
class Risk:
    """What tells the squared error of one student at each place of some photos, in squared levels; (places, CELLS)."""

    differs: FloatArray
    """How far its answers are from the noisy photo."""
    keeps: FloatArray
    """Twice the covariance of its answers with the noise, were that as it was measured."""
    noise: FloatArray
    """The noise as it was measured."""

    def of_noise(self, share: FloatArray) -> FloatArray:
        """Return the squared error at each place, (places,), were the noise in each cell such a share of the measured.

        Places are whole pictures too: `share` is (CELLS,) or (places, CELLS).
        """
        return np.asarray((self.differs + share * (self.keeps - self.noise)).sum(axis=1))


def probed(
    tile: NDArray[np.uint8], cleaned: NDArray[np.uint8], noise: CameraNoise, random: np.random.Generator
) -> ProbedPhoto:
    """Return the middle of a noisy tile with the noise to add, whose level is that at the brightness of the cleaned."""
    height, width = (min(side, JUDGED_PX) for side in tile.shape[:2])
    top, left = (tile.shape[0] - height) // 2, (tile.shape[1] - width) // 2
    place = (slice(top, top + height), slice(left, left + width))
    scene = cleaned[place].astype(np.float32)
    added = noise.level_at(scene) * noise.drawn(max(height, width), random)[:height, :width]
    return ProbedPhoto(tile[place].astype(np.float32), added, noise.whole_at(scene).astype(np.float32))


@torch.inference_mode()
def risk_of(network: nn.Module, photo: ProbedPhoto, device: Device) -> Risk:
    """Return the risk of a student on a photo."""
    more, less = (_answer(network, photo.noisy + sign * ADDED * photo.added, device) for sign in (1, -1))
    first, second, kept, added = (
        _spectra(photo.counts * each, PLACE_PX)
        for each in (more - photo.noisy, less - photo.noisy, (more - less) / ADDED, photo.added)
    )
    return Risk(
        differs=(_energies(first, first) + _energies(second, second)) / 2,
        keeps=_energies(kept, added),
        noise=_energies(added, added),
    )


def energies(picture: NDArray[np.floating[Any]]) -> FloatArray:
    """Return the mean square of a picture (h, w, 3) in each cell, over the channels: (CELLS,)."""
    spectra = _spectra(picture, max(picture.shape))
    return np.asarray(_energies(spectra, spectra)[0])


def density(noise: FloatArray) -> FloatArray:
    """Return how dense noise (CELLS,) is in each cell: all of grey is alike if it is white, and all of the colours."""
    shares = [band.mean() for band in _bands(PLACE_PX, PLACE_PX)]
    return np.asarray(noise / np.array([*shares, *shares]))


def _answer(network: nn.Module, levels: FloatImage, device: Device) -> FloatImage:
    # As a file holds it: rounding and clipping are part of what is judged.
    image = torch.from_numpy(np.rint(levels.clip(0, 255)) / np.float32(255)).permute(2, 0, 1)[None]
    answer = network(image.to(device.torch_device))[0].clamp(0, 1).permute(1, 2, 0)
    return 255 * np.asarray(answer.float().cpu().numpy())


def _spectra(values: NDArray[np.floating[Any]], side_px: int) -> NDArray[np.complex128]:
    """Return the spectrum of each square, grey and two colours: (places, tall, wide, 3); of what is smaller, of all."""
    tall, wide = (min(side, side_px) for side in values.shape[:2])
    height, width = values.shape[0] // tall * tall, values.shape[1] // wide * wide
    blocks = values[:height, :width].reshape(height // tall, tall, width // wide, wide, 3).swapaxes(1, 2)
    turned = blocks.reshape(-1, tall, wide, 3) @ np.concatenate([GREY, COLOURS]).T
    return np.asarray(np.fft.fft2(turned, axes=(1, 2), norm="ortho"))


def _energies(first: NDArray[np.complex128], second: NDArray[np.complex128]) -> FloatArray:
    """Return the mean product of two squares' spectra in each cell, (places, CELLS): in all cells, of their pixels."""
    _, tall, wide, _ = first.shape
    products = (first * second.conj()).real / (3 * tall * wide)
    grey, colours = products[..., 0], products[..., 1:].sum(axis=-1)
    return np.stack(
        [part[:, band].sum(axis=1) for part in (grey, colours) for band in _bands(tall, wide)], axis=1
    )


@cache
def _bands(tall: int, wide: int) -> tuple[NDArray[np.bool_], ...]:
    """Return where on a spectrum each band is, coarsest first."""
    frequency = np.hypot(np.fft.fftfreq(tall)[:, None], np.fft.fftfreq(wide)[None])
    band = np.digitize(frequency, BANDS)
    return tuple(band == number for number in range(len(BANDS) + 1))
