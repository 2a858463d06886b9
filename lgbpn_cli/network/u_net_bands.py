"""A U-Net over a picture of any height, band by band from top to bottom: no pixel is computed twice, none is cut off.

Each layer keeps the last rows of what it was given, for the next rows of its answer need them. So a band's answer comes
late, by some of the rows below it, and all answers together are that of the whole picture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgbpn_cli.network.fused import convolve_rows
from lgbpn_cli.network.u_net import ResidualBlock, UNet, with_rest, with_rest_weight

TAPS = 3
"""Of all convolutions but those between levels; what lies beside the picture counts as zero."""


class RowQueue:
    """Rows (1, c, h, w) that come in bands and are taken in others."""

    def __init__(self) -> None:
        """It begins empty."""
        self._bands: deque[Tensor] = deque()

    def put(self, band: Tensor) -> None:
        """Add rows below the others."""
        self._bands.append(band)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return sum(band.shape[-2] for band in self._bands)

    def take(self, count: int) -> list[Tensor]:
        """Return the uppermost rows, which are there, in as many pieces as they came in, and forget them."""
        taken: list[Tensor] = []
        while count:
            band = self._bands.popleft()
            taken.append(band[..., :count, :])
            if band.shape[-2] > count:
                self._bands.appendleft(band[..., count:, :])
            count -= taken[-1].shape[-2]
        return taken


def add_below(rows: Tensor, added: Sequence[Tensor], into: Tensor | None = None) -> Tensor:
    """Add pieces, one below the other, to rows in their place, or put the sums `into` others; returns the sums."""
    begin = 0
    into = rows if into is None else into
    for piece in added:
        span = slice(begin, begin + piece.shape[-2])
        torch.add(rows[..., span, :], piece, out=into[..., span, :])
        begin = span.stop
    return into


class UNetInBands:
    """The way through one picture. Bands are as wide as it; rows of the finest level come two by two for each below."""

    def __init__(self, network: UNet, dtype: torch.dtype) -> None:
        """The network computes in `dtype`; what enters it counts in full, and what leaves it is in the weights' own."""
        self._entry, self._exit = _Entry(network.entry, dtype), _Exit(network.exit, dtype)
        self._encoder, self._decoder = (
            [
                _Level(
                    [_Block(cast("ResidualBlock", block), dtype) for block in cast("nn.Sequential", blocks)],
                    dtype,
                )
                for blocks in levels
            ]
            for levels in (network.encoder, network.decoder)
        )
        self._down, self._up = (
            [_Weights.of(layer, dtype) for layer in layers] for layers in (network.down, network.up)
        )
        self._halved, self._kept = ([RowQueue() for _ in network.down] for _ in range(2))

    def push(self, planes: Tensor, *, last: bool) -> Tensor | None:
        """Return what is decided now, if anything, of what `UNet.change` gives, for the next rows of planes."""
        hidden = self._entry.push(planes, last=last)
        for index, level in enumerate(self._encoder):
            if hidden is None or (hidden := level.push(hidden, last=last)) is None:
                return None
            if index < len(self._down):
                self._kept[index].put(hidden)
                hidden = self._lowered(index, hidden)
        for index in reversed(range(len(self._up))):
            if hidden is None:
                return None
            enlarged = self._raised(index, hidden)
            kept = self._kept[index].take(enlarged.shape[-2])
            hidden = self._decoder[index].push(enlarged, added=kept, last=last)
        return None if hidden is None else self._exit.push(hidden, last=last)

    def _lowered(self, index: int, hidden: Tensor) -> Tensor | None:
        waiting, layer = self._halved[index], self._down[index]
        waiting.put(hidden)
        pairs = len(waiting) // 2
        if not pairs:
            return None
        pieces = waiting.take(2 * pairs)
        rows = pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=-2)
        return F.conv2d(rows, layer.weight, layer.bias, stride=2)

    def _raised(self, index: int, hidden: Tensor) -> Tensor:
        layer = self._up[index]
        return F.interpolate(F.conv2d(hidden, layer.weight, layer.bias), scale_factor=2.0, mode="nearest")


@dataclass(frozen=True, eq=False)
class _Weights:
    weight: Tensor
    bias: Tensor | None

    @classmethod
    def of(cls, layer: nn.Module, dtype: torch.dtype) -> _Weights:
        convolution = cast("nn.Conv2d", layer)
        bias = convolution.bias
        return cls(convolution.weight.detach().to(dtype), None if bias is None else bias.detach().to(dtype))


class _Convolution:
    """A single convolution."""

    def __init__(self, weights: _Weights) -> None:
        self._weights = weights
        self._seen: Tensor | None = None

    def push(self, band: Tensor, *, last: bool) -> Tensor | None:
        """Return the rows that all is known of."""
        rows = _below(self._seen, band, self._weights.weight.dtype, last=last)
        self._seen = rows[..., -2:, :].clone()
        if rows.shape[-2] < TAPS:
            return None
        return convolve_rows(self._weights.weight, self._weights.bias, rows)


class _Entry(_Convolution):
    """The first: its input has more digits than a short `dtype`, so what rounding takes of it goes beside it."""

    def __init__(self, layer: nn.Conv2d, dtype: torch.dtype) -> None:
        self._dtype = dtype if dtype.itemsize < layer.weight.dtype.itemsize else None
        weights = _Weights.of(layer, dtype)
        if self._dtype is not None:
            weights = _Weights(with_rest_weight(weights.weight), weights.bias)
        super().__init__(weights)

    def push(self, band: Tensor, *, last: bool) -> Tensor | None:
        if self._dtype is not None:
            band = with_rest(band, self._dtype)
        return super().push(band, last=last)


class _Exit(_Convolution):
    """The last: it tells what changes, which a short `dtype` has digits enough for; the picture has more."""

    def __init__(self, layer: nn.Conv2d, dtype: torch.dtype) -> None:
        self._result_dtype = layer.weight.dtype
        super().__init__(_Weights.of(layer, dtype))

    def push(self, band: Tensor, *, last: bool) -> Tensor | None:
        change = super().push(band, last=last)
        return None if change is None else change.to(self._result_dtype)


class _Level:
    """The blocks of one level: each adds to the rows in its place, and leaves two of them to the next band."""

    def __init__(self, blocks: list[_Block], dtype: torch.dtype) -> None:
        self._blocks, self._dtype = blocks, dtype
        self._waiting, self._begun = RowQueue(), False

    def push(self, band: Tensor, *, added: Sequence[Tensor] = (), last: bool) -> Tensor | None:
        """Return the rows that all blocks are through with, if any; `added` are pieces to be added to the band."""
        dtype, waiting = self._dtype, len(self._waiting)
        if waiting or (not self._begun and not last and band.shape[-2] <= 2 * len(self._blocks)):
            self._waiting.put(add_below(band.to(dtype), added))
            waiting += band.shape[-2]
            if not last and waiting <= 2 * len(self._blocks):
                return None
            band, added = torch.cat(self._waiting.take(waiting), dim=-2), ()
        seen = torch.cat([block.seen for block in reversed(self._blocks)], dim=-2) if self._begun else None
        rows = _below(seen, band, dtype, added=added, last=last)
        begin = rows.shape[-2] - last - band.shape[-2]
        # Blocks take rows from here on; what is above is later blocks'.
        begin, end = begin - (2 if self._begun else 1), rows.shape[-2]
        for block in self._blocks:
            block.add(rows[..., begin:end, :], last=last)
            begin, end = begin - (2 if self._begun else 0), end - (0 if last else 2)
        begin += 2 if self._begun else 1
        self._begun = True
        return rows[..., begin : end - last, :]


class _Block:
    """A residual block. `seen` are the last two rows that it was given, before it added to them."""

    seen: Tensor

    def __init__(self, block: ResidualBlock, dtype: torch.dtype) -> None:
        self._first, self._second = _Weights.of(block.first, dtype), _Weights.of(block.second, dtype)
        above, below = (self._second.weight[:, :, tap : tap + 1] for tap in (0, TAPS - 1))
        self._of_above, self._of_below = (
            taps.contiguous(memory_format=torch.channels_last) for taps in (above, below)
        )
        self._hidden: Tensor | None = None
        self._sum: Tensor | None = None
        """Of the last row that was added to: the row below it was not known."""

    def add(self, rows: Tensor, *, last: bool) -> None:
        """Add to rows in their place, but the first and the last, which are `seen` or beside the picture.

        The last that is added to is complete with the next band only; the first becomes so now.
        """
        self.seen = rows[..., -2:, :].clone()
        hidden = convolve_rows(self._first.weight, self._first.bias, rows, relu=True)
        convolve_rows(
            self._second.weight, self._second.bias, hidden, above_and_below=True, into=rows[..., 1:-1, :]
        )
        if self._hidden is not None and self._sum is not None:
            rows[..., :1, :] = self._sum
            convolve_rows(self._of_below, None, hidden[..., :1, :], into=rows[..., :1, :])
            convolve_rows(self._of_above, None, self._hidden, into=rows[..., 1:2, :])
        self._hidden, self._sum = hidden[..., -1:, :].clone(), rows[..., -2:-1, :].clone()


def _below(
    seen: Tensor | None, band: Tensor, dtype: torch.dtype, *, added: Sequence[Tensor] = (), last: bool
) -> Tensor:
    """Return a band in `dtype` below the rows seen before, or below zeros; with zeros below it where it is the last.

    Where anything is to be added to the band, all of it is: one piece below the other.
    """
    above = 1 if seen is None else seen.shape[-2]
    shape = (1, band.shape[1], above + band.shape[-2] + last, band.shape[-1])
    rows = torch.empty(shape, dtype=dtype, memory_format=torch.channels_last)
    rows[..., :above, :] = 0 if seen is None else seen
    inside = rows[..., above : above + band.shape[-2], :]
    if added:
        add_below(band, added, into=inside)
    else:
        inside.copy_(band)
    if last:
        rows[..., -1, :] = 0
    return rows
