"""Where a network computes in float32 even when the rest of it runs in fewer bits."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def exact_unless_training(device_type: str) -> AbstractContextManager[object]:
    """Return a context without autocast, or, where gradients are asked for, one that changes nothing.

    In training bfloat16 is faster and its rounding drowns in the noise of the gradient. A picture shows it.
    """
    return nullcontext() if torch.is_grad_enabled() else torch.autocast(device_type, enabled=False)
