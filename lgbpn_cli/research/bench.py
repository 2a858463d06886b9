"""How fast a model runs here, in what memory, and how well its tiles agree; for `lgbpn bench`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from lgbpn_cli.config import (
    NETWORKS,
    PART_OF_QUALITY,
    InferenceConfig,
    NetworkConfig,
    Precision,
    Quality,
    StudentConfig,
)
from lgbpn_cli.errors import UsageError
from lgbpn_cli.inference.plan import Plan
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.machine.device import DTYPES, Device, resident_bytes
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student

UNTRAINED = "untrained:"
"""What names of models begin with that are shapes with random weights: speed does not depend on the weights."""
SHAPES: dict[str, NetworkConfig | StudentConfig] = {**NETWORKS, "student": StudentConfig()}
"""The shapes that may follow."""
MATRIX_SIDE = 2048
"""Side of the matrices whose product shows what the machine can do."""
CONVOLUTION_SIDE, CONVOLUTION_WIDTH = 192, 128
"""Side and channels of what is convolved for the same."""
COUNTED_SIDE_PX = 128
"""Side of the picture whose multiplications are counted."""
SAMPLING_SECONDS = 0.005
PROFILER_SAYS_NOTHING = "99"
"""A level above all that PyTorch's profiler knows: else it writes lines of its own to the terminal."""


@dataclass(frozen=True)
class Speed:
    """One measurement, the best of several runs over a photo of noise."""

    model: str
    quality: str
    precision: str
    device: str
    plan: str
    megapixels: float
    seconds: float
    megapixels_per_second: float
    peak_resident_bytes: int
    """Most memory of the process while it ran, the photo and its result included."""
    share_of_peak: float
    """Multiplications a second that the photo needs (halos not counted), over the most that was seen."""
    peak_flops_per_second: float
    """Of a large matrix product or a large convolution, whichever has more: libraries are not equally good at both."""
    convolution_share: float
    """Share of the processor's time that convolutions took; NaN on other devices."""


@dataclass(frozen=True)
class Agreement:
    """How far a photo in tiles is from the photo in one piece, in steps of 8 bit."""

    tile_px: int
    halo_px: int
    tiles: int
    share_above_half_step: float
    """Of pixels."""
    largest_steps: float
    seam_score: float
    """Gradient energy along the tiles' borders, over that of the whole at the same pixels.

    NaN without borders, or where the whole has no gradients there.
    """


def load_for_bench(name: str | None, quality: Quality | None, device: Device) -> Model:
    """Return a model by name or file, or one of random weights: untrained:published, :small or :student.

    Raises UsageError for an unknown shape, ModelError for an unknown model.
    """
    name = name or DEFAULT_MODEL
    if not name.startswith(UNTRAINED):
        return load_model(name, part=None if quality is None else PART_OF_QUALITY[quality], device=device)
    shape = SHAPES.get(name.removeprefix(UNTRAINED))
    if shape is None:
        raise UsageError(f"`model` {name}", "there is no such shape", f"Use one of {', '.join(SHAPES)}.")
    torch.manual_seed(0)
    model = Model(name, "", "sidd", _untrained(shape).eval(), device)
    model.move_to(device)
    return model


def _untrained(shape: NetworkConfig | StudentConfig) -> LGBPN | Student:
    if not isinstance(shape, StudentConfig):
        return LGBPN(shape)
    student = Student(shape)
    torch.nn.init.normal_(student.exit.weight, std=0.01)  # it would return its input
    return student


def measure_speed(model: Model, config: InferenceConfig, *, megapixels: float, repeats: int) -> Speed:
    """Return the measurement of one setting over a square photo of that size, 8 bit noise."""
    side = max(1, round((megapixels * 1e6) ** 0.5))
    photo = _Noise(side)
    plans: list[Plan] = []
    result = np.empty(photo.shape, np.float32)

    def run() -> None:
        run_network(photo, model, config, into=result, watch=Watch(planned=plans.append))

    with peak_of(resident_bytes) as peak:
        seconds = best_seconds(run, repeats)
    plan = plans[0]
    flops, peak_flops = flops_per_pixel(model, config) * side**2, peak_flops_of(model.device, plan.precision)
    return Speed(
        model=model.name,
        quality=model.quality(config.quality),
        precision=plan.precision,
        device=model.device.name,
        plan=str(plan),
        megapixels=side**2 / 1e6,
        seconds=seconds,
        megapixels_per_second=side**2 / 1e6 / seconds,
        peak_resident_bytes=peak(),
        share_of_peak=flops / seconds / peak_flops,
        peak_flops_per_second=peak_flops,
        convolution_share=convolution_share(run) if model.device.is_cpu else float("nan"),
    )


def measure_agreement(
    image: np.ndarray, model: Model, config: InferenceConfig, tiles_px: Sequence[int]
) -> list[Agreement]:
    """Return how each tile size compares with the photo in one piece; `image` is (h, w, 3) float32."""
    whole = _result(image, model, replace(config, tile_px=max(image.shape[:2]) + 4096))
    found = []
    for tile_px in tiles_px:
        plans: list[Plan] = []
        tiled = _result(image, model, replace(config, tile_px=tile_px), Watch(planned=plans.append))
        steps = np.abs(tiled - whole).max(axis=2) * 255
        side = plans[0].tile_px
        rows, columns = (range(side, length, side) for length in image.shape[:2])
        found.append(
            Agreement(
                tile_px=side,
                halo_px=plans[0].halo_px,
                tiles=(len(rows) + 1) * (len(columns) + 1),
                share_above_half_step=float((steps > 0.5).mean()),
                largest_steps=float(steps.max()),
                seam_score=seam_score(tiled, whole, rows, columns),
            )
        )
    return found


def seam_score(tiled: np.ndarray, whole: np.ndarray, rows: Sequence[int], columns: Sequence[int]) -> float:
    """Return the gradient energy across the borders at these rows and columns: tiled over whole.

    NaN where there are no borders, or nothing but flat areas at them.
    """

    def energy(image: np.ndarray) -> float:
        across = [image[rows] - image[[row - 1 for row in rows]]]
        across.append(image[:, columns] - image[:, [column - 1 for column in columns]])
        return float(sum((each.astype(np.float64) ** 2).sum() for each in across))

    there = energy(whole) if rows or columns else 0.0
    return energy(tiled) / there if there > 0 else float("nan")


def best_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Return the shortest of `repeats` runs, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_flops_of(device: Device, precision: Precision) -> float:
    """Return the floating-point operations a second of a large matrix product or convolution, the best of several."""
    matrix = torch.rand(MATRIX_SIDE, MATRIX_SIDE).to(device.torch_device, DTYPES[precision])
    picture, kernel = (
        torch.rand(shape)
        .to(device.torch_device, DTYPES[precision])
        .contiguous(memory_format=torch.channels_last)
        for shape in (
            (1, CONVOLUTION_WIDTH, CONVOLUTION_SIDE, CONVOLUTION_SIDE),
            (CONVOLUTION_WIDTH, CONVOLUTION_WIDTH, 3, 3),
        )
    )

    def product() -> None:
        float((matrix @ matrix)[0, 0])  # waits for the device

    def convolution() -> None:
        float(torch.conv2d(picture, kernel, padding=1)[0, 0, 0, 0])

    with torch.inference_mode():
        return max(
            2 * MATRIX_SIDE**3 / best_seconds(product, 5),
            2 * 9 * (CONVOLUTION_WIDTH * CONVOLUTION_SIDE) ** 2 / best_seconds(convolution, 5),
        )


def flops_per_pixel(model: Model, config: InferenceConfig) -> float:
    """Return the floating-point operations that the network needs for each pixel of a photo, halos apart."""
    photo = _Noise(COUNTED_SIDE_PX)
    with FlopCounterMode(display=False, custom_mapping=FLOPS_OF_FUSED) as counter:
        run_network(photo, model, replace(config, tile_px=COUNTED_SIDE_PX + 4096, max_memory_bytes=None))
    return float(counter.get_total_flops()) / COUNTED_SIDE_PX**2


def convolution_share(call: Callable[[], Any]) -> float:
    """Return the share of the CPU's time inside `call` that convolutions take."""
    os.environ.setdefault("KINETO_LOG_LEVEL", PROFILER_SAYS_NOTHING)
    with torch.profiler.profile() as profile:
        call()
    events = profile.key_averages()
    convolutions = sum(event.self_cpu_time_total for event in events if "conv" in event.key)
    return float(convolutions / sum(event.self_cpu_time_total for event in events))


@contextmanager
def peak_of(read: Callable[[], int]) -> Iterator[Callable[[], int]]:
    """Watch a number from a thread of its own; the function given tells the largest seen."""
    largest, stop = [read()], threading.Event()

    def watch() -> None:
        while not stop.wait(SAMPLING_SECONDS):
            largest[0] = max(largest[0], read())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: largest[0]
    finally:
        stop.set()
        thread.join()


def _flops_of_fused(image: torch.Size, *rest: Any, out_shape: torch.Size, **_: Any) -> int:
    """Return the operations of a convolution in one call with what follows it; what is added stands before weights."""
    weight = next(
        shape for shape in rest[1::-1] if isinstance(shape, torch.Size) and len(shape) == len(image)
    )
    return 2 * weight.numel() * out_shape[0] * out_shape[2:].numel()


FLOPS_OF_FUSED: dict[Any, Any] = {torch.ops.mkldnn._convolution_pointwise: _flops_of_fused}


class _Noise:
    """A photo of 8 bit noise, converted as it is asked for."""

    def __init__(self, side: int) -> None:
        self.shape = (side, side, 3)
        self._pixels = np.random.default_rng(0).integers(0, 256, self.shape, np.uint8)
        self.nbytes = self._pixels.nbytes

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        return self._pixels[window] / np.float32(255)


def _result(image: np.ndarray, model: Model, config: InferenceConfig, watch: Watch = UNWATCHED) -> np.ndarray:
    result = np.empty_like(image)
    run_network(image, model, config, into=result, watch=watch)
    return result
