"""A network without weights and without PyTorch: the command's own behaviour, tested in milliseconds.

`install` puts it in the place of the real rooms; run as a program, this file is `lgbpn` with that network.
It answers with the negative of a photo, which is exact in 8 and 16 bits.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from lgbpn_cli.config import DEFAULT_QUALITY, InferenceConfig
from lgbpn_cli.errors import DeviceError, ModelError, UsageError
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.models.manifest import shipped_noise_estimator
from lgbpn_cli.models.names import DEFAULT_MODEL

ENDLESS_S = 10_000
NOTE = "no GPU found: running on the CPU"
SECONDS_PER_TILE = "FAKE_SECONDS_PER_TILE"
"""Environment variable that makes the network slow."""
DEADLY_WIDTH = "FAKE_DEADLY_WIDTH"
"""Environment variable: photos of this width end the process that denoises them."""
ENDLESS_WIDTH = "FAKE_ENDLESS_WIDTH"
"""Environment variable: photos of this width are never done, so that a test can be sure to find a run at work."""


@dataclass(frozen=True)
class FakeModel:
    name: str
    device: SimpleNamespace
    sha256: str = "5ba"
    preset: str = "sidd"
    part: str = "teacher"
    network: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(halo_px=16))

    def quality(self, wanted: str | None) -> str:
        return wanted or DEFAULT_QUALITY[self.part]


def choose_device(name: str = "auto") -> SimpleNamespace:
    if name not in ("auto", "cpu"):
        raise DeviceError(f"--device {name}", "PyTorch finds no CUDA GPU here", "Use --device auto or cpu.")
    note = NOTE if name == "auto" else None
    return SimpleNamespace(name="cpu", description="CPU (2 threads)", note=note, precision=str)


def load_model(name_or_file: str, *, part: str | None = None, device: SimpleNamespace) -> FakeModel:
    if name_or_file == DEFAULT_MODEL:
        name_or_file = "fake"
    if name_or_file not in ("fake", "other"):
        raise ModelError(f"model '{name_or_file}'", "there is no such model", "See lgbpn models list.")
    part = part or "teacher"
    return FakeModel(name_or_file, device, sha256=f"sum of {name_or_file} {part}", part=part)


def run_network(
    image: Any,
    model: FakeModel,
    config: InferenceConfig,
    *,
    into: Any = None,
    around_bytes: int = 0,
    watch: Watch = UNWATCHED,
) -> np.ndarray:
    everything = slice(0, image.shape[0]), slice(0, image.shape[1])
    pixels = image[everything]
    if pixels.dtype != np.float32 or pixels.shape != image.shape or image.shape[2] != 3:
        raise RuntimeError(f"the network got {pixels.dtype} of shape {image.shape}")
    if pixels.shape[1] == int(os.environ.get(DEADLY_WIDTH, "0")):
        os.abort()
    if pixels.shape[1] == int(os.environ.get(ENDLESS_WIDTH, "0")):
        time.sleep(ENDLESS_S)
    watch.planned("in no time")  # type: ignore[arg-type]  # as a plan's line
    tile_px = config.tile_px or 512
    tiles = math.ceil(image.shape[0] / tile_px) * math.ceil(image.shape[1] / tile_px)
    if config.quality == "teacher-r3":
        tiles *= 1 + config.refine_passes
    for done in range(1, tiles + 1):
        time.sleep(float(os.environ.get(SECONDS_PER_TILE, "0")))
        watch.tile(done, tiles)
    clean = 1 - pixels
    if into is not None:
        into[everything] = clean
    return clean


def plan_inference(
    height: int,
    width: int,
    model: FakeModel,
    config: InferenceConfig,
    *,
    held_bytes: int = 0,
    around_bytes: int = 0,
) -> SimpleNamespace:
    """The fake network needs a megabyte beside the photo."""
    needed = 1_000_000 + max(held_bytes, around_bytes)
    if config.max_memory_bytes is not None and config.max_memory_bytes < needed:
        raise UsageError("--max-memory", "too little", "Allow more.")
    return SimpleNamespace(expected_bytes=needed)


def install(put: Callable[[str, ModuleType], None]) -> None:
    """Hand the fake rooms to `put`, each with the name of the module it stands for."""
    rooms: dict[str, dict[str, object]] = {
        "lgbpn_cli.machine.device": {
            "choose_device": choose_device,
            "probe_hardware": lambda: SimpleNamespace(cuda=()),
        },
        "lgbpn_cli.models.load": {"load_model": load_model, "Model": FakeModel},
        "lgbpn_cli.inference.run": {"run_network": run_network},
        "lgbpn_cli.inference.plan": {"plan_inference": plan_inference},
        # A negative is no picture with less noise: nothing of the original would be left out of it.
        "lgbpn_cli.denoise.detail": {
            "give_detail_back": lambda noisy, clean, noise, tolerance, merge: clean,
            "TOLERANCES": {"teacher": 1.2, "student": 1.5},
        },
    }
    for name, contents in rooms.items():
        room = ModuleType(name)
        vars(room).update(contents)
        put(name, room)


def cell_levels() -> Any:
    """Return a noise estimator that sees ten levels everywhere; the real one would import PyTorch."""

    def see(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        levels = np.full((len(tiles), 4, 3), 10, np.float32)
        return levels, levels / 100

    see.sha256 = shipped_noise_estimator()[1]  # type: ignore[attr-defined]
    return see


if __name__ in ("__main__", "__mp_main__"):  # the second in the workers that such an lgbpn starts
    install(sys.modules.__setitem__)
    sys.modules["lgbpn_cli.noise.estimator"] = estimator = ModuleType("lgbpn_cli.noise.estimator")
    vars(estimator)["cell_levels"] = cell_levels
if __name__ == "__main__":
    from lgbpn_cli.cli.main import main

    main()
