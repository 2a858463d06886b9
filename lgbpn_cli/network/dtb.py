"""The dilated transformer block (DTB) of the global branch (paper, section 3.3), on dilation phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgbpn_cli.network.fused import convolve_with

CHANNEL_BLOCK = 32
MOST_IDLE = 16
"""Zeros are added where they are at most this part of the channels: 12 to the published 340, none to 80."""


@dataclass(frozen=True)
class PhaseGrid:
    """What a block must know about its batch of phases, (images phases phases) c h w.

    `pool` is the number of consecutive batch entries that share one attention map. `added_rows` and
    `added_columns` (less than `dilation`) were appended to the sub-images to make their phases equal in size.
    """

    pool: int
    dilation: int
    added_rows: int = 0
    added_columns: int = 0

    def clear(self, features: Tensor) -> Tensor:
        """Return `features` with what was added set to zero again: zero padding for the next convolution.

        Works in place where no gradient is asked for. An added row is the last one of the last row phases.
        """
        if not (self.added_rows or self.added_columns):
            return features
        if features.requires_grad:
            features = features.clone()
        phases = features.view(-1, self.dilation, self.dilation, *features.shape[1:])
        if self.added_rows:
            phases[:, self.dilation - self.added_rows :, :, :, -1, :] = 0
        if self.added_columns:
            phases[:, :, self.dilation - self.added_columns :, :, :, -1] = 0
        return features


def _at_least_float32(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


class _InverseDeviationScale(torch.autograd.Function):
    """x * scale / sqrt(var(x) + eps) over the last axis, saving only x and one number a row for backward."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, scale: Tensor, eps: float) -> Tensor:
        # In training bfloat16 is faster, and its rounding harmless.
        ones = torch.full((rows.shape[-1], 1), 1 / rows.shape[-1], dtype=rows.dtype, device=rows.device)
        centred = rows - rows @ ones
        inverse = _at_least_float32((centred * centred) @ ones).add_(eps).rsqrt_().to(rows.dtype)
        ctx.save_for_backward(centred, rows, scale, inverse)
        return (rows * inverse).mul_(scale.to(rows.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        centred, rows, scale, inverse = ctx.saved_tensors
        grad = grads[0]
        weighted = grad * rows
        inner = weighted @ scale.to(rows.dtype)[:, None]
        grad_rows = (grad * scale.to(rows.dtype)).mul_(inverse)
        grad_rows.addcmul_(centred, inner * inverse**3, value=-1 / rows.shape[-1])
        grad_scale = (weighted.flatten(0, -2).T @ inverse.flatten(0, -2)).flatten()
        return grad_rows, grad_scale.to(scale.dtype), None


def _over_deviation(rows: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Return the same, computed in float32: what is squared here may be too large for float16.

    Within autocast the answer is in its type, in which the convolutions that follow would each bring it.
    """
    device = rows.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else rows.dtype
    with torch.autocast(device, enabled=False):
        wide = _at_least_float32(rows)
        # A product with ones: PyTorch's own variance over a short last axis is several times slower.
        mean = torch.full((rows.shape[-1], 1), 1 / rows.shape[-1], dtype=wide.dtype, device=rows.device)
        centred = wide - wide @ mean
        inverse = (centred.mul_(centred) @ mean).add_(eps).rsqrt_()
        return (wide * inverse).mul_(scale).to(dtype)


class DeviationNorm(nn.Module):
    """The DTB's norm: divides by the deviation over channels but does not subtract the mean; one scale a channel."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        """Build the norm with scale 1."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, features: Tensor) -> Tensor:
        """Return (b, c, h, w) normalised over c, with the population variance."""
        rows = features.permute(0, 2, 3, 1)
        if not torch.is_grad_enabled():
            return _over_deviation(rows, self.weight, self.eps).permute(0, 3, 1, 2)
        normed: Tensor = _InverseDeviationScale.apply(rows, self.weight, self.eps)  # type: ignore[no-untyped-call]
        return normed.permute(0, 3, 1, 2)


def _depthwise(features: Tensor, weight: Tensor, *, gelu: bool = False) -> Tensor:
    """Return the zero-padded 3x3 depth-wise convolution: on phases, the paper's dilated one."""
    return convolve_with(weight, features, groups=weight.shape[0], gelu=gelu)


def _sums_of_products(qk: Tensor) -> Tensor:
    """Return of qk^T qk, (pools, 2c, 2c) for (pools, n, 2c), what a map needs: q.k and the diagonal; the rest is 0."""
    width = qk.shape[-1] // 2
    sums = qk.new_zeros(len(qk), 2 * width, 2 * width)
    sums[:, :width, width:] = qk[..., :width].transpose(1, 2) @ qk[..., width:]
    sums.diagonal(dim1=1, dim2=2).copy_(qk.square().sum(dim=1))
    return sums


class ChannelAttention(nn.Module):
    """Channel attention: a c x c map per head from sums over space, so every pixel of a map's region matters."""

    same_head: Tensor

    def __init__(self, width: int, heads: int) -> None:
        """Build the attention; heads are contiguous groups of channels, temperatures start at 1."""
        super().__init__()
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.depthwise = nn.Conv2d(3 * width, 3 * width, 3, groups=3 * width, bias=False)
        self.project_out = nn.Conv2d(width, width, 1, bias=False)
        self.temperature = nn.Parameter(torch.ones(heads))
        group = torch.arange(width) // (width // heads)
        self.register_buffer("same_head", group[:, None] == group[None, :], persistent=False)

    def attention_map(self, features: Tensor, grid: PhaseGrid) -> Tensor:
        """Return one (c, c) map per pool of batch entries, float32: softmax of temperature x cosine of q and k."""
        return self.map_of(self.gram(features, grid))

    def gram(self, features: Tensor, grid: PhaseGrid) -> Tensor:
        """Return the products of q and k summed over each pool, (pools, 2c, 2c): sums of several make their map."""
        width = features.shape[1]
        # Slices of the weights instead of chunks of the result: no copy of activations, none in backward.
        qk = convolve_with(self.qkv.weight[: 2 * width], features)
        qk = grid.clear(_depthwise(grid.clear(qk), self.depthwise.weight[: 2 * width]))
        qk = qk.permute(0, 2, 3, 1).reshape(features.shape[0] // grid.pool, -1, 2 * width)
        # One product holds q.k off the diagonal and |q|^2, |k|^2 on it.
        if qk.requires_grad:
            gram = _at_least_float32(qk.transpose(1, 2) @ qk)
        else:
            # Maps that are used are summed in float32. In training bfloat16 is faster, and its rounding harmless.
            with torch.autocast(qk.device.type, enabled=False):
                gram = _sums_of_products(_at_least_float32(qk))
        return gram

    def map_of(self, gram: Tensor) -> Tensor:
        """Return the (pools, c, c) maps of such sums."""
        width = gram.shape[-1] // 2
        norms = gram.diagonal(dim1=1, dim2=2).clamp_min(1e-24).sqrt()
        cosine = gram[:, :width, width:] / (norms[:, :width, None] * norms[:, None, width:])
        temperature = self.temperature.repeat_interleave(width // len(self.temperature))
        logits = cosine * temperature[:, None]
        return logits.masked_fill(~self.same_head, -torch.inf).softmax(-1)

    def projection(self, attention_map: Tensor) -> Tensor:
        """Return project_out @ attention_map, (maps, c, c): all that follows v, as one matrix per map."""
        return self.project_out.weight.flatten(1) @ attention_map.to(self.project_out.weight.dtype)

    def forward(self, features: Tensor, grid: PhaseGrid, projection: Tensor) -> Tensor:
        """Return projection @ v; each of the projections serves as many batch entries as the others."""
        batch, width, height, columns = features.shape
        value = convolve_with(self.qkv.weight[2 * width :], features)
        value = _depthwise(grid.clear(value), self.depthwise.weight[2 * width :])
        if len(projection) == 1:
            return convolve_with(projection[0, :, :, None, None], value)
        rows = value.permute(0, 2, 3, 1).reshape(len(projection), -1, width)
        rows = rows @ projection.transpose(1, 2).to(value.dtype)
        return rows.reshape(batch, height, columns, width).permute(0, 3, 1, 2)


class GatedFeedForward(nn.Module):
    """The DTB's feed-forward part: GELU of one half gates the other."""

    def __init__(self, width: int, hidden_width: int) -> None:
        """Build the two halves as one projection, as the authors' checkpoints store it."""
        super().__init__()
        self.project_in = nn.Conv2d(width, 2 * hidden_width, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * hidden_width, 2 * hidden_width, 3, groups=2 * hidden_width, bias=False)
        self.project_out = nn.Conv2d(hidden_width, width, 1, bias=False)

    def forward(self, features: Tensor, grid: PhaseGrid) -> Tensor:
        """Return (b, c, h, w) for the same."""
        hidden = self.project_out.in_channels
        added = _idle_channels(hidden, features)
        gate, value = (
            _depthwise(
                grid.clear(convolve_with(_with_idle(self.project_in.weight[half], added), features)),
                _with_idle(self.depthwise.weight[half], added),
                gelu=half.start is None,
            )
            for half in (slice(hidden), slice(hidden, None))
        )
        gated = gate * value if gate.requires_grad else gate.mul_(value)
        weight = self.project_out.weight
        return convolve_with(F.pad(weight, (0, 0, 0, 0, 0, added)) if added else weight, gated)


def _idle_channels(width: int, features: Tensor) -> int:
    """Return how many channels of zeros make convolutions of so many channels faster than without.

    In 16 bits processors take channels by blocks, and a few that are left over cost as much as half of all.
    """
    if torch.is_grad_enabled() or not torch.is_autocast_enabled(features.device.type):
        return 0
    added = -width % CHANNEL_BLOCK
    return added if added * MOST_IDLE <= width else 0


def _with_idle(weight: Tensor, added: int) -> Tensor:
    """Return the weight of a convolution that has so many channels of zeros more in its result."""
    return F.pad(weight, (0, 0, 0, 0, 0, 0, 0, added)) if added else weight


class DilatedTransformerBlock(nn.Module):
    """DTB: x + attention(norm(x)), then x + feed_forward(norm(x)); all convolutions on dilation phases."""

    def __init__(self, width: int, heads: int, hidden_width: int) -> None:
        """Build both halves."""
        super().__init__()
        self.attention_norm = DeviationNorm(width)
        self.attention = ChannelAttention(width, heads)
        self.feed_forward_norm = DeviationNorm(width)
        self.feed_forward = GatedFeedForward(width, hidden_width)

    def forward(self, features: Tensor, grid: PhaseGrid, frozen: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the block's output and the projection it used: `frozen`, or one from these features."""
        one_map = len(frozen) == 1 if frozen is not None else grid.pool == len(features)
        if one_map and not torch.is_grad_enabled():
            return self._by_sub_image(features, grid, frozen)
        normed = self.attention_norm(features)
        used = frozen
        if used is None:
            used = self.attention.projection(self.attention.attention_map(normed, grid))
        features = features + self.attention(normed, grid, used)
        return features + self.feed_forward(self.feed_forward_norm(features), grid), used

    def _by_sub_image(
        self, features: Tensor, grid: PhaseGrid, frozen: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return the same where one map serves all, one sub-image after the other: each stays in the caches."""
        parts = torch.split(features, grid.dilation**2)
        normed: Iterable[Tensor] = map(self.attention_norm, parts)
        if frozen is None:
            normed = list(normed)
            frozen = self._projection_of(normed, grid)
        result = torch.empty_like(features)
        for part, its_normed, into in zip(parts, normed, torch.split(result, grid.dilation**2), strict=True):
            attended = part + self.attention(its_normed, grid, frozen)
            torch.add(attended, self.feed_forward(self.feed_forward_norm(attended), grid), out=into)
        return result, frozen

    def pooled_projection(self, parts: Sequence[Tensor], grid: PhaseGrid) -> Tensor:
        """Return the projection (1, c, c) of the attention over all `parts`, taken one after the other."""
        return self._projection_of(map(self.attention_norm, parts), grid)

    def _projection_of(self, normed: Iterable[Tensor], grid: PhaseGrid) -> Tensor:
        gram = sum(self.attention.gram(part, replace(grid, pool=len(part))) for part in normed)
        return self.attention.projection(self.attention.map_of(gram))  # type: ignore[arg-type]  # there are parts
