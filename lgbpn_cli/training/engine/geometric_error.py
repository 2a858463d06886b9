"""The error that networks with known answers are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ErrorPart:
    """One look at the differences between answers and targets."""

    difference: Tensor
    """(b, c, h, w)."""
    smallest: float
    """Added to the error of each crop, in the squares: what nobody sees is not worth ever more. In the same unit."""
    weight: float = 1.0


def geometric_mean_error(parts: Sequence[ErrorPart]) -> Tensor:
    """Return the geometric mean of the crops' errors, each the root of the mean square of a difference.

    So a tenth less error is worth the same in every crop, however noisy: it is what the mean of PSNR over photos
    measures (the PSNR loss of Chen et al., "Simple baselines for image restoration", ECCV 2022, in other units).
    """
    logs = [
        part.weight * (part.difference.square().mean(dim=(1, 2, 3)) + part.smallest**2).log().mean()
        for part in parts
    ]
    mean: Tensor = (torch.stack(logs).sum() / (2 * sum(part.weight for part in parts))).exp()
    return mean
