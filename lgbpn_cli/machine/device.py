"""Which devices there are and what they can do: the one object that knows about CUDA, MPS and CPU features."""

from __future__ import annotations

import hashlib
import os
import platform
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import torch
from platformdirs import user_cache_path
from torch import Tensor
from torch.nn import functional

from lgbpn_cli.config import Precision
from lgbpn_cli.errors import DeviceError
from lgbpn_cli.machine.memory import free_bytes

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""PyTorch's number formats by the names that --precision takes."""


ANSWERS = ("float32 is faster", "bfloat16 is faster")
"""What is kept about a machine."""


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
    """Whether the CPU has bfloat16 instructions that are faster than float32 (AMX, or a fast AVX512-BF16)."""


def probe_hardware() -> Hardware:
    """Return what PyTorch finds on this machine."""
    cuda = tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return Hardware(
        cuda=cuda,
        cuda_bfloat16=bool(cuda) and torch.cuda.is_bf16_supported(including_emulation=False),
        mps=torch.backends.mps.is_available(),
        cpu_bfloat16=has_fast_bfloat16(torch.cpu, _bfloat16_convolves_faster),
    )


def has_fast_bfloat16(cpu: object, convolves_faster: Callable[[], bool]) -> bool:
    """Return whether a CPU computes faster in bfloat16, told by the probes of `cpu`, PyTorch's torch.cpu, if it can be.

    CPUs with AVX512-BF16 and no AMX differ too much to tell by their features: `lgbpn bench --precision float32
    --precision bfloat16` gave 1.9 times the speed in bfloat16 on one, and two thirds of it on another.
    """
    # The probes have no public names in PyTorch yet, and not every release has them.
    amx, avx512 = (
        bool(getattr(cpu, name, bool)()) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )
    return amx or (avx512 and convolves_faster())


@cache
def _bfloat16_convolves_faster() -> bool:
    # On a busy machine the times vary, and results of one folder would mix: the first answer stays.
    return decided_once(
        f"{_processor()}, PyTorch {torch.__version__}",
        lambda: convolution_seconds(torch.bfloat16) < convolution_seconds(torch.float32),
        user_cache_path("lgbpn", appauthor=False),
    )


def decided_once(machine: str, decide: Callable[[], bool], cache_folder: Path) -> bool:
    """Return what was decided for this machine before, or decide it now and keep the answer in the folder.

    Where that cannot be written to, each process decides anew.
    """
    name = f"bfloat16-{hashlib.sha256(machine.encode()).hexdigest()[:16]}.txt"
    path = cache_folder / name
    with suppress(OSError, ValueError):
        return ANSWERS.index(path.read_text("utf-8").partition("\n")[0]) == 1
    faster = decide()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{name}.{os.getpid()}")
        part.write_text(f"{ANSWERS[faster]}\n{machine}\n", "utf-8")
        part.replace(path)
    return faster


def _processor() -> str:
    """Return the processor's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def convolution_seconds(dtype: torch.dtype) -> float:
    """Return how long a convolution like the student's takes here: a few milliseconds."""
    pixels, kernel = (
        torch.zeros(shape, dtype=dtype).contiguous(memory_format=torch.channels_last)
        for shape in ((1, 64, 64, 64), (64, 64, 3, 3))
    )
    with torch.inference_mode():
        return min(timeit.repeat(lambda: functional.conv2d(pixels, kernel, padding=1), number=1, repeat=6))


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
    automatic: bool = False
    """Whether it was not asked for by name: another may take its place."""

    @property
    def torch_device(self) -> torch.device:
        """PyTorch's object for this device."""
        return torch.device(self.name)

    @property
    def is_cpu(self) -> bool:
        """Whether it computes in the program's own memory."""
        return self.name == "cpu"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """What --precision may ask for here, auto apart."""
        if self.name == "mps":
            return ("float32",)
        if self.is_cpu or self.fast_bfloat16:
            return ("float32", "bfloat16", "float16")
        return ("float32", "float16")

    def precision(self, wanted: Precision = "auto") -> Precision:
        """Return the number format to use; auto takes bfloat16 where it is fast, else float32.

        Raises DeviceError for one that this device has no instructions for.
        """
        if wanted == "auto":
            return "bfloat16" if self.fast_bfloat16 else "float32"
        if wanted not in self.precisions:
            raise DeviceError(
                f"`precision` {wanted}",
                f"{self.description} cannot compute in it",
                f"Use {' or '.join(self.precisions)}.",
            )
        return wanted

    @contextmanager
    def autocast(self, precision: Precision = "auto") -> Iterator[None]:
        """Run the network's convolutions and products in `precision`, their sums in float32."""
        dtype = DTYPES[self.precision(precision)]
        if self._is_cuda:
            torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
            torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
            # By itself cuDNN rounds the numbers of float32 convolutions to ten bits of mantissa.
            torch.backends.cudnn.allow_tf32 = dtype != torch.float32
        if dtype == torch.float32:
            dtype, enabled = torch.bfloat16, False
        else:
            enabled = True
        with torch.autocast(self.torch_device.type, dtype=dtype, enabled=enabled):
            yield

    def free_bytes(self) -> int | None:
        """Return the memory that can be had here now, or None where nothing tells."""
        if self._is_cuda:
            free: int = torch.cuda.mem_get_info(self.torch_device)[0]
            return free
        if self.name == "mps":
            return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
        return free_bytes()

    def upload(self, pixels: np.ndarray) -> Tensor:
        """Return pixels (h, w, 3) as (1, 3, h, w) here, channels-last in memory.

        CUDA copies from pinned memory on a stream of its own, so that a tile comes while the one before it is
        computed.
        """
        rows = torch.from_numpy(np.require(pixels, requirements=["C", "W"]))
        if self._is_cuda:
            copying = _copying_stream(self.name)
            with torch.cuda.stream(copying):
                rows = rows.pin_memory().to(self.torch_device, non_blocking=True)
            computing = torch.cuda.current_stream(self.torch_device)
            computing.wait_stream(copying)
            rows.record_stream(computing)
        else:
            rows = rows.to(self.torch_device)
        return rows.permute(2, 0, 1)[None]

    def download(self, estimate: Tensor) -> Callable[[], np.ndarray]:
        """Begin to fetch (1, 3, h, w); the function returned waits for it and returns (h, w, 3) float32."""
        rows = estimate[0].permute(1, 2, 0).float()
        if not self._is_cuda:
            return lambda: rows.cpu().numpy()
        fetched = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
        fetched.copy_(rows, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record(torch.cuda.current_stream(self.torch_device))

        def wait() -> np.ndarray:
            arrived.synchronize()
            return fetched.numpy()

        return wait

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Return whether `error` says that a smaller piece of work might have fitted."""
        if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
            return True
        text = str(error)
        return isinstance(error, RuntimeError) and (
            "out of memory" in text or "can't allocate memory" in text
        )

    def release_memory(self) -> None:
        """Give back what is kept for reuse, so that pieces of another size find room."""
        if self._is_cuda:
            torch.cuda.empty_cache()
        elif self.name == "mps":
            torch.mps.empty_cache()

    @property
    def _is_cuda(self) -> bool:
        return self.name.startswith("cuda")


@cache
def _copying_stream(device: str) -> torch.cuda.Stream:
    # One for all tiles: what was taken on one stream is not used again on another, and each tile would stay.
    return torch.cuda.Stream(torch.device(device))  # type: ignore[no-untyped-call]


def resident_bytes() -> int:
    """Return the memory that this process occupies now."""
    occupied: int = psutil.Process().memory_info().rss
    return occupied


@dataclass(frozen=True)
class DeviceFacts:
    """What a user may know of one device."""

    name: str
    description: str
    free_bytes: int | None
    """Memory to be had now; None where nothing tells."""
    precisions: tuple[Precision, ...]
    """What --precision may be here."""
    auto_precision: Precision
    """What --precision auto takes."""


@dataclass(frozen=True)
class DeviceList:
    """All devices, the one that `auto` takes, and why."""

    devices: tuple[DeviceFacts, ...]
    auto: str
    why: str


def list_devices(hardware: Hardware | None = None) -> DeviceList:
    """Return every device that is here; the first is what `auto` takes."""
    found = probe_hardware() if hardware is None else hardware
    gpus = [_cuda(index, found) for index in range(len(found.cuda))]
    there = [*gpus, *([_mps()] if found.mps else []), _cpu(found)]
    facts = (
        DeviceFacts(each.name, each.description, each.free_bytes(), each.precisions, each.precision())
        for each in there
    )
    if there[0].is_cpu:
        why = "PyTorch finds no GPU that it can use"
    else:
        why = "a GPU is faster than the CPU" + ("; other GPUs are used by name" if len(gpus) > 1 else "")
    return DeviceList(tuple(facts), there[0].name, why)


def choose_device(name: str = "auto", hardware: Hardware | None = None) -> Device:
    """Return the device called `name`: auto, cpu, cuda, cuda:N or mps.

    auto prefers CUDA, then MPS, then the CPU, and notes a fall back to the CPU. A device asked for by name that
    is not there raises DeviceError.
    """
    found = probe_hardware() if hardware is None else hardware
    if name == "auto":
        if found.cuda:
            return _cuda(0, found, automatic=True)
        if found.mps:
            return _mps(automatic=True)
        return _cpu(found, note="no GPU found that PyTorch can use: running on the CPU")
    if name == "cpu":
        return _cpu(found)
    if name == "mps":
        if not found.mps:
            raise DeviceError(
                "`device=mps`", "Apple's Metal backend is not available here", "Use `device=auto`."
            )
        return _mps()
    kind, _, number = name.partition(":")
    if kind != "cuda" or (number and not number.isdecimal()) or name.endswith(":"):
        raise DeviceError(
            f"`device` {name}", "there is no such kind of device", "Use auto, cpu, cuda, cuda:N or mps."
        )
    index = int(number or 0)
    if index >= len(found.cuda):
        there = (
            f"this machine has {len(found.cuda)} CUDA GPU(s)"
            if found.cuda
            else "PyTorch finds no CUDA GPU here"
        )
        raise DeviceError(f"`device` {name}", there, "Use `device=auto` or cpu.")
    return _cuda(index, found)


def _cpu(found: Hardware, note: str | None = None) -> Device:
    return Device("cpu", f"CPU ({torch.get_num_threads()} threads)", found.cpu_bfloat16, note)


def _cuda(index: int, found: Hardware, *, automatic: bool = False) -> Device:
    description = f"{found.cuda[index]} (cuda:{index})"
    return Device(f"cuda:{index}", description, found.cuda_bfloat16, automatic=automatic)


def _mps(*, automatic: bool = False) -> Device:
    return Device("mps", "Apple GPU (mps)", fast_bfloat16=False, automatic=automatic)
