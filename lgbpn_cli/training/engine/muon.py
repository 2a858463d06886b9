"""Muon: an optimiser that turns the momentum of every hidden kernel into the orthogonal matrix nearest to it.

All directions of a kernel then learn equally fast, and networks need a fraction of Adam's steps. Sources: Jordan et
al., "Muon: An optimizer for hidden layers in neural networks" (2024) for the iteration and its coefficients; Liu et
al., "Muon is Scalable for LLM Training" (arXiv 2502.16982), section 2.2, for the size of the steps. `torch.optim.Muon`
takes matrices only and iterates in bfloat16, which CPUs without instructions for it do ten times more slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.775, 2.0315)
"""Of X, X X'X and X X'X X'X: after five iterations all singular values lie near 1, between about 0.7 and 1.2."""
STEP_OF_ADAM = 0.2
"""Root mean square of a step, in learning rates: about Adam's, so both can share a schedule."""


def muon_and_adam(
    network: nn.Module,
    learning_rate: float,
    *,
    outer: tuple[str, ...],
    precision: torch.dtype = torch.float32,
) -> list[torch.optim.Optimizer]:
    """Return Muon for the hidden kernels of `network`, and Adam for all else, which share a learning rate.

    Adam has biases, the layers whose names begin with one of `outer`, which read and write pictures, and kernels of a
    channel each, whose rows are not a matrix. `precision` is that of Muon's products.
    """
    kernels: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        hidden = parameter.ndim == 4 and parameter.shape[1] > 1 and not name.startswith(outer)
        (kernels if hidden else others).append(parameter)
    return [Muon(kernels, learning_rate, precision), torch.optim.Adam(others, lr=learning_rate, fused=True)]


class Muon(torch.optim.Optimizer):
    """Muon for kernels (out, in, height, width) of convolutions, each flattened to a matrix of `out` rows."""

    def __init__(
        self, kernels: Iterable[nn.Parameter], lr: float, precision: torch.dtype = torch.float32
    ) -> None:
        """Optimise `kernels` at learning rate `lr`, with matrix products in `precision`."""
        super().__init__(kernels, {"lr": lr})
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every kernel that has a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    self._move(kernel, kernel.grad, self.state[kernel], group["lr"])
        return loss

    def _move(self, kernel: Tensor, gradient: Tensor, state: dict[str, Any], learning_rate: float) -> None:
        momentum = state.setdefault("momentum", torch.zeros_like(kernel))
        momentum.lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
        direction = orthogonalised(ahead.flatten(1), self.precision)
        scale = STEP_OF_ADAM * max(direction.shape) ** 0.5
        kernel.sub_(direction.reshape(kernel.shape), alpha=learning_rate * scale)


def orthogonalised(matrix: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Return a matrix (m, n) with the singular vectors of `matrix` and all singular values near 1, float32.

    Its products are computed in `precision`.
    """
    first, third, fifth = COEFFICIENTS
    result: Tensor = (matrix.float() / (matrix.float().norm() + 1e-7)).to(precision)
    tall = result.shape[0] > result.shape[1]
    if tall:
        result = result.T
    for _ in range(ITERATIONS):
        gram = result @ result.T
        result = first * result + (third * gram + fifth * gram @ gram) @ result
    return (result.T if tall else result).float()
