"""A slow, obvious twin of the whole network, in float64: every layer as it is described, nothing folded.

Kernels have their full size and explicit masks, the kernel shift gathers pixels tap by tap, sub-images and
dilated convolutions are what their names say. Of the package only the plain settings are used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.config import NetworkConfig, PassConfig

NORM_EPSILON = 1e-5
"""Added to the variance in the transformer blocks' norm."""
LENGTH_EPSILON = 1e-12
"""Smallest length that q and k are divided by."""

Scope = Literal["image", "sub_image"]
SubImages = list[Tensor]
"""The PD sub-images of a batch, each (b, c, h, w), row phase before column phase."""


@dataclass(frozen=True)
class Masked:
    """A patch-masked convolution: the whole kernel, which of its taps count, and its bias."""

    kernel: Tensor
    """(out, in, k, k), every pixel offset in it."""
    mask: Tensor
    """(k, k), 1 for taps that count."""
    bias: Tensor


@dataclass(frozen=True)
class Weights:
    """The network's weights, sorted by place."""

    head: tuple[Tensor, Tensor]
    local_masked: Masked
    local_entry: Sequence[tuple[Tensor, Tensor]]
    local_modules: Sequence[tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]
    local_exit: tuple[Tensor, Tensor]
    global_masked: Masked
    blocks: Sequence[Mapping[str, Tensor]]
    global_exit: Tensor
    tail: Sequence[tuple[Tensor, Tensor]]


def sort_weights(state: Mapping[str, Tensor], config: NetworkConfig) -> Weights:
    """Return the weights of a state_dict of `lgbpn_cli.network.lgbpn.LGBPN` as float64.

    | there | here |
    |---|---|
    | head | head |
    | local_branch.masked | local_masked: the kernel as it is stored |
    | local_branch.entry.N, exit | local_entry, local_exit |
    | local_branch.modules_.N.dilated, pointwise | local_modules |
    | global_branch.masked (even offsets) | global_masked: spread over all offsets, ones at odd ones |
    | global_branch.blocks.N.PART | blocks[N][PART] |
    | global_branch.exit | global_exit |
    | join, tail.0, tail.1, exit | tail |
    """
    exact = {name: value.detach().double() for name, value in state.items()}

    def pair(name: str) -> tuple[Tensor, Tensor]:
        return exact[f"{name}.weight"], exact[f"{name}.bias"]

    even, side = exact["global_branch.masked.weight"], config.global_kernel_px
    # Whatever stands at odd offsets must not matter: the mask hides them.
    whole = torch.ones(*even.shape[:2], side, side, dtype=torch.float64)
    whole[:, :, ::2, ::2] = even
    blocks = []
    for index in range(config.global_blocks):
        prefix = f"global_branch.blocks.{index}."
        blocks.append({n.removeprefix(prefix): v for n, v in exact.items() if n.startswith(prefix)})
    return Weights(
        head=pair("head"),
        local_masked=Masked(
            exact["local_branch.masked.weight"],
            kept_taps(config.local_kernel_px, config.hole_radius_px, step=1),
            exact["local_branch.masked.bias"],
        ),
        local_entry=[pair("local_branch.entry.0"), pair("local_branch.entry.1")],
        local_modules=[
            (pair(f"local_branch.modules_.{index}.dilated"), pair(f"local_branch.modules_.{index}.pointwise"))
            for index in range(config.local_modules)
        ],
        local_exit=pair("local_branch.exit"),
        global_masked=Masked(
            whole,
            kept_taps(config.global_kernel_px, config.hole_radius_px, step=2),
            exact["global_branch.masked.bias"],
        ),
        blocks=blocks,
        global_exit=exact["global_branch.exit.weight"],
        tail=[pair("join"), pair("tail.0"), pair("tail.1"), pair("exit")],
    )


def kept_taps(kernel_px: int, hole_radius_px: int, *, step: int) -> Tensor:
    """Return (k, k): 1 where both offsets are multiples of `step` and the tap lies outside the diamond."""
    reach = kernel_px // 2
    mask = torch.zeros(kernel_px, kernel_px, dtype=torch.float64)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dy % step == 0 and dx % step == 0 and abs(dy) + abs(dx) > hole_radius_px:
                mask[reach + dy, reach + dx] = 1
    return mask


def slow_lgbpn(
    weights: Weights, config: NetworkConfig, sampling: PassConfig, image: Tensor, scope: Scope = "image"
) -> Tensor:
    """Return the estimate (b, 3, h, w) in float64 for an image (b, 3, h, w) of 0..1.

    With scope `image` the sums of an attention map run over all sub-images of a batch entry, else over each
    sub-image by itself.
    """
    height, width = image.shape[-2:]
    pixels = extend_small(image.double() * config.value_range, smallest_side(config, sampling))
    head = F.relu(pointwise(pixels, *weights.head))
    near = local_branch(weights, head, sampling)
    far = global_branch(weights, config, head, sampling, scope)
    hidden = torch.cat([near, far], dim=1)
    for kernel, bias in weights.tail[:-1]:
        hidden = F.relu(pointwise(hidden, kernel, bias))
    return pointwise(hidden, *weights.tail[-1])[..., :height, :width] / config.value_range


def local_branch(weights: Weights, head: Tensor, sampling: PassConfig) -> Tensor:
    """Return (b, C, h, w): DSPMC-9, PD, ReLU, two 1x1, residual modules with dilation 2, 1x1, inverse PD."""
    height, width = head.shape[-2:]
    padded = extend_to_multiple(head, sampling.local_pd)
    features = masked_convolution(padded, weights.local_masked, sampling.local_shift)
    results = []
    for sub_image in sub_images(features, sampling.local_pd):
        hidden = F.relu(reflect(sub_image, sampling.local_rim_px))
        for kernel, bias in weights.local_entry:
            hidden = F.relu(pointwise(hidden, kernel, bias))
        for (kernel, bias), last in weights.local_modules:
            inner = F.relu(F.conv2d(hidden, kernel, bias, dilation=2, padding=2))
            hidden = hidden + pointwise(inner, *last)
        results.append(without_rim(F.relu(pointwise(hidden, *weights.local_exit)), sampling.local_rim_px))
    return interleave(results, sampling.local_pd)[..., :height, :width]


def global_branch(
    weights: Weights, config: NetworkConfig, head: Tensor, sampling: PassConfig, scope: Scope
) -> Tensor:
    """Return (b, C, h, w): DSPMC-21, PD, transformer blocks, 3x3 with dilation 3, inverse PD."""
    height, width = head.shape[-2:]
    padded = extend_to_multiple(head, sampling.global_pd)
    features = masked_convolution(padded, weights.global_masked, sampling.global_shift)
    hidden = [reflect(each, sampling.global_rim_px) for each in sub_images(features, sampling.global_pd)]
    for block in weights.blocks:
        hidden = transformer_block(block, hidden, config.attention_heads, scope)
    outputs = [F.conv2d(each, weights.global_exit, dilation=3, padding=3) for each in hidden]
    joined = interleave([without_rim(each, sampling.global_rim_px) for each in outputs], sampling.global_pd)
    return joined[..., :height, :width]


def transformer_block(block: Mapping[str, Tensor], hidden: SubImages, heads: int, scope: Scope) -> SubImages:
    """Return x + attention(norm(x)), then x + feed_forward(norm(x)), for the sub-images of a batch."""
    normed = [norm(each, block["attention_norm.weight"]) for each in hidden]
    attended = attention(block, normed, heads, scope)
    hidden = [each + change for each, change in zip(hidden, attended, strict=True)]
    return [each + feed_forward(block, norm(each, block["feed_forward_norm.weight"])) for each in hidden]


def norm(features: Tensor, scale: Tensor) -> Tensor:
    """Return the features over the deviation of their channels; the mean is not subtracted."""
    channels = features.shape[1]
    mean = features.sum(1, keepdim=True) / channels
    variance = ((features - mean) ** 2).sum(1, keepdim=True) / channels
    return features / (variance + NORM_EPSILON).sqrt() * scale[None, :, None, None]


def attention(block: Mapping[str, Tensor], normed: SubImages, heads: int, scope: Scope) -> SubImages:
    """Return the channel attention of each sub-image, head by head."""
    queries, keys, values = [], [], []
    for each in normed:
        widened = F.conv2d(each, block["attention.qkv.weight"])
        widened = depthwise(widened, block["attention.depthwise.weight"])
        query, key, value = widened.chunk(3, dim=1)
        queries.append(query)
        keys.append(key)
        values.append(value)
    batch, width = queries[0].shape[:2]
    group = width // heads
    results = [torch.zeros_like(value) for value in values]
    for entry in range(batch):
        for head in range(heads):
            part = slice(head * group, (head + 1) * group)
            pairs = [
                (query[entry, part].flatten(1), key[entry, part].flatten(1))
                for query, key in zip(queries, keys, strict=True)
            ]
            pools = [pairs] * len(pairs) if scope == "image" else [[pair] for pair in pairs]
            for result, value, pool in zip(results, values, pools, strict=True):
                table = channel_map(pool, block["attention.temperature"][head])
                mixed = table @ value[entry, part].flatten(1)
                result[entry, part] = mixed.reshape(result[entry, part].shape)
    return [F.conv2d(each, block["attention.project_out.weight"]) for each in results]


def channel_map(pool: list[tuple[Tensor, Tensor]], temperature: Tensor) -> Tensor:
    """Return softmax(temperature x cosine of q and k), (c, c), the sums running over all of `pool`."""
    product = sum((query @ key.T for query, key in pool), start=torch.zeros(()))
    query_length = sum(((query**2).sum(1) for query, _ in pool), start=torch.zeros(())).sqrt()
    key_length = sum(((key**2).sum(1) for _, key in pool), start=torch.zeros(())).sqrt()
    query_length, key_length = query_length.clamp_min(LENGTH_EPSILON), key_length.clamp_min(LENGTH_EPSILON)
    return (temperature * product / query_length[:, None] / key_length[None, :]).softmax(1)


def feed_forward(block: Mapping[str, Tensor], normed: Tensor) -> Tensor:
    """Return 1x1, depth-wise 3x3, exact GELU of the first half times the second, 1x1."""
    widened = F.conv2d(normed, block["feed_forward.project_in.weight"])
    gate, value = depthwise(widened, block["feed_forward.depthwise.weight"]).chunk(2, dim=1)
    gate = gate * (1 + torch.erf(gate / math.sqrt(2))) / 2
    return F.conv2d(gate * value, block["feed_forward.project_out.weight"])


def depthwise(features: Tensor, kernel: Tensor) -> Tensor:
    """Return the zero-padded depth-wise 3x3 convolution with dilation 3."""
    return F.conv2d(features, kernel, dilation=3, padding=3, groups=features.shape[1])


def pointwise(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Return the 1x1 convolution."""
    return torch.einsum("oi,bihw->bohw", kernel[:, :, 0, 0], features) + bias[None, :, None, None]


def masked_convolution(features: Tensor, layer: Masked, ratio: float) -> Tensor:
    """Return the patch-masked convolution whose taps lie at `ratio` times their offsets."""
    reach = layer.mask.shape[-1] // 2
    height, width = features.shape[-2:]
    result = layer.bias[None, :, None, None].repeat(len(features), 1, height, width)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if layer.mask[reach + dy, reach + dx] == 0:
                continue
            seen = look(features, ratio * dy, ratio * dx)
            result += torch.einsum("oi,bihw->bohw", layer.kernel[:, :, reach + dy, reach + dx], seen)
    return result


def look(features: Tensor, dy: float, dx: float) -> Tensor:
    """Return at each pixel the bilinearly sampled value at an offset, mirrored at the borders."""
    height, width = features.shape[-2:]
    top, left = math.floor(dy), math.floor(dx)
    down, right = dy - top, dx - left
    seen = torch.zeros_like(features)
    for y, vertical in ((top, 1 - down), (top + 1, down)):
        for x, horizontal in ((left, 1 - right), (left + 1, right)):
            rows = [mirror(row + y, height) for row in range(height)]
            columns = [mirror(column + x, width) for column in range(width)]
            seen = seen + vertical * horizontal * features[..., rows, :][..., columns]
    return seen


def mirror(index: int, length: int) -> int:
    """Return where `index` falls when the axis is reflected without repeating its edge."""
    if length == 1:
        return 0
    period = 2 * (length - 1)
    index %= period
    return index if index < length else period - index


def mirror_with_edge(index: int, length: int) -> int:
    """Return where `index` falls when the axis is reflected, its edge repeated."""
    index %= 2 * length
    return index if index < length else 2 * length - 1 - index


def extend_small(image: Tensor, side: int) -> Tensor:
    """Return a photo extended at bottom and right to at least `side`, mirrored with its edge repeated."""
    height, width = image.shape[-2:]
    rows = [mirror_with_edge(row, height) for row in range(max(height, side))]
    columns = [mirror_with_edge(column, width) for column in range(max(width, side))]
    return image[..., rows, :][..., columns]


def smallest_side(config: NetworkConfig, sampling: PassConfig) -> int:
    """Return the side that small photos are extended to.

    Reflections must be shorter than what they reflect: the reach of both kernels, and the sub-images' rims.
    """
    return max(
        config.local_kernel_px // 2 + 1,
        config.global_kernel_px // 2 + 1,
        (sampling.local_rim_px + 1) * sampling.local_pd,
        (sampling.global_rim_px + 1) * sampling.global_pd,
    )


def extend_to_multiple(features: Tensor, multiple: int) -> Tensor:
    """Return the features reflected at bottom and right until `multiple` divides both sides."""
    height, width = features.shape[-2:]
    rows = [mirror(row, height) for row in range(math.ceil(height / multiple) * multiple)]
    columns = [mirror(column, width) for column in range(math.ceil(width / multiple) * multiple)]
    return features[..., rows, :][..., columns]


def reflect(features: Tensor, rim: int) -> Tensor:
    """Return the features with a reflected rim all round."""
    height, width = features.shape[-2:]
    rows = [mirror(row, height) for row in range(-rim, height + rim)]
    columns = [mirror(column, width) for column in range(-rim, width + rim)]
    return features[..., rows, :][..., columns]


def without_rim(features: Tensor, rim: int) -> Tensor:
    """Return the features without the rim."""
    height, width = features.shape[-2:]
    return features[..., rim : height - rim, rim : width - rim]


def sub_images(features: Tensor, stride: int) -> SubImages:
    """Return the sub-images of pixel-shuffle down-sampling."""
    return [features[..., row::stride, column::stride] for row in range(stride) for column in range(stride)]


def interleave(parts: SubImages, stride: int) -> Tensor:
    """Return the features whose sub-images `parts` are."""
    batch, channels, height, width = parts[0].shape
    joined = torch.zeros(batch, channels, height * stride, width * stride, dtype=parts[0].dtype)
    for index, part in enumerate(parts):
        joined[..., index // stride :: stride, index % stride :: stride] = part
    return joined
