"""The network for camera raw: it takes the noise off a Bayer mosaic and demosaics it in one go.

On the mosaic noise is white, independent and of known variance (a x + b), which demosaicing spoils. Values enter
through a generalised Anscombe transform, under which the noise is about equal everywhere (Makitalo, Foi, "Optimal
inversion of the generalized Anscombe transformation", IEEE TIP 2013), times the root of the white balance, so that
grey is about equal in all colours.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.config import RawConfig
from lgbpn_cli.network.sampling import pad_symmetric_to
from lgbpn_cli.network.u_net import SHUFFLE, UNet

PLANES = (0, 1, 1, 2)
"""The colour of each plane of a packed mosaic: red, the green of its row, the green of the blue row, blue."""
LEAST_SHOT = 1e-7
"""Noise that does not grow with light has no generalised Anscombe transform: some growth is assumed."""
NEAR_WHITE = 0.05
"""How far below white a site counts as partly clipped."""
SQUARE_PX = 3
"""Side of the squares in which red and blue follow green."""
STRIP_ROWS = 32
"""Rows done at a time: what is needed for them stays in a processor's cache, which takes half of the time."""
UNLIKE_GREEN, LEAST_UNLIKE = 0.01, 1e-6
"""How freely they do not: as if green had so much more variance, as a share of its noise's; and at the least, for what
numbers of 32 bits can tell."""
ENOUGH_HALO_PX = 48
"""Pixels beyond change the result by less than rounding to bfloat16 does."""


class RawNetwork(UNet):
    """A mosaic in, camera RGB out, both in linear light; RGGB only (see `inference.mosaic` for other phases)."""

    config: RawConfig
    part: Literal["raw"] = "raw"

    def __init__(self, config: RawConfig) -> None:
        """Build the network of `config`; untrained, it repeats each site's value for its square."""
        extra = 3 + len(PLANES)
        super().__init__(config, entry_channels=len(PLANES) + extra, exit_channels=3 * SHUFFLE**2)

    @property
    def halo_px(self) -> int:
        """What a tile should see on each side: half of what the student needs, which has twice the blocks."""
        return min(ENOUGH_HALO_PX, self.config.reach_px)

    def forward(self, planes: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
        """Return the scene (b, 3, 2 h, 2 w), float32, linear, in the mosaic's scale, not white-balanced.

        `planes` (b, 4, h, w): the packed mosaic RGGB, black 0, white 1, with what lies below black. `noise`
        (b, 3, 2): a and b of the variance a x + b, of red, green and blue. `gains` (b, 3): the white balance, green 1.
        """
        return unstabilise(self.stabilised(planes, noise, gains), noise, gains)

    def stabilised(self, planes: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
        """Return what `forward` does, not yet taken out of the transform: what training compares."""
        height, width = planes.shape[-2:]
        multiple = self.config.size_multiple // SHUFFLE
        # Plane by plane: sums and roots of interleaved ones take twice as long.
        padded = pad_symmetric_to(planes, height + -height % multiple, width + -width % multiple).contiguous()
        of_planes = list(PLANES)
        values = stabilise(padded, noise[:, of_planes], gains[:, of_planes])
        deviation = (gains * noise[..., 0].clamp(min=LEAST_SHOT)).sqrt() / 2
        clipped = ((padded - (1 - NEAR_WHITE)) / NEAR_WHITE).clamp(0, 1)
        known = deviation[..., None, None].expand(-1, -1, *values.shape[-2:])
        change = self.change(torch.cat([values, known, clipped], dim=1))
        result = F.pixel_shuffle(_repeated(values).to(change.dtype) + change, SHUFFLE)
        return result[..., : SHUFFLE * height, : SHUFFLE * width]


def following_green(values: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
    """Return values (b, 3, h, w) of the transform with what is left of noise in red and blue, but not in green, gone.

    Half of a sensor's sites are green and a quarter each red and blue, so these come out the noisier. In a small square
    they are a linear function of green, but for noise (He, Sun, Tang, "Guided image filtering", IEEE TPAMI 2013).
    """
    unlike = UNLIKE_GREEN * gains[:, 1] * noise[:, 1, 0].clamp(min=LEAST_SHOT) / 4
    unlike = unlike.clamp(min=LEAST_UNLIKE)[:, None, None, None]
    height, seen = values.shape[-2], 2 * (SQUARE_PX // 2)
    result = torch.empty_like(values)
    for top in range(0, height, STRIP_ROWS):
        bottom, first = min(top + STRIP_ROWS, height), max(0, top - seen)
        strip = _strip_following_green(values[..., first : bottom + seen, :], unlike)
        result[..., top:bottom, :] = strip[..., top - first : bottom - first, :]
    return result


def _strip_following_green(values: Tensor, unlike: Tensor) -> Tensor:
    green, others = values[:, 1:2], values[:, ::2]
    means = _means_of_squares(torch.cat([green, green * green, others, green * others], dim=1))
    mean, of_others = means[:, :1], means[:, 2:4]
    variance = (means[:, 1:2] - mean * mean).clamp(min=0) + unlike
    slopes = (means[:, 4:] - mean * of_others) / variance
    lines = _means_of_squares(torch.cat([slopes, of_others - slopes * mean], dim=1))
    red, blue = (lines[:, :2] * green + lines[:, 2:]).unbind(1)
    return torch.stack([red, values[:, 1], blue], dim=1)


def _means_of_squares(values: Tensor) -> Tensor:
    """Return the mean of the square of SQUARE_PX around each pixel, edges repeated."""
    padded = F.pad(values, [1] * 4, mode="replicate")
    rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / SQUARE_PX**2


def stabilise(light: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
    """Return values (b, c, h, w) of linear light under the transform; `noise` is (b, c, 2), `gains` (b, c).

    Zero stays zero. Below zero the curve goes on as a straight line: what lies there is read noise.
    """
    root, scale = _curve(noise, gains)
    return scale * ((light.clamp(min=0) + root.square()).sqrt() - root + light.clamp(max=0) / (2 * root))


def unstabilise(values: Tensor, noise: Tensor, gains: Tensor) -> Tensor:
    """Return the linear light of values (b, c, h, w): the exact inverse of `stabilise`."""
    root, scale = _curve(noise, gains)
    plain = values / scale
    return plain * (plain.clamp(min=0) + 2 * root)


def _curve(noise: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """Return the root of the light that the noise in the dark is worth, and the root of the gains, (b, c, 1, 1)."""
    shot = noise[..., 0].clamp(min=LEAST_SHOT)
    root = (0.375 * shot + noise[..., 1].clamp(min=0) / shot).sqrt()
    return root[..., None, None], gains.sqrt()[..., None, None]


def _repeated(values: Tensor) -> Tensor:
    """Return planes (b, 12, h, w), four for each colour: each site's value for the squares that have no own."""
    red, green, other_green, blue = values.unbind(1)
    mean = (green + other_green) / 2
    return torch.stack([*[red] * 4, mean, green, other_green, mean, *[blue] * 4], dim=1)
