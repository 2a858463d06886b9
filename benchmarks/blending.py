"""How long another mixture takes: `lgbpn blend`'s steps on photos of 24 megapixels, without the network.

    python benchmarks/blending.py [--megapixels 24] [--runs 3] [--types jpg png]

Prints a line for each type of photo: seconds of processor time to mix luma and chroma apart, to lay grain as well, to
read both files and to write the result. The photo is drawn: noise on a slope.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.denoise.blend import blend_photos
from lgbpn_cli.look import Grain, Look
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo


def main() -> None:
    parser = argparse.ArgumentParser(description="How long lgbpn blend takes, step by step.")
    parser.add_argument("--megapixels", type=float, default=24.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--types", nargs="+", default=["jpg", "png"])
    asked = parser.parse_args()
    height = round((asked.megapixels * 1e6 / 1.5) ** 0.5)
    shape = (height, round(height * 1.5), 3)
    random = np.random.default_rng(0)
    slope = np.linspace(40, 200, shape[1], dtype=np.float32)[None, :, None]
    pixels = [
        np.clip(slope + level * random.standard_normal(shape, np.float32), 0, 255).astype(np.uint8)
        for level in (12.0, 2.0)
    ]
    for name in asked.types:
        with tempfile.TemporaryDirectory() as folder:
            times = steps_of(Path(folder), name, pixels, asked.runs)
        print(
            f"{name}, {asked.megapixels:g} MP: " + ", ".join(f"{step} {s:.2f} s" for step, s in times.items())
        )


def steps_of(folder: Path, name: str, pixels: list[np.ndarray], runs: int) -> dict[str, float]:
    """Return the seconds of each step for a photo and its result in files of that type."""
    noisy, clean = (folder / f"{number}.{name}" for number in range(2))
    for path, each in zip((noisy, clean), pixels, strict=True):
        Image.fromarray(each).save(path, quality=95, compress_level=1)
    photo, full = read_photo(noisy), read_photo(clean)
    return {
        "mix": median(runs, lambda: blend_photos(photo, full, Look(0.5, 1.0), 0)),
        "mix and grain": median(runs, lambda: blend_photos(photo, full, Look(0.5, 1.0, Grain(3)), 0)),
        "read both": median(runs, lambda: (read_photo(noisy), read_photo(clean))),
        "write": median(runs, lambda: write_photo(photo, folder / f"out.{name}")),
    }


def median(runs: int, step: Callable[[], object]) -> float:
    """Return the median seconds of processor time that a step takes, of all threads together."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        step()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
