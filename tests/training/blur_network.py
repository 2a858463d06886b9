"""A network that blurs: it removes noise, and all texture with it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Blur(nn.Module):
    """The mean over squares of an odd side."""

    def __init__(self, side_px: int) -> None:
        super().__init__()
        self.side_px = side_px

    def forward(self, image: Tensor) -> Tensor:
        edge = self.side_px // 2
        return functional.avg_pool2d(functional.pad(image, (edge,) * 4, "reflect"), self.side_px, 1)
