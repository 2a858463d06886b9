"""The noise estimator: a small network that tells how strong the noise in the pieces of a photo is, texture or not.

In a photo of rock or grass no patch is flat, and all that varies there passes for noise when one looks for the flattest
patches. But noise went through a demosaicing and is nearly independent between pixels and channels; texture did not and
is not. What that looks like is learned, from pictures of texture with noise of known strength on them (the idea of the
estimation subnetwork of CBDNet, Guo et al., CVPR 2019; here it answers for cells, with how sure it is).

Fine texture looks like noise by itself. But all pieces of a photo went through one camera at one ISO, and what one of
them shows tells something about the noise in the others. So cells compare what they see, by attention.
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
CELLS = (TILE_PX // CELL_PX) ** 2
"""Of a tile."""
COMPARISONS = 3
HEADS = 4
KNOWN = 6
"""Values known of a cell: a first guess of each channel's answer, and its brightness."""
KNOWN_SCALES = (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)
"""What they are multiplied by, to range about from -1 to 1."""
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
        self.cell = nn.Sequential(
            nn.Conv2d(8 * fourth + 9, HIDDEN, 1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, HIDDEN, 1),
            nn.ReLU(),
        )
        self.comparisons = nn.ModuleList(Comparison() for _ in range(COMPARISONS))
        self.answer = nn.Linear(HIDDEN, 6)

    def forward(self, tiles: Tensor, photos: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what the noise of each channel is in each cell of tiles (b, 3, 64, 64), 0..1.

        `photos` (b,) says by a number which photo each tile is from; None: all are from one. Both results are
        (b, 3, 2, 2): the logarithm of the standard deviation in 8-bit levels, and the logarithm of that logarithm's
        likely error.
        """
        return self.compare(*self.look(tiles), photos)

    def look(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is seen in tiles (b, 3, 64, 64) by themselves, a row for each cell of each tile, row by row.

        First features (4 b, 64), then what is known (4 b, 6): the first guess of each channel's answer, and its mean.
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
        brightness = F.avg_pool2d(tiles, CELL_PX)
        clipped = F.avg_pool2d(((tiles <= 0) | (tiles >= 1)).float(), CELL_PX)
        seen = torch.cat(
            [
                energies,
                energies.mean(dim=(2, 3), keepdim=True).expand_as(energies),
                brightness,
                (variance + 1e-6).log() / 4,
                clipped,
            ],
            dim=1,
        )
        # All that is fine is a first guess; the network says how much less the noise is.
        guess = 0.5 * (255.0**2 * variance + FEWEST_LEVELS_SQUARED).log()
        return _by_cell(self.cell(seen)), _by_cell(torch.cat([guess, brightness], dim=1))

    def compare(self, features: Tensor, known: Tensor, photos: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the answers of `forward` from what `look` returned for all tiles of a photo, or of several."""
        together = None
        if photos is not None:
            photo = photos.repeat_interleave(CELLS)
            together = photo[:, None] == photo
        scaled = known * known.new_tensor(KNOWN_SCALES) - 1
        for comparison in self.comparisons:
            features = comparison(features, scaled, together)
        lower, error = self.answer(features).chunk(2, dim=1)
        side = TILE_PX // CELL_PX
        level, error = (
            each.unflatten(0, (-1, side, side)).permute(0, 3, 1, 2) for each in (known[:, :3] + lower, error)
        )
        return level, error.clamp(*SPREADS)


class Comparison(nn.Module):
    """Each cell asks the cells of its photo, itself among them, and thinks about what it heard (attention)."""

    def __init__(self) -> None:
        """Build it, untrained."""
        super().__init__()
        self.question_key_value = nn.Linear(HIDDEN + KNOWN, 3 * HIDDEN)
        self.heard = nn.Linear(HIDDEN, HIDDEN)
        self.thought = nn.Sequential(
            nn.Linear(HIDDEN + KNOWN, 2 * HIDDEN), nn.ReLU(), nn.Linear(2 * HIDDEN, HIDDEN)
        )

    def forward(self, features: Tensor, known: Tensor, together: Tensor | None) -> Tensor:
        """Return features (cells, 64) after the comparison; `known` (cells, 6), `together` (cells, cells) or None."""
        asked = self.question_key_value(_with_known(features, known)).unflatten(1, (3, HEADS, -1))
        question, key, value = asked.permute(1, 2, 0, 3)
        heard = F.scaled_dot_product_attention(question, key, value, attn_mask=together)
        features = features + self.heard(heard.transpose(0, 1).flatten(1))
        thought: Tensor = self.thought(_with_known(features, known))
        return features + thought


def _with_known(features: Tensor, known: Tensor) -> Tensor:
    return torch.cat([F.layer_norm(features, (HIDDEN,)), known], dim=1)


def _by_cell(values: Tensor) -> Tensor:
    """Return (b, c, 2, 2) as (4 b, c)."""
    return values.permute(0, 2, 3, 1).flatten(0, 2)
