"""What a raw network can learn, and be judged by, from noisy mosaics alone.

Noise of known variance, laid on a mosaic once more and taken off a copy of it in another measure, makes two mosaics
whose noise is independent: the network sees the one and is compared with the other at the sites that there are (Pang et
al., "Recorrupted-to-Recorrupted", CVPR 2021). Its loss is that of comparing with the scene, and a number that no
network changes. The blind loss beside it asks for sites that the network does not see: what copies noise is not better
there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.network.raw import PLANES, RawNetwork

ADDED = 0.7
"""Deviation of what is laid on, as a share of the noise's own; its inverse is taken off the other copy."""
CLIPPED = 0.99
"""Share of white from which sites say nothing."""
HIDDEN_STEP = 4
"""Of each plane one site in this many squared is hidden at a time."""


@dataclass(frozen=True)
class Lesson:
    """Mosaics and what they are compared with."""

    seen: Tensor
    """(b, 4, h, w): packed planes for the network."""
    noise: Tensor
    """(b, 3, 2): what it is told of their noise."""
    gains: Tensor
    """(b, 3)."""
    wanted: Tensor
    """(b, 4, h, w): what its light is compared with."""
    counts: Tensor
    """(b, 4, h, w): 1 where it is, else 0."""


def recorrupted(planes: Tensor, noise: Tensor, gains: Tensor, random: torch.Generator) -> Lesson:
    """Return a lesson of noisy packed planes (b, 4, h, w), whose noise (b, 3, 2) is known."""
    of_planes = noise[:, list(PLANES)][..., None, None]
    deviation = (of_planes[:, :, 0] * planes.clamp(min=0) + of_planes[:, :, 1]).clamp(min=0).sqrt()
    added = deviation * torch.randn(planes.shape, generator=random).to(planes.device)
    counts = (planes < CLIPPED).to(planes.dtype)
    seen = planes + ADDED * added * counts
    return Lesson(seen, noise * (1 + ADDED**2), gains, planes - added / ADDED, counts)


def blind(planes: Tensor, noise: Tensor, gains: Tensor, place: int) -> Lesson:
    """Return a lesson that hides sites: each gets the mean of its four neighbours of the same colour."""
    kernel = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=planes.dtype, device=planes.device) / 4
    padded = F.pad(planes, (1, 1, 1, 1), mode="reflect")
    around = F.conv2d(padded, kernel.expand(len(PLANES), 1, 3, 3), groups=len(PLANES))
    hidden = torch.zeros_like(planes)
    for plane in range(len(PLANES)):  # each plane elsewhere: no square is without all its sites
        row, column = divmod((place + 5 * plane) % HIDDEN_STEP**2, HIDDEN_STEP)
        hidden[:, plane, row::HIDDEN_STEP, column::HIDDEN_STEP] = 1
    seen = torch.where(hidden > 0, around, planes)
    return Lesson(seen, noise, gains, planes, hidden * (planes < CLIPPED))


def at_sites(light: Tensor) -> Tensor:
    """Return of light (b, 3, 2 h, 2 w) what the sites of RGGB see, packed: (b, 4, h, w)."""
    green, other_green = light[:, 1, 0::2, 1::2], light[:, 1, 1::2, 0::2]
    return torch.stack([light[:, 0, 0::2, 0::2], green, other_green, light[:, 2, 1::2, 1::2]], dim=1)


def errors(network: RawNetwork, lesson: Lesson, scale_by: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the mean squared error of each mosaic, (b,), in variances of its noise, and the light at the sites.

    `scale_by` is the light that the variance is taken at, (b, 4, h, w): of two networks that are compared, one's.
    """
    light = at_sites(network(lesson.seen, lesson.noise, lesson.gains))
    known = (light if scale_by is None else scale_by).detach().clamp(min=0)
    of_planes = lesson.noise[:, list(PLANES)][..., None, None]
    variance = (of_planes[:, :, 0] * known + of_planes[:, :, 1]).clamp(min=1e-12)
    squares = lesson.counts * (light - lesson.wanted).square() / variance
    counted = lesson.counts.sum(dim=(1, 2, 3)).clamp(min=1)
    return squares.sum(dim=(1, 2, 3)) / counted, light
