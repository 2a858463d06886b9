"""The student: a plain convolutional network that learned from a teacher's results and, unlike it, sees every pixel."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.network.sampling import pad_symmetric_to
from lgbpn_cli.network.u_net import SHUFFLE, UNet
from lgbpn_cli.network.u_net_bands import RowQueue, UNetInBands, add_below


class Student(UNet):
    """Adds to a photo what its noise has taken from it, or put on it."""

    config: StudentConfig
    part: Literal["student"] = "student"

    def __init__(self, config: StudentConfig) -> None:
        """Build the network of `config`; untrained, it returns its input."""
        pixels = 3 * SHUFFLE**2
        super().__init__(config, entry_channels=pixels, exit_channels=pixels)

    def forward(self, image: Tensor) -> Tensor:
        """Return the estimate (b, 3, h, w), float32, for an image (b, 3, h, w) of 0..1, any size from 1x1 up."""
        height, width = image.shape[-2:]
        multiple = self.config.size_multiple
        padded = pad_symmetric_to(image, height + -height % multiple, width + -width % multiple)
        change = self.change(F.pixel_unshuffle(padded, SHUFFLE))
        result = padded.to(change.dtype) + F.pixel_shuffle(change, SHUFFLE)
        return result[..., :height, :width]


class StudentInBands:
    """A student's way through one picture whose sides are multiples of `config.size_multiple`; on the CPU."""

    def __init__(self, student: Student, dtype: torch.dtype) -> None:
        """The levels compute in `dtype`."""
        self._change, self._seen = UNetInBands(student, dtype), RowQueue()

    def push(self, band: Tensor, *, last: bool) -> Tensor | None:
        """Return what is decided now of the estimate, (1, 3, h, w) float32, if anything; `band` is the next rows.

        It is (1, 3, h, w) of 0..1, as wide as the picture, its height a multiple as the sides are. After the `last` one
        the estimate is complete.
        """
        self._seen.put(band)
        change = self._change.push(F.pixel_unshuffle(band, SHUFFLE), last=last)
        if change is None:
            return None
        change = F.pixel_shuffle(change, SHUFFLE)
        return add_below(change, self._seen.take(change.shape[-2]))


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
