"""The student: a plain convolutional network that learned from a teacher's results and, unlike it, sees every pixel."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.network.sampling import pad_symmetric_to

SHUFFLE = 2
"""The network works at half resolution: each pixel of its input holds a square of 2x2 pixels of the photo."""


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), both 3x3."""

    def __init__(self, width: int) -> None:
        """Build a block of `width` channels in and out."""
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape (b, width, h, w)."""
        hidden = F.relu(self.first(features), inplace=True)
        return features + self.second(hidden)  # type: ignore[no-any-return]


class Student(nn.Module):
    """A U-Net at half resolution: convolutions only, no attention, no statistics of the batch or the picture.

    So a pixel of the result depends on the pixels within `config.reach_px` alone, and tiles whose corners lie on
    multiples of `config.size_multiple` give what the whole photo gives.
    """

    def __init__(self, config: StudentConfig) -> None:
        """Build the network of `config`; untrained, it returns its input."""
        super().__init__()
        self.config = config
        widths = config.widths
        pixels = 3 * SHUFFLE**2
        self.entry = nn.Conv2d(pixels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(_blocks(width, config.blocks) for width in widths)
        self.down = nn.ModuleList(nn.Conv2d(above, below, 2, stride=2) for above, below in pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(below, above, 1) for above, below in pairwise(widths))
        self.decoder = nn.ModuleList(_blocks(width, config.blocks) for width in widths[:-1])
        self.exit = nn.Conv2d(widths[0], pixels, 3, padding=1)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]  # it has a bias

    def forward(self, image: Tensor) -> Tensor:
        """Return the estimate (b, 3, h, w), float32, for an image (b, 3, h, w) of 0..1, any size from 1x1 up."""
        height, width = image.shape[-2:]
        multiple = self.config.size_multiple
        padded = pad_symmetric_to(image, height + -height % multiple, width + -width % multiple)
        hidden = self._entered(padded)
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
        with torch.autocast(image.device.type, enabled=False):
            # As in the teacher, and where the picture enters: eight bits of a bfloat16 mantissa are too few for it.
            change = self.exit(hidden.to(self.exit.weight.dtype))
            result = padded.to(change.dtype) + F.pixel_shuffle(change, SHUFFLE)
        return result[..., :height, :width]

    def _entered(self, padded: Tensor) -> Tensor:
        """Return the features of the finest level, (b, widths[0], h / 2, w / 2), in the precision of the others."""
        device = padded.device.type
        pixels = F.pixel_unshuffle(padded, SHUFFLE).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, enabled=False):
            hidden: Tensor = self.entry(pixels.to(self.entry.weight.dtype))
        return hidden.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else hidden


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))


def grown(student: Student, config: StudentConfig) -> Student:
    """Return a student of `config` that answers as `student`, of the same widths: further blocks add nothing yet."""
    larger = Student(config)
    weights = larger.state_dict()
    for name, value in weights.items():
        if name.endswith(("second.weight", "second.bias")):
            value.zero_()
    weights.update(student.state_dict())
    larger.load_state_dict(weights)
    return larger
