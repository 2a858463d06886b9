"""The noise estimator: a small network that tells how strong the noise in a piece of a photo is, texture or not.

In a photo of rock or grass no patch is flat, and all that varies there passes for noise when one looks for the flattest
patches. But noise went through a demosaicing and is nearly independent between pixels and channels; texture did not and
is not. What that looks like is learned, from pictures of texture with noise of known strength on them (the idea of the
estimation subnetwork of CBDNet, Guo et al., CVPR 2019; here it answers for cells, with how sure it is).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TILE_PX = 64
"""Side of the tiles that it sees."""
CELL_PX = 32
"""Side of the cells of a tile that it answers for."""
WIDTHS = (16, 32, 32, 32)
"""Channels of its convolutions."""
HIDDEN = 64
FINE_PX = 5
"""What differs from the mean over so many pixels a side is fine: noise, edges and texture."""
FINE_GAIN = 16.0
"""Brings the fine part to about the range of the picture."""
FEWEST_LEVELS_SQUARED = 0.1
"""Variances below, in squared 8-bit levels, are not told apart: rounding to 8 bits alone brings 1/12."""
SPREADS = (-4.0, 3.0)
"""Bounds of the logarithm of the spread."""


class NoiseEstimator(nn.Module):
    """Four convolutions, their energies in each cell and the tile, and three layers on those.

    Of the energies the logarithm is taken, of their mean over a cell, of each small square before the mean, and of the
    weakest square: between branches and leaves there may be few pixels that show nothing but noise.
    """

    def __init__(self) -> None:
        """Build the network, untrained."""
        super().__init__()
        first, second, third, fourth = WIDTHS
        self.first = nn.Conv2d(6, first, 5, padding=2)
        self.second = nn.Conv2d(first, second, 3, padding=1)
        self.third = nn.Conv2d(second, third, 3, stride=2, padding=1)
        self.fourth = nn.Conv2d(third, fourth, 3, padding=1)
        self.head = nn.Sequential(
            nn.Conv2d(8 * fourth + 9, HIDDEN, 1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, HIDDEN, 1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, 6, 1),
        )

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the noise of each channel is in each cell of tiles (b, 3, 64, 64), 0..1.

        Both results are (b, 3, 2, 2): the logarithm of the standard deviation in 8-bit levels, and the logarithm of
        that logarithm's likely error.
        """
        border = FINE_PX // 2
        fine = tiles - F.avg_pool2d(F.pad(tiles, (border,) * 4, mode="reflect"), FINE_PX, 1)
        features = torch.cat([2 * tiles - 1, FINE_GAIN * fine], dim=1)
        for convolution in (self.first, self.second, self.third, self.fourth):
            features = F.relu(convolution(features))
        half = CELL_PX // 2  # the third convolution halved the size
        squares = features * features
        small = (F.avg_pool2d(squares, 2) + 1e-5).log() / 4
        energies = torch.cat(
            [
                (F.avg_pool2d(squares, half) + 1e-5).log() / 4,
                (F.avg_pool2d(features, half) + 1e-4).log() / 4,
                F.avg_pool2d(small, half // 2),
                -F.max_pool2d(-small, half // 2),
            ],
            dim=1,
        )
        variance = F.avg_pool2d(fine * fine, CELL_PX)
        clipped = F.avg_pool2d(((tiles <= 0) | (tiles >= 1)).float(), CELL_PX)
        seen = torch.cat(
            [
                energies,
                energies.mean(dim=(2, 3), keepdim=True).expand_as(energies),
                F.avg_pool2d(tiles, CELL_PX),
                (variance + 1e-6).log() / 4,
                clipped,
            ],
            dim=1,
        )
        answer = self.head(seen)
        # All that is fine is a first guess; the network says how much less the noise is.
        guess = 0.5 * (255.0**2 * variance + FEWEST_LEVELS_SQUARED).log()
        return guess + answer[:, :3], answer[:, 3:].clamp(*SPREADS)
