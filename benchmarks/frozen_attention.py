"""What freezing the attention costs: PSNR with frozen and with live maps, on real and on large simulated photos.

    python benchmarks/frozen_attention.py [--large 2] [--quality teacher]

Real photos are those of renoir-even that were trained on, below LGBPN_DATA (default ../shared/data). Large ones are
parts of 4.2 megapixels of the largest photographs in `clean`, reduced by whole factors where that leaves enough, and
taken anew by simulated cameras of high ISO. With live attention each tile of 1024 px has maps of its own (a photo in
one piece would take 20 GB).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.training.noise.camera import NoiseRanges, draw_camera, photograph
from lgbpn_cli.training.recipe import data_root

KEPT_OUT = ("34", "36", "38", "40")
LARGE_PIXELS = 2048 * 2048
TILE_PX = 1024
HIGH_ISO = NoiseRanges(shot=(2e-3, 1e-2))


def renoir(root: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Give name, noisy photo and reference, (h, w, 3) float32 in 0..1."""
    for path in sorted((root / "renoir-even" / "noisy").glob("*.png")):
        if not path.stem.startswith(KEPT_OUT):
            yield path.stem, read(path), read(root / "renoir-even" / "reference" / path.name)


def large(root: Path, count: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Give name, simulated photo and what it was made from."""
    random = np.random.default_rng(0)
    paths = sorted((root / "clean").glob("*.jpg"), key=pixels_of, reverse=True)
    for path in paths[:count]:
        factor = int((pixels_of(path) / LARGE_PIXELS) ** 0.5)
        scene = read(path, factor)
        rows = min(len(scene), int(LARGE_PIXELS**0.5))
        scene = np.ascontiguousarray(scene[:rows, : LARGE_PIXELS // rows])
        yield path.stem, photograph(scene, draw_camera(random, HIGH_ISO), random), scene


def pixels_of(path: Path) -> int:
    """Return how many pixels the picture has."""
    with Image.open(path) as image:
        return image.width * image.height


def read(path: Path, factor: int = 1) -> np.ndarray:
    """Return the picture, reduced by a whole factor, (h, w, 3) float32 in 0..1."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").reduce(factor), np.float32) / np.float32(255)


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    """Return decibels after rounding to 8 bit."""
    difference = np.rint(np.clip(image, 0, 1) * 255) - np.rint(reference * 255)
    return float(10 * np.log10(255**2 / np.square(difference).mean()))


def main() -> None:
    """Print a row for each photo and the means."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--large", type=int, default=2, help="how many large simulated photos (default 2)")
    parser.add_argument("--quality", default="teacher", choices=("teacher", "teacher-r3"))
    arguments = parser.parse_args()
    model = load_model(quality=arguments.quality)
    frozen = InferenceConfig(quality=arguments.quality, strength=1.0, tile_px=TILE_PX)
    print("| photo | noisy | frozen | live | frozen - live |\n|---|---|---|---|---|")
    for title, photos in (
        ("renoir-even", renoir(data_root())),
        ("large", large(data_root(), arguments.large)),
    ):
        rows = []
        for name, noisy, reference in photos:
            results = [
                run_network(noisy, model, each) for each in (frozen, replace(frozen, attention="live"))
            ]
            row = [psnr(each, reference) for each in (noisy, *results) if each is not None]
            rows.append(row)
            print(f"| {name} | {row[0]:.2f} | {row[1]:.3f} | {row[2]:.3f} | {row[1] - row[2]:+.3f} |")
            sys.stdout.flush()
        mean = np.mean(rows, axis=0)
        print(f"| **{title}** | {mean[0]:.2f} | {mean[1]:.3f} | {mean[2]:.3f} | {mean[1] - mean[2]:+.3f} |")


if __name__ == "__main__":
    main()
