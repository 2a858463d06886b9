"""A U-Net at half resolution: the body that the student and the network for raw mosaics have in common."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgbpn_cli.config import UNetConfig
from lgbpn_cli.network.fused import convolve

SHUFFLE = 2
"""The network works at half resolution: each pixel of its input holds a square of 2x2 pixels of the photo."""

ENOUGH_HALO_PX = 96
"""A student of one block a level needs no more; a deeper one needs half of its reach: with 160 px the one that ships
differs by up to 0.04 levels from the whole photo, with 128 by up to 2.0 (`lgbpn bench --agreement`)."""


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), both 3x3."""

    def __init__(self, width: int) -> None:
        """Build a block of `width` channels in and out."""
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape (b, width, h, w)."""
        return convolve(self.second, convolve(self.first, features, relu=True), added=features)


class UNet(nn.Module):
    """Convolutions only, no attention, no statistics of the batch or the picture.

    So a pixel of the result depends on the pixels within `config.reach_px` alone, and tiles whose corners lie on
    multiples of `config.size_multiple` give what the whole photo gives.
    """

    def __init__(self, config: UNetConfig, *, entry_channels: int, exit_channels: int) -> None:
        """Build the network of `config`; untrained, its answer is zero everywhere."""
        super().__init__()
        self.config = config
        widths, blocks = config.widths, config.blocks_by_level
        self.entry = nn.Conv2d(entry_channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(map(_blocks, widths, blocks))
        self.down = nn.ModuleList(nn.Conv2d(above, below, 2, stride=2) for above, below in pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(below, above, 1) for above, below in pairwise(widths))
        self.decoder = nn.ModuleList(map(_blocks, widths[:-1], blocks))
        self.exit = nn.Conv2d(widths[0], exit_channels, 3, padding=1)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]  # it has a bias

    largest_tile_on_cpu_px = 1024

    @property
    def halo_px(self) -> int:
        """What a tile should see on each side, far below the reach: pixels farther away hardly matter."""
        reach_px = self.config.reach_px
        return min(reach_px, max(ENOUGH_HALO_PX, reach_px // 2))

    def size_multiple_px(self, preset: str) -> int:
        """Return the grid that tiles have to lie on; presets are a teacher's."""
        return self.config.size_multiple

    def bytes_per_pixel(self, item_bytes: int) -> float:
        """Return the memory per pixel, measured (tests/inference).

        Most lives at half resolution, a quarter of the pixels: a skip, a block's input, halves and sum, scratch.
        """
        return 80 + 7 * self.config.widths[0] * item_bytes / 4

    def bytes_in_bands(self, band_px: int, width: int, item_bytes: int) -> float | None:
        """Return the memory for a photo that is as wide, measured (tests/inference)."""
        rows = band_px + self.config.reach_px / 2
        return width * rows * self.bytes_per_pixel(item_bytes)

    def change(self, planes: Tensor) -> Tensor:
        """Return (b, exit_channels, h, w) in the weights' precision for planes (b, entry_channels, h, w).

        `h` and `w` are multiples of half of `config.size_multiple`.
        """
        hidden = self._entered(planes)
        levels = []
        for index, blocks in enumerate(self.encoder):
            hidden = blocks(hidden)
            if index < len(self.down):
                levels.append(hidden)
                hidden = self.down[index](hidden)
        for index in reversed(range(len(self.up))):
            # The 1x1 convolution commutes with the enlargement, and costs a quarter before it.
            hidden = levels[index] + F.interpolate(self.up[index](hidden), scale_factor=2.0, mode="nearest")
            hidden = self.decoder[index](hidden)
        # What leaves is a change, which eight bits of a bfloat16 mantissa are enough for; the picture has more.
        return self.exit(hidden).to(self.exit.weight.dtype)  # type: ignore[no-any-return]

    def _entered(self, planes: Tensor) -> Tensor:
        """Return the features of the finest level, (b, widths[0], h, w), in the precision of the others."""
        device = planes.device.type
        pixels = planes.contiguous(memory_format=torch.channels_last).to(self.entry.weight.dtype)
        if not torch.is_autocast_enabled(device):
            return self.entry(pixels)  # type: ignore[no-any-return]
        dtype = torch.get_autocast_dtype(device)
        weight = with_rest_weight(self.entry.weight)
        return F.conv2d(with_rest(pixels, dtype), weight, self.entry.bias, padding=1)


def with_rest(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Return (b, 2 c, h, w) in a short `dtype` for values (b, c, h, w): rounded, and what rounding took of them."""
    rounded = values.to(dtype)
    return torch.cat([rounded, (values - rounded).to(dtype)], dim=1)


def with_rest_weight(weight: Tensor) -> Tensor:
    """Return the weight of a convolution that takes values `with_rest` as it takes them whole."""
    return torch.cat([weight, weight], dim=1)


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
