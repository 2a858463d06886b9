"""What the networks and the readers of photo files gave when it was right, kept in files beside this one.

    python tests/golden/golden.py

records it anew, with sample files of every kind: after a change that is to change results, and after no other.
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lgbpn_cli.config import InferenceConfig, NetworkConfig, RawConfig, StudentConfig
from lgbpn_cli.inference.mosaic import BayerMosaic, run_raw_network
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.network.student import Student
from lgbpn_cli.noise.network import TILE_PX, NoiseEstimator
from lgbpn_cli.photos.read import read_photo

FOLDER = Path(__file__).parent
SAMPLES, PIXELS, RESULTS = FOLDER / "samples", FOLDER / "pixels.npz", FOLDER / "networks.npz"
CPU = Device("cpu", "CPU", False)
SIZE = (76, 100)
"""Height and width of the photo that networks are given: no multiple of what they sample by."""
EVERY = 3
"""Of their results every so many-th pixel is kept, of rows and columns."""
KEPT = (
    *("base.jpg", "deep.png", "deep.tif", "lzw.tif", "float.tif", "lossless.webp", "lossy.webp", "a.avif"),
    *("deep.avif", "a.jxl", "deep.jxl", "a.jp2", "a.bmp", "a.tga", "linear.dng"),
)
"""Of the samples that are made for fuzzing; the HEIC is one already."""


def filled(network: nn.Module) -> nn.Module:
    """Return the network with weights that depend on their names and shapes alone, whatever PyTorch draws."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            random = np.random.default_rng(zlib.crc32(name.encode()))
            drawn = random.standard_normal(tuple(value.shape)).astype(np.float32)
            of_norm = value.ndim < 2 and float(value.min()) == float(value.max()) == 1
            scale = 0.7 * value[0].numel() ** -0.5 if value.ndim > 1 else 0.1
            value.copy_(torch.from_numpy(scale * drawn + of_norm))
    return network.eval()


def photo() -> np.ndarray:
    """A slope of colours with noise on it, (76, 100, 3), 0..1."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    slope = np.stack([rows / SIZE[0], columns / SIZE[1], (rows + columns) / sum(SIZE)], axis=2)
    noise = np.random.default_rng(0).standard_normal((*SIZE, 3))
    return (0.2 + 0.6 * slope + 0.05 * noise).clip(0, 1).astype(np.float32)


def of_photo(network: nn.Module, quality: str) -> np.ndarray:
    config = InferenceConfig(quality=quality, tile_px=64, precision="float32")  # type: ignore[arg-type]
    model = Model("golden", "0" * 64, "sidd", network, CPU)  # type: ignore[arg-type]
    result = run_network(photo(), model, config)
    assert result is not None
    return result[::EVERY, ::EVERY]


def of_mosaic() -> np.ndarray:
    samples = photo()[..., 0] * np.float32(0.5)
    noise = np.tile(np.float32([1e-3, 1e-5]), (3, 1))
    mosaic = BayerMosaic(samples, np.array([[1, 2], [0, 1]], np.uint8), noise, (2.0, 1.0, 1.5))
    network = filled(RawNetwork(RawConfig(widths=(8, 12), blocks=1)))
    model = Model("golden", "0" * 64, "sidd", network, CPU)  # type: ignore[arg-type]
    result = run_raw_network(mosaic, model, InferenceConfig(quality="fast", tile_px=64, precision="float32"))
    assert result is not None
    return result[::EVERY, ::EVERY]


@torch.inference_mode()
def of_tiles() -> np.ndarray:
    part = photo()
    tiles = part[:TILE_PX, :TILE_PX].transpose(2, 0, 1)[None]
    level, error = filled(NoiseEstimator())(torch.from_numpy(np.ascontiguousarray(tiles)))
    return torch.cat([level, error]).numpy()


TEACHER = NetworkConfig(width=8, head_width=4, local_modules=1, global_blocks=1, value_range=1.0)
NETWORKS: dict[str, Callable[[], np.ndarray]] = {
    "teacher": lambda: of_photo(filled(LGBPN(TEACHER)), "teacher"),
    "teacher-r3": lambda: of_photo(filled(LGBPN(TEACHER)), "teacher-r3"),
    "student, fast": lambda: of_photo(filled(Student(StudentConfig(widths=(8, 12), blocks=1))), "fast"),
    "student, best": lambda: of_photo(filled(Student(StudentConfig(widths=(8, 12), blocks=1))), "best"),
    "raw": of_mosaic,
    "noise estimator": of_tiles,
}
"""What each network makes of a fixed picture, as float32."""


def sample_files() -> list[Path]:
    """One file of each kind that is read."""
    return [FOLDER / "ten_bits.heic", *sorted(SAMPLES.iterdir())]


def decoded(path: Path) -> np.ndarray:
    """The samples of a photo file, transparency behind the colours."""
    found = read_photo(path)
    return found.pixels if found.alpha is None else np.dstack([found.pixels, found.alpha])


def histogram(result: np.ndarray, golden: np.ndarray, unit: float) -> str:
    """How many values are off by how much, in lines: what to look at when a golden result is missed."""
    errors = np.abs(result.astype(np.float64) - golden.astype(np.float64)).ravel() / unit
    edges = [0, 0.5, 1, 2, 4, 8, 16, 32, 64, np.inf]
    counts, _ = np.histogram(errors, edges)
    lines = [f"off by, in units of {unit:g}: mean {errors.mean():.3f}, most {errors.max():.3f}"]
    return "\n".join(lines + list(_bars(counts, edges, errors.size)))


def _bars(counts: np.ndarray, edges: list[float], size: int) -> Iterator[str]:
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        yield f"  {low:4g} to {high:4g}: {count:7d} {'#' * round(50 * count / size)}"


def record() -> None:
    """Write the samples, their pixels, and what the networks give."""
    sys.path.insert(0, str(FOLDER.parent / "fuzz"))
    from small_samples import make_samples

    SAMPLES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for path in make_samples(Path(folder)):
            if path.name in KEPT:
                (SAMPLES / path.name).write_bytes(path.read_bytes())
    np.savez_compressed(PIXELS, **{path.name: decoded(path) for path in sample_files()})
    np.savez_compressed(RESULTS, **{name: make() for name, make in NETWORKS.items()})


if __name__ == "__main__":
    record()
