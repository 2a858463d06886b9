"""The student: a plain convolutional network that learned from a teacher's results and, unlike it, sees every pixel."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.network.sampling import pad_symmetric_to
from lgbpn_cli.network.u_net import SHUFFLE, UNet


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
