"""R3, random replacing refinement (paper, section 3.4), with masks that depend on coordinates alone."""

from __future__ import annotations

import torch
from torch import Tensor

_MASK_32 = 0xFFFFFFFF


def replacement_mask(
    window: tuple[slice, slice], *, seed: int, copy: int, probability: float, device: torch.device
) -> Tensor:
    """Return which elements of a tile are replaced: (1, 3, h, w) bool for the photo's `window` (rows, columns).

    Each element is a hash of (seed, copy, y, x, channel) in coordinates of the photo, so the mask is the same
    whatever the tiles, their order, or the machine. The authors' program draws new masks in every run.
    """
    rows = torch.arange(window[0].start, window[0].stop, device=device)[:, None]
    columns = torch.arange(window[1].start, window[1].stop, device=device)[None, :]
    channels = torch.arange(3, device=device)[:, None, None]
    key = _mix(torch.tensor(seed & _MASK_32, device=device) + _mix(torch.tensor(copy, device=device)))
    while seed := seed >> 32:  # a seed of any size counts as a whole
        key = _mix(key + (seed & _MASK_32))
    hashed = _mix(_mix(_mix(key + rows) + columns) + channels)
    return (hashed < int(probability * 2**32))[None]


def _mix(value: Tensor) -> Tensor:
    """Return a well-mixed 32-bit hash of each int64 element (the finaliser of MurmurHash3, public domain)."""
    value = (value + 0x9E3779B9) & _MASK_32
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & _MASK_32
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & _MASK_32
    return value ^ (value >> 16)
