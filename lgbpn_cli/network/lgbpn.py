"""The LG-BPN network (paper, section 3): a local and a global blind-patch branch, joined by 1x1 convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgbpn_cli.config import GLOBAL_DILATION, LOCAL_DILATION, PRESETS, NetworkConfig, PassConfig
from lgbpn_cli.network.dspmc import PatchMaskedConv2d
from lgbpn_cli.network.dtb import DilatedTransformerBlock, PhaseGrid
from lgbpn_cli.network.fused import convolve
from lgbpn_cli.network.precision import exact_unless_training
from lgbpn_cli.network.sampling import (
    join_phases,
    pad_reflect,
    pad_symmetric_to,
    pad_to_multiple,
    smallest_side_px,
    split_phases,
)

AttentionScope = Literal["image", "sub_image"]
"""Which pixels share an attention map: all of a batch entry, or (as in the authors' test program) each sub-image."""


@dataclass(frozen=True)
class FrozenPass:
    """A pass over one photo as a purely convolutional network: what need not be computed again for each tile."""

    sampling: PassConfig
    local_kernel: Tensor
    """The local branch's patch-masked kernel, shifted."""
    global_kernel: Tensor
    """The global branch's."""
    projections: tuple[Tensor, ...]
    """Attention map and output projection of each DTB as one 1x1 convolution, (1, C, C)."""


class _SubImages:
    """One branch's way from full resolution to dilation phases of its PD sub-images, and back."""

    def __init__(self, features: Tensor, *, pd: int, rim_px: int, dilation: int) -> None:
        self.pd, self.rim_px, self.dilation = pd, rim_px, dilation
        sub_images = split_phases(features, pd)
        sub_images = pad_reflect(sub_images, rim_px, rim_px, rim_px, rim_px)
        self.height, self.width = sub_images.shape[-2:]
        # Phases must be equal in size; what is added is zeroed again before every dilated convolution.
        self.added_rows, self.added_columns = -self.height % dilation, -self.width % dilation
        self.phases = split_phases(F.pad(sub_images, (0, self.added_columns, 0, self.added_rows)), dilation)

    def grid(self, pool: int) -> PhaseGrid:
        """Return what a block must know of the phases."""
        return PhaseGrid(pool, self.dilation, self.added_rows, self.added_columns)

    def join(self, phases: Tensor) -> Tensor:
        """Return the full-resolution features: without phases, added rows, rim and PD."""
        rim = self.rim_px
        sub_images = join_phases(phases, self.dilation)
        return join_phases(sub_images[..., rim : self.height - rim, rim : self.width - rim], self.pd)


class LocalModule(nn.Module):
    """Residual module of the local branch: 3x3 (dilation 2, on phases), ReLU, 1x1."""

    def __init__(self, width: int) -> None:
        """Build the module of `width` channels in and out."""
        super().__init__()
        self.dilated = nn.Conv2d(width, width, 3, padding=1)
        self.pointwise = nn.Conv2d(width, width, 1)

    def forward(self, features: Tensor, grid: PhaseGrid) -> Tensor:
        """Return phases of the same shape."""
        hidden = convolve(self.dilated, grid.clear(features), relu=True)
        return convolve(self.pointwise, hidden, added=features)


def _masked_entry(config: NetworkConfig, kernel_px: int, spacing_px: int) -> PatchMaskedConv2d:
    """Return the convolution with a hole that a branch begins with, as the configuration has it."""
    return PatchMaskedConv2d(
        config.head_width,
        config.width,
        kernel_px=kernel_px,
        spacing_px=spacing_px,
        hole_radius_px=config.hole_radius_px,
    )


class LocalBranch(nn.Module):
    """The local branch: DSPMC-9, then dilated convolutions on PD sub-images."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the branch of `config`."""
        super().__init__()
        width = config.width
        self.masked = _masked_entry(config, config.local_kernel_px, spacing_px=1)
        self.entry = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(2))
        self.modules_ = nn.ModuleList(LocalModule(width) for _ in range(config.local_modules))
        self.exit = nn.Conv2d(width, width, 1)

    def forward(self, head: Tensor, sampling: PassConfig, kernel: Tensor | None = None) -> Tensor:
        """Return (b, C, h, w) for head features (b, head_width, h, w); `kernel` as in `FrozenPass`."""
        height, width = head.shape[-2:]
        features = self.masked(pad_to_multiple(head, sampling.local_pd), sampling.local_shift, kernel)
        sub = _SubImages(
            features, pd=sampling.local_pd, rim_px=sampling.local_rim_px, dilation=LOCAL_DILATION
        )
        grid = sub.grid(pool=1)
        hidden = F.relu(sub.phases)
        for pointwise in self.entry:
            hidden = F.relu(pointwise(hidden), inplace=True)
        for module in self.modules_:
            hidden = module(hidden, grid)
        hidden = F.relu(self.exit(hidden), inplace=True)
        return sub.join(hidden)[..., :height, :width]


class GlobalBranch(nn.Module):
    """The global branch: DSPMC-21 with even taps, then dilated transformer blocks on PD sub-images."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the branch of `config`."""
        super().__init__()
        width = config.width
        self.masked = _masked_entry(config, config.global_kernel_px, spacing_px=2)
        self.blocks = nn.ModuleList(
            DilatedTransformerBlock(width, config.attention_heads, config.hidden_width)
            for _ in range(config.global_blocks)
        )
        self.exit = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(
        self,
        head: Tensor,
        sampling: PassConfig,
        pooled_images: int | None,
        frozen: Sequence[Tensor] | None = None,
        kernel: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return (b, C, h, w) for head features, and the projection (maps, C, C) that each block used.

        `pooled_images` consecutive batch entries share a map; None gives each sub-image its own. `frozen` are
        projections to use instead, `kernel` is as in `FrozenPass`.
        """
        height, width = head.shape[-2:]
        sub = self._sub_images(head, sampling, kernel)
        per_sub_image = GLOBAL_DILATION**2
        pool = (
            per_sub_image if pooled_images is None else pooled_images * sampling.global_pd**2 * per_sub_image
        )
        grid = sub.grid(pool)
        hidden, projections = sub.phases, []
        for index, block in enumerate(self.blocks):
            hidden, used = block(hidden, grid, None if frozen is None else frozen[index])
            projections.append(used)
        hidden = self.exit(grid.clear(hidden))
        return sub.join(hidden)[..., :height, :width], projections

    def pooled_projections(self, heads: Sequence[Tensor], sampling: PassConfig) -> list[Tensor]:
        """Return the projection (1, C, C) of each block, its attention pooled over all `heads`, equal in size.

        They go through the blocks one after the other: memory is needed for the features of all, the rest for one.
        """
        subs = [self._sub_images(head, sampling, None) for head in heads]
        grid = subs[0].grid(pool=len(subs[0].phases))
        parts, projections = [sub.phases for sub in subs], []
        for block in self.blocks:
            sub_images = [each for part in parts for each in torch.split(part, grid.dilation**2)]
            used = block.pooled_projection(sub_images, grid)  # type: ignore[operator]
            projections.append(used)
            parts = [block(part, grid, used)[0] for part in parts]
        return projections

    def _sub_images(self, head: Tensor, sampling: PassConfig, kernel: Tensor | None) -> _SubImages:
        features = self.masked(pad_to_multiple(head, sampling.global_pd), sampling.global_shift, kernel)
        return _SubImages(
            features, pd=sampling.global_pd, rim_px=sampling.global_rim_px, dilation=GLOBAL_DILATION
        )


class LGBPN(nn.Module):
    """The whole network. Pixel values 0..1 in and out; inside, they are multiplied by `config.value_range`."""

    part: Literal["teacher"] = "teacher"
    halo_px = 48
    """Far below the reach: pixels so far away hardly matter (`lgbpn bench --agreement`)."""
    largest_tile_on_cpu_px = 512

    def size_multiple_px(self, preset: str) -> int:
        """Return the grid that tiles have to lie on: PD takes pixels apart by it."""
        return PRESETS[preset].common_pd

    def bytes_per_pixel(self, item_bytes: int) -> float:
        """Return the memory per pixel, measured (tests/inference).

        Most lives in a feed-forward part: its halves before and after a convolution, with copies for it.
        """
        rim = 1.5  # of 7 px round sub-images of 64 px at PD 4; less of larger ones
        return 80 + rim * item_bytes * 8 * (self.config.hidden_width + self.config.width)

    def bytes_in_bands(self, band_px: int, width: int, item_bytes: int) -> float | None:
        """Return None: attention maps and phases are those of squares."""
        return None

    def __init__(self, config: NetworkConfig) -> None:
        """Build the network of `config` with PyTorch's default initialisation."""
        super().__init__()
        self.config = config
        width = config.width
        self.head = nn.Conv2d(3, config.head_width, 1)
        self.local_branch = LocalBranch(config)
        self.global_branch = GlobalBranch(config)
        self.join = nn.Conv2d(2 * width, width, 1)
        self.tail = nn.ModuleList([nn.Conv2d(width, width // 2, 1), nn.Conv2d(width // 2, width // 2, 1)])
        self.exit = nn.Conv2d(width // 2, 3, 1)

    def forward(
        self,
        image: Tensor,
        sampling: PassConfig,
        *,
        attention_scope: AttentionScope = "image",
        frozen: FrozenPass | None = None,
    ) -> Tensor:
        """Return the estimate (b, 3, h, w), float32, for an image (b, 3, h, w) of 0..1, any size from 1x1 up.

        With `frozen` (from `freeze`, for this sampling) the network is purely convolutional and
        `attention_scope` is not used.
        """
        height, width = image.shape[-2:]
        head = self._head(image, sampling)
        pooled = 1 if attention_scope == "image" else None
        if frozen is None:
            local = self.local_branch(head, sampling)
            distant, _ = self.global_branch(head, sampling, pooled)
        else:
            local = self.local_branch(head, sampling, frozen.local_kernel)
            distant, _ = self.global_branch(head, sampling, pooled, frozen.projections, frozen.global_kernel)
        # The halves of the joining weight instead of a concatenation of the branches, local first.
        half = self.config.width
        with exact_unless_training(image.device.type):
            if not torch.is_grad_enabled():
                local, distant = (branch.to(self.exit.weight.dtype) for branch in (local, distant))
            hidden = F.conv2d(local, self.join.weight[:, :half], self.join.bias)
            hidden = F.relu(hidden + F.conv2d(distant, self.join.weight[:, half:]), inplace=True)
            for pointwise in self.tail:
                hidden = F.relu(pointwise(hidden), inplace=True)
        with torch.autocast(image.device.type, enabled=False):
            # Eight bits of a bfloat16 mantissa are too few for a picture: the last step is always float32.
            result = self.exit(hidden.to(self.exit.weight.dtype)) / self.config.value_range
        return result[..., :height, :width]  # type: ignore[no-any-return]

    def freeze(self, regions: Tensor, sampling: PassConfig) -> FrozenPass:
        """Return the pass with attention pooled over all `regions` (b, 3, h, w) of one photo."""
        heads = [self._head(region, sampling) for region in torch.split(regions, 1)]
        projections = self.global_branch.pooled_projections(heads, sampling)
        local, distant = self.local_branch.masked, self.global_branch.masked
        return FrozenPass(
            sampling,
            local.kernel(sampling.local_shift),
            distant.kernel(sampling.global_shift),
            tuple(projections),
        )

    def _head(self, image: Tensor, sampling: PassConfig) -> Tensor:
        side_px = smallest_side_px(self.config, sampling)
        image = pad_symmetric_to(image, side_px, side_px)
        with torch.autocast(image.device.type, enabled=False):
            return F.relu(self.head(image.to(self.head.weight.dtype) * self.config.value_range), inplace=True)


def parameter_count(config: NetworkConfig) -> int:
    """Return how many numbers the weights of `LGBPN(config)` are, hidden taps included, without building it."""
    width, head, hidden, half = config.width, config.head_width, config.hidden_width, config.width // 2
    local_taps, global_taps = config.local_kernel_px**2, (config.global_kernel_px // 2 + 1) ** 2
    pointwise = width**2 + width
    module = 9 * width**2 + width + pointwise
    attention = 4 * width**2 + 27 * width + config.attention_heads
    block = 2 * width + attention + 3 * width * hidden + 18 * hidden
    local = width * head * local_taps + width + 3 * pointwise + config.local_modules * module
    distant = width * head * global_taps + width + config.global_blocks * block + 9 * width**2
    tail = 2 * width**2 + width + width * half + half + half**2 + half + 3 * half + 3
    return 3 * head + head + local + distant + tail
