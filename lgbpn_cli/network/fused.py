"""A convolution with its ReLU, or with the sum that follows it, in one call where PyTorch's CPU build has such a call.

What is between them need not go through memory, and is not rounded on its way. PyTorch uses the call in what
torch.compile makes; it has no public name, so its answer is compared with that of the plain way before it is used.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHECKED_CHANNELS, CHECKED_SIDE = 16, 9
"""Of the convolution that both ways are compared with."""
MOST_DIFFERENCE = 0.05
"""Of answers of about 1: bfloat16 rounds to 0.008."""


def convolve(
    layer: nn.Conv2d, features: Tensor, *, relu: bool = False, added: Tensor | None = None
) -> Tensor:
    """Return layer(features), through a ReLU, or `added` to it; at most one of both.

    Layers have equal padding on all sides, stride 1, and no groups. Within autocast the answer is in its type.
    """
    device = features.device.type
    if not torch.is_grad_enabled() and device == "cpu":
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        if _is_right(dtype):
            return _fused(layer, features.to(dtype), relu, None if added is None else added.to(dtype))
    result: Tensor = layer(features)
    if added is not None:
        return added + result
    return F.relu(result, inplace=True) if relu else result


def convolve_with(weight: Tensor, features: Tensor, *, groups: int = 1, gelu: bool = False) -> Tensor:
    """Return the convolution with a weight of odd sides, zero-padded to the size of features, through a GELU if wanted.

    Within autocast the answer is in its type.
    """
    device, padding = features.device.type, weight.shape[-1] // 2
    if not torch.is_grad_enabled() and device == "cpu":
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        if _is_right(dtype):
            return _with_gelu(weight.to(dtype), features.to(dtype), padding, groups, gelu)
    result = F.conv2d(features, weight, padding=padding, groups=groups)
    return F.gelu(result) if gelu else result


def convolve_rows(
    weight: Tensor,
    bias: Tensor | None,
    rows: Tensor,
    *,
    above_and_below: bool = False,
    relu: bool = False,
    into: Tensor | None = None,
) -> Tensor:
    """Return a convolution of one or three taps by three, zero-padded at the sides; all of one dtype, on the CPU.

    Zeros are `above_and_below`, too, or there are fewer rows in the answer. It goes through a ReLU, or is added to
    `into`, which is returned; at most one of both.
    """
    padding = (int(above_and_below), 1)
    if not torch.is_grad_enabled() and _is_right(rows.dtype):
        return _fused_rows(weight, bias, rows, padding, relu, into)
    result = F.conv2d(rows, weight, bias, padding=padding)
    if into is not None:
        return into.add_(result)
    return F.relu(result, inplace=True) if relu else result


def _fused_rows(
    weight: Tensor,
    bias: Tensor | None,
    rows: Tensor,
    padding: tuple[int, int],
    relu: bool,
    into: Tensor | None,
) -> Tensor:
    shape = (padding, (1, 1), (1, 1), 1)
    result: Tensor
    if into is not None:
        adding: Any = torch.ops.mkldnn._convolution_pointwise_
        result = adding.binary(into, rows, weight, bias, *shape, "add", 1.0, None, [], None)
    else:
        call: Any = torch.ops.mkldnn._convolution_pointwise
        result = call.default(rows, weight, bias, *shape, "relu" if relu else "none", [], "")
    return result


def _with_gelu(weight: Tensor, features: Tensor, padding: int, groups: int, gelu: bool) -> Tensor:
    shape = ((padding, padding), (1, 1), (1, 1), groups)
    call: Any = torch.ops.mkldnn._convolution_pointwise
    result: Tensor = call.default(features, weight, None, *shape, "gelu" if gelu else "none", [], "none")
    return result


def _fused(layer: nn.Conv2d, features: Tensor, relu: bool, added: Tensor | None) -> Tensor:
    weight = layer.weight.to(features.dtype)
    bias = None if layer.bias is None else layer.bias.to(features.dtype)
    shape = (layer.padding, layer.stride, layer.dilation, layer.groups)
    call: Any = torch.ops.mkldnn._convolution_pointwise
    result: Tensor
    if added is not None:
        result = call.binary(features, added, weight, bias, *shape, "add", 1.0, None, [], None)
    else:
        result = call.default(features, weight, bias, *shape, "relu" if relu else "none", [], "")
    return result


@cache
def _is_right(dtype: torch.dtype) -> bool:
    """Return whether this PyTorch has the call for numbers of that type, and it gives what the plain way gives."""
    random = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(CHECKED_CHANNELS, CHECKED_CHANNELS, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        for number in layer.parameters():
            number.copy_(torch.randn(number.shape, generator=random) / CHECKED_CHANNELS)
        layer.to(dtype)
        shape = (1, CHECKED_CHANNELS, CHECKED_SIDE, CHECKED_SIDE)
        features = (
            torch.randn(shape, generator=random).to(dtype).contiguous(memory_format=torch.channels_last)
        )
        plain: Tensor = layer(features)
        try:
            through_relu = _fused(layer, features, True, None)
            added = _fused(layer, features, False, features)
            through_gelu = _with_gelu(layer.weight, features, 1, 1, True)
            middle = features[:, :, 1:-1].clone()
            in_place = _fused_rows(layer.weight, layer.bias, features, (0, 1), False, middle)
        except (AttributeError, RuntimeError, TypeError, NotImplementedError):
            return False
        pairs = (
            (through_relu, F.relu(plain)),
            (added, features + plain),
            (in_place, (features + plain)[:, :, 1:-1]),
            (through_gelu, F.gelu(F.conv2d(features, layer.weight, padding=1))),
        )
        return all(float((one - other).abs().max()) < MOST_DIFFERENCE for one, other in pairs)
