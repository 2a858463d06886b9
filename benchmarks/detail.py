"""How much of what a student removed is given back, and what that brings: strong noise, and hardly any.

    python benchmarks/detail.py [--model FILE] [--reduce 2 --reduce 3 --reduce 4]

Photos with references that are trained on, and low-noise photos that are not (`exclude` in recipes/student.toml),
reduced, with the noise of simulated cameras of low ISO laid on them. The rows differ in how much energy may be
removed: all (`--strength 1`); so many times what was measured in the photo; and at most twice what was removed where
least was, too (`--strength auto`). In decibels: mean PSNR, and the least gain of any photo over its noisy input.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from measure_noise import SETS
from measure_presets import middle, psnr_8bit
from PIL import Image

from lgbpn_cli import adaptation
from lgbpn_cli.adaptation import LEAST_TOLERANCE, TOLERANCES, give_detail_back
from lgbpn_cli.colour import to_working
from lgbpn_cli.denoiser import load_model
from lgbpn_cli.models.load import DEFAULT_MODEL
from lgbpn_cli.network.student import Student
from lgbpn_cli.noise import measure_noise
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.recipe import data_root, read_distillation_recipe
from lgbpn_cli.training.synthesis import NoiseRanges, draw_camera, photograph

Photos = Iterator[tuple[np.ndarray, np.ndarray]]
"""Noisy and clean, (h, w, 3) in 0..1."""
NO_LIMIT = 1e9
WAYS = {
    "all removed": None,
    "1.2 x measured": (1.2, NO_LIMIT),
    "1.5 x measured": (1.5, NO_LIMIT),
    "auto": (TOLERANCES["student"], LEAST_TOLERANCE),
    "the same, 1.5 x least": (TOLERANCES["student"], 1.5),
}
SHOTS = (3e-5, 1e-4, 1e-3)
"""Variance of the shot noise at full scale; up to twice as much."""
SIDE_PX = 384


def real(name: str) -> Photos:
    """Yield the pairs of a set whose noisy halves were trained on."""
    for path in sorted((data_root() / name / "reference").iterdir()):
        if not path.name.startswith(SETS[name]):
            noisy = to_working(read_photo(path.parent.parent / "noisy" / path.name))
            yield noisy, to_working(read_photo(path))


def simulated(shot: float, reductions: list[int]) -> Photos:
    """Yield the middles of the low-noise photos that are not trained on, reduced, with noise on them."""
    source = next(
        each for each in read_distillation_recipe(Path("recipes/student.toml")).sources if each.own_targets
    )
    kept_out = sorted(
        path for pattern in source.exclude for path in (data_root() / source.folder).glob(pattern)
    )
    for number, path in enumerate(kept_out):
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        for factor in reductions:
            clean = middle(np.asarray(photo.reduce(factor), np.float32) / 255, SIDE_PX)
            random = np.random.default_rng(number)
            noisy = photograph(clean, draw_camera(random, NoiseRanges(shot=(shot, 2 * shot))), random)
            yield np.rint(np.clip(noisy, 0, 1) * 255).astype(np.float32) / 255, clean


@torch.inference_mode()
def print_rows(name: str, photos: Photos, network: Student) -> None:
    """Print a row for each way."""
    scores: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for noisy, clean in photos:
        noise, before = measure_noise(noisy), psnr_8bit(noisy, clean)
        result = (
            network(torch.from_numpy(noisy).permute(2, 0, 1)[None])[0].permute(1, 2, 0).contiguous().numpy()
        )
        for way, limits in WAYS.items():
            kept = result
            if limits is not None:
                kept = np.empty_like(noisy)
                tolerance, adaptation.LEAST_TOLERANCE = limits
                give_detail_back(noisy, result, kept, noise, tolerance)
            scores[way].append((before, psnr_8bit(kept, clean)))
    for way, found in scores.items():
        before, after = np.transpose(found)
        print(
            f"| {name} | {len(before)} | {before.mean():.2f} | {way} | {after.mean():.2f} "
            f"| {(after - before).min():+.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model's name or a student's weight file")
    parser.add_argument("--reduce", type=int, action="append", help="by these factors (default: 2, 3 and 4)")
    arguments = parser.parse_args()
    network = load_model(arguments.model, quality="fast", device="cpu").network
    if not isinstance(network, Student):
        raise TypeError("not a student")
    print("| photos | number | noisy | kept | PSNR | least gain |\n|---|---|---|---|---|---|")
    for name in ("sidd-val-odd", "renoir-even"):
        print_rows(name, real(name), network)
    for shot in SHOTS:
        print_rows(f"simulated, {shot:g}", simulated(shot, arguments.reduce or [2, 3, 4]), network)


if __name__ == "__main__":
    main()
