"""Sampling grids: pixel-shuffle down-sampling (PD) into the batch axis, padding, and the kernel shift.

The same split serves twice: with the PD factor it makes the paper's sub-images, with a dilation it makes the
phases on which a dilated convolution is an ordinary, dense one.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.config import NetworkConfig, PassConfig
from lgbpn_cli.network.masks import tap_offsets_px


def split_phases(image: Tensor, stride: int) -> Tensor:
    """Return the stride x stride sub-lattices of `image` in the batch axis, channels-last in memory.

    (b, c, h*s, w*s) -> (b*s*s, c, h, w); the entries of one image stay together, row phase before column phase.
    """
    if stride == 1:
        return image
    batch, channels, height, width = image.shape
    # b c (h s) (w s) -> (b s s) c h w
    lattice = image.permute(0, 2, 3, 1).reshape(
        batch, height // stride, stride, width // stride, stride, channels
    )
    lattice = lattice.permute(0, 2, 4, 1, 3, 5).reshape(-1, height // stride, width // stride, channels)
    return lattice.permute(0, 3, 1, 2)


def join_phases(phases: Tensor, stride: int) -> Tensor:
    """Return the image whose sub-lattices `phases` are: the inverse of `split_phases`."""
    if stride == 1:
        return phases
    _, channels, height, width = phases.shape
    # (b s s) c h w -> b c (h s) (w s)
    lattice = phases.permute(0, 2, 3, 1).reshape(-1, stride, stride, height, width, channels)
    lattice = lattice.permute(0, 3, 1, 4, 2, 5).reshape(-1, height * stride, width * stride, channels)
    return lattice.permute(0, 3, 1, 2)


def pad_reflect(image: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Return `image` (b, c, h, w) extended by reflection without repeating the edge; each pad < its side."""
    if not (top or bottom or left or right):
        return image
    return F.pad(image, (left, right, top, bottom), mode="reflect")


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Return `image` extended by reflection at bottom and right until `multiple` divides both sides."""
    height, width = image.shape[-2:]
    return pad_reflect(image, 0, -height % multiple, 0, -width % multiple)


def pad_symmetric_to(image: Tensor, height_px: int, width_px: int) -> Tensor:
    """Return `image` extended at bottom and right to at least this size, mirrored as often as needed.

    Unlike reflection this works from 1x1 px up: the edge pixel itself is repeated.
    """
    for axis, side_px in ((-2, height_px), (-1, width_px)):
        length = image.shape[axis]
        if length < side_px:
            index = np.pad(np.arange(length), (0, side_px - length), mode="symmetric")
            image = image.index_select(axis, torch.from_numpy(index).to(image.device))
    return image


def smallest_side_px(network: NetworkConfig, sampling: PassConfig) -> int:
    """Return the smallest side for which every reflection inside the network is defined.

    Smaller photos are extended to it first. Reflection needs pad < size: for the kernels' reach at full
    resolution, and for the rim of the sub-images at their size.
    """
    return max(
        network.local_kernel_px // 2 + 1,
        network.global_kernel_px // 2 + 1,
        sampling.local_pd * (sampling.local_rim_px + 1),
        sampling.global_pd * (sampling.global_rim_px + 1),
    )


def shifted_reach_px(taps: int, spacing_px: int, ratio: float) -> int:
    """Return how far a kernel reaches after its taps are pulled to the centre by `ratio`."""
    # The small number keeps 0.8 x 10 = 8.000000000000002 from asking for a ninth pixel.
    return math.ceil(ratio * spacing_px * (taps // 2) - 1e-9)


@lru_cache(maxsize=64)
def _shift_matrix(taps: int, spacing_px: int, ratio: float) -> Tensor:
    """Return the (2 reach + 1, taps) matrix of bilinear weights along one axis, float64."""
    reach = shifted_reach_px(taps, spacing_px, ratio)
    # Whoever asks first, the cached tensor must serve training too.
    with torch.inference_mode(False):
        position = torch.arange(-reach, reach + 1, dtype=torch.float64)[:, None]
        offset = torch.tensor(tap_offsets_px(taps, spacing_px), dtype=torch.float64)[None, :] * ratio
        return (1 - (position - offset).abs()).clamp_min(0)


def fold_kernel_shift(weight: Tensor, spacing_px: int, ratio: float) -> Tensor:
    """Return the ordinary kernel that equals bilinear sampling of the input at `ratio` times the tap offsets.

    K'(q) = sum over taps p of w_p * hat(q_y - ratio p_y) * hat(q_x - ratio p_x), hat(t) = max(0, 1 - |t|):
    the paper's kernel shift (section 3.3), whose offsets are the same at every pixel.
    (out, in, k, k) -> (out, in, 2 reach + 1, 2 reach + 1), dtype of `weight`.
    """
    matrix = _shift_matrix(weight.shape[-1], spacing_px, ratio).to(weight)
    return matrix @ weight @ matrix.T
