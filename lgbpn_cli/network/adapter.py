"""An adapter: a few thousand numbers that suit a student to one camera, beside its weights, which stay as they are.

Each convolution's results are scaled and shifted channel by channel (Perez et al., "FiLM", AAAI 2018, without
anything to ask); the first and the last convolution, a hundredth of the weights, change freely. What a student knows
of pictures lies in the others, so an adapter can hardly forget. Adapted weights are a student's like any others: it
runs as fast with them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lgbpn_cli.network.student import Student

FREE = ("entry.weight", "exit.weight")
FREE_STEP, SHIFT_STEP = 0.1, 0.1
"""What a change by one is worth there, and in the shift of a channel: all parameters then learn at one rate."""


def adapted(weights: Mapping[str, Tensor], adapter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a student's weights with an adapter: tensors of the same names and shapes.

    Raises KeyError where the adapter is of a student of other layers, RuntimeError where it is of other widths.
    """
    result = {}
    for name, value in weights.items():
        if name.endswith(".bias"):
            result[name] = value + SHIFT_STEP * adapter[name]
            continue
        scale = adapter[f"{name}.scale"]
        result[name] = value * (1 + scale.reshape(-1, *[1] * (value.ndim - 1)))
        if name in FREE:
            result[name] = result[name] + FREE_STEP * adapter[name]
    return result


def no_change(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the adapter that leaves a student's weights as they are."""
    adapter = {}
    for name, value in weights.items():
        if name.endswith(".bias"):
            adapter[name] = torch.zeros_like(value)
            continue
        adapter[f"{name}.scale"] = torch.zeros(len(value), dtype=value.dtype, device=value.device)
        if name in FREE:
            adapter[name] = torch.zeros_like(value)
    return adapter


class AdaptedStudent(nn.Module):
    """A student whose adapter learns, and nothing else: its state is that of the adapter."""

    def __init__(self, student: Student) -> None:
        """Begin without a change."""
        super().__init__()
        # In a tuple it is no part of this module's state.
        self._student = (student,)
        adapter = no_change(student.state_dict())
        # Names of parameters have no dots.
        self.changes = nn.ParameterDict(
            {name.replace(".", "/"): nn.Parameter(value) for name, value in adapter.items()}
        )

    def adapter(self, state: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Return the adapter of a state of this module; None: of the present one."""
        state = self.state_dict() if state is None else state
        return {name.removeprefix("changes.").replace("/", "."): value for name, value in state.items()}

    def forward(self, image: Tensor) -> Tensor:
        """Return the adapted student's estimate (b, 3, h, w) for an image (b, 3, h, w) of 0..1."""
        student = self._student[0]
        adapter = {name.replace("/", "."): value for name, value in self.changes.items()}
        weights = adapted({name: value.detach() for name, value in student.state_dict().items()}, adapter)
        return torch.func.functional_call(student, weights, (image,))  # type: ignore[no-any-return]
