"""Devices for tests: the CPU under another name."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lgbpn_cli.machine.device import Device


@dataclass(frozen=True)
class CpuAsGpu(Device):
    """The CPU in the role of a GPU, with room for everything."""

    @property
    def torch_device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def _is_cuda(self) -> bool:
        return False

    def free_bytes(self) -> int:
        return 10**12
