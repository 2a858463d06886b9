"""The densely sampled patch-masked convolution: what makes the network blind to a pixel's neighbourhood."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgbpn_cli.network.masks import diamond_mask
from lgbpn_cli.network.precision import exact_unless_training
from lgbpn_cli.network.sampling import (
    fold_kernel_shift,
    join_phases,
    pad_reflect,
    shifted_reach_px,
    split_phases,
)
from lgbpn_cli.network.wide import convolve_wide


class PatchMaskedConv2d(nn.Module):
    """DSPMC in the LG-BPN paper, section 3.2: a convolution without the taps in a diamond round the centre.

    `kernel_px` is the side covered, `spacing_px` the distance of its taps; only the lattice of taps is stored,
    (out, in, taps, taps). The mask is applied in every forward pass, so hidden taps can hold anything.
    """

    kept: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_px: int, spacing_px: int, hole_radius_px: int
    ) -> None:
        """Build the convolution with PyTorch's default initialisation, its fan-in counted over kept taps."""
        super().__init__()
        self.spacing_px = spacing_px
        self.taps = (kernel_px - 1) // spacing_px + 1
        self.reach_px = kernel_px // 2
        mask = diamond_mask(self.taps, spacing_px, hole_radius_px)
        self.register_buffer("kept", torch.tensor(mask), persistent=False)
        bound = (in_channels * sum(map(sum, mask))) ** -0.5
        self.weight = nn.Parameter(
            torch.empty(out_channels, in_channels, self.taps, self.taps).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.empty(out_channels).uniform_(-bound, bound))

    def forward(self, features: Tensor, shift: float = 1.0, kernel: Tensor | None = None) -> Tensor:
        """Return (b, out, h, w) for (b, in, h, w): same size, reflect padding, taps at `shift` x their offsets.

        `kernel` is what `kernel(shift)` gives, where it is kept from call to call.
        """
        if kernel is None:
            kernel = self.kernel(shift)
        # The features come from single pixels and go on in every sum: rounding them to bfloat16 costs 0.1 dB.
        with exact_unless_training(features.device.type):
            if self._is_sparse(shift):
                return self._sparse(features, kernel)
            reach = shifted_reach_px(self.taps, self.spacing_px, shift)
            padded = pad_reflect(features, reach, reach, reach, reach)
            return convolve_wide(padded, kernel, self.bias)

    def kernel(self, shift: float) -> Tensor:
        """Return the weights of the ordinary convolution that this one is at `shift`: masked, and shifted."""
        weight = self.weight * self.kept
        with exact_unless_training(weight.device.type):
            return weight if self._is_sparse(shift) else fold_kernel_shift(weight, self.spacing_px, shift)

    def _is_sparse(self, shift: float) -> bool:
        return shift == 1.0 and self.spacing_px > 1

    def _sparse(self, features: Tensor, weight: Tensor) -> Tensor:
        """Return the unshifted convolution with spaced taps, as a dense one on each phase of the spacing."""
        height, width = features.shape[-2:]
        reach, spacing = self.reach_px, self.spacing_px
        padded = pad_reflect(features, reach, reach, reach, reach)
        # Rows added here only ever feed output rows that are cut off below.
        padded = F.pad(padded, (0, -padded.shape[-1] % spacing, 0, -padded.shape[-2] % spacing))
        dense = F.conv2d(split_phases(padded, spacing), weight, self.bias)
        return join_phases(dense, spacing)[..., :height, :width]
