"""Which devices there are and what they can do: the one object that knows about CUDA, MPS and CPU features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from lgbpn_cli.config import Precision
from lgbpn_cli.errors import DeviceError


@dataclass(frozen=True)
class Hardware:
    """What this machine offers. Tests build their own."""

    cuda: tuple[str, ...] = ()
    """Names of the CUDA GPUs, by index."""
    cuda_bfloat16: bool = False
    """Whether the GPUs compute in bfloat16."""
    mps: bool = False
    """Whether Apple's Metal backend is usable."""
    cpu_bfloat16: bool = False
    """Whether the CPU has bfloat16 instructions (AMX or AVX512-BF16)."""


def probe_hardware() -> Hardware:
    """Return what PyTorch finds on this machine."""
    cuda = tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return Hardware(
        cuda=cuda,
        cuda_bfloat16=bool(cuda) and torch.cuda.is_bf16_supported(),
        mps=torch.backends.mps.is_available(),
        cpu_bfloat16=_cpu_has_bfloat16(),
    )


def _cpu_has_bfloat16() -> bool:
    # These probes have no public name in PyTorch yet, and not every release has both.
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in probes)


@dataclass(frozen=True)
class Device:
    """One device chosen for a run."""

    name: str
    """PyTorch's name of it: cpu, cuda:0, mps."""
    description: str
    """For people."""
    fast_bfloat16: bool
    """Whether bfloat16 is faster than float32 here."""
    note: str | None = None
    """What a user should be told about the choice, or None."""

    @property
    def torch_device(self) -> torch.device:
        """PyTorch's object for this device."""
        return torch.device(self.name)

    @contextmanager
    def autocast(self, precision: Precision = "auto") -> Iterator[None]:
        """Run the network in `precision`; auto takes bfloat16 where it is fast, else float32."""
        enabled = precision == "bfloat16" or (precision == "auto" and self.fast_bfloat16)
        with torch.autocast(self.torch_device.type, dtype=torch.bfloat16, enabled=enabled):
            yield


def choose_device(name: str = "auto", hardware: Hardware | None = None) -> Device:
    """Return the device called `name`: auto, cpu, cuda, cuda:N or mps.

    auto prefers CUDA, then MPS, then the CPU, and notes a fall back to the CPU. A device asked for by name that
    is not there raises DeviceError.
    """
    found = probe_hardware() if hardware is None else hardware
    if name == "auto":
        if found.cuda:
            return _cuda(0, found)
        if found.mps:
            return _mps()
        return _cpu(found, note="no GPU found that PyTorch can use: running on the CPU")
    if name == "cpu":
        return _cpu(found)
    if name == "mps":
        if not found.mps:
            raise DeviceError(
                "--device mps", "Apple's Metal backend is not available here", "Use --device auto."
            )
        return _mps()
    kind, _, number = name.partition(":")
    if kind != "cuda" or (number and not number.isdecimal()) or name.endswith(":"):
        raise DeviceError(
            f"--device {name}", "there is no such kind of device", "Use auto, cpu, cuda, cuda:N or mps."
        )
    index = int(number or 0)
    if index >= len(found.cuda):
        there = (
            f"this machine has {len(found.cuda)} CUDA GPU(s)"
            if found.cuda
            else "PyTorch finds no CUDA GPU here"
        )
        raise DeviceError(f"--device {name}", there, "Use --device auto or cpu.")
    return _cuda(index, found)


def _cpu(found: Hardware, note: str | None = None) -> Device:
    return Device("cpu", f"CPU ({torch.get_num_threads()} threads)", found.cpu_bfloat16, note)


def _cuda(index: int, found: Hardware) -> Device:
    return Device(f"cuda:{index}", f"{found.cuda[index]} (cuda:{index})", found.cuda_bfloat16)


def _mps() -> Device:
    return Device("mps", "Apple GPU (mps)", fast_bfloat16=False)
