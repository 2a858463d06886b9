"""How much of what a student removed is given back, and what that brings: strong noise, and hardly any.

    python benchmarks/detail.py [--model FILE] [--every 1]

Photos with references that are trained on (every n-th), as they were taken and altered: their noise weakened, in grey,
enlarged, as JPEGs, with lifted shadows, one half of them without noise. And low-noise photos that are not trained on
(`exclude` in recipes/student.toml), reduced by 2 to 4, with the noise of simulated cameras on them: whole, as what a
part of a photo shows may tell what noise is in another, and crops, as they are and as JPEGs. Rows differ in how much
energy may be removed: all (`--strength 1`), or so many times what was measured in the photo; `auto` is TOLERANCES in
adaptation.py. In decibels: mean PSNR, and the least gain of any photo over its noisy input. `flat` is what would be
kept if the noise were measured in flat patches alone. Level is what was measured, over the true one (the median of the
photos). That results keep the mean colours of their photo is left out here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import islice, starmap
from pathlib import Path

import numpy as np
import torch
from measure_noise import SETS
from measure_presets import psnr_8bit
from numpy.typing import NDArray
from PIL import Image

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.denoise.detail import give_detail_back
from lgbpn_cli.denoise.working import result_holding, to_working
from lgbpn_cli.evaluation.metrics import to_levels
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.network.student import Student
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import measure_noise
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.noise.camera import NoiseRanges, draw_camera, photograph, through_jpeg
from lgbpn_cli.training.recipe import data_root, read_distillation_recipe

Photos = Iterator[tuple[np.ndarray, np.ndarray]]
"""Noisy and clean, (h, w, 3) in 0..1."""
WAYS = {"all removed": None, "1.5 x flat": 1.5, "1.2 x measured": 1.2, "1.5 x measured": 1.5}
SHOTS = (3e-5, 2e-4, 1e-3, 4e-3)
"""Variance of the shot noise at full scale; up to twice as much."""
JPEG_QUALITIES = (None, 92, 75)
WHOLE_SHOTS = (5e-6, *SHOTS[:3])
LARGEST_PX = 1600
"""Of larger photos a corner of this side is taken for the whole."""
CROPS = 24
SIDE_PX = 320
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in the brightness (Rec. ITU-R BT.601)."""


def real(name: str) -> Photos:
    """Yield the pairs of a set whose noisy halves were trained on."""
    for path in sorted((data_root() / name / "reference").iterdir()):
        if not path.name.startswith(SETS[name]):
            noisy = to_working(read_photo(path.parent.parent / "noisy" / path.name))
            yield noisy, to_working(read_photo(path))


def in_levels(picture: np.ndarray) -> NDArray[np.uint8]:
    """Return a picture, 0..1, as an 8-bit file holds it."""
    return to_levels(picture, rounded=True).astype(np.uint8)


def rounded(picture: np.ndarray) -> np.ndarray:
    """Return a picture, 0..1, in whole levels."""
    return (in_levels(picture) / 255).astype(np.float32)


def grey(picture: np.ndarray) -> np.ndarray:
    """Return the brightness of a picture (h, w, 3), three times."""
    return np.repeat((picture @ LUMA)[..., None], 3, axis=2)


def enlarged(picture: np.ndarray) -> np.ndarray:
    """Return the middle, twice as large."""
    height, width = picture.shape[:2]
    middle = in_levels(picture)[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
    size = (2 * middle.shape[1], 2 * middle.shape[0])
    return np.asarray(Image.fromarray(middle).resize(size, Image.Resampling.BICUBIC), np.float32) / 255


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    return through_jpeg(in_levels(picture), quality, 2).astype(np.float32) / 255


def lifted(picture: np.ndarray) -> np.ndarray:
    """Return the picture with lifted shadows and soft lights."""
    return np.interp(picture, (0, 0.1, 0.25, 0.5, 0.75, 1), (0, 0.22, 0.5, 0.8, 0.93, 1)).astype(np.float32)


def half_clean(noisy: np.ndarray, clean: np.ndarray) -> np.ndarray:
    middle = noisy.shape[1] // 2
    return np.concatenate([clean[:, :middle], noisy[:, middle:]], axis=1)


ALTERATIONS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "as taken": lambda noisy, clean: (noisy, clean),
    "0.3 of its noise": lambda noisy, clean: (clean + np.float32(0.3) * (noisy - clean), clean),
    "0.1 of its noise": lambda noisy, clean: (clean + np.float32(0.1) * (noisy - clean), clean),
    "grey": lambda noisy, clean: (grey(noisy), grey(clean)),
    "enlarged twofold": lambda noisy, clean: (enlarged(noisy), enlarged(clean)),
    "JPEG 80": lambda noisy, clean: (as_jpeg(noisy, 80), clean),
    "shadows lifted, JPEG 92": lambda noisy, clean: (as_jpeg(lifted(noisy), 92), lifted(clean)),
    "half clean": lambda noisy, clean: (half_clean(noisy, clean), clean),
}


def low_noise_photos() -> list[Path]:
    """Return the low-noise photos that are not trained on."""
    sources = read_distillation_recipe(Path("recipes/student.toml")).sources
    source = next(each for each in sources if each.drawn)
    folder = data_root() / source.folder
    return sorted(path for pattern in source.exclude for path in folder.glob(pattern))


def simulated(shot: float, jpeg_quality: int | None = None) -> Photos:
    """Yield crops of the low-noise photos, reduced by 2 to 4, with noise on them; the same every time."""
    random, paths = np.random.default_rng(5), low_noise_photos()
    for number in range(CROPS):
        with Image.open(paths[number % len(paths)]) as opened:
            photo = np.asarray(opened.convert("RGB").reduce(int(random.integers(2, 5))))
        top, left = (int(random.integers(side - SIDE_PX)) for side in photo.shape[:2])
        clean = photo[top : top + SIDE_PX, left : left + SIDE_PX].astype(np.float32) / 255
        camera = draw_camera(random, NoiseRanges(shot=(shot, 2 * shot), jpeg_share=0))
        noisy = in_levels(photograph(clean, camera, random))
        if jpeg_quality is not None:
            noisy = through_jpeg(noisy, jpeg_quality, 2)
        yield noisy.astype(np.float32) / 255, clean


def whole(shot: float) -> Photos:
    """Yield the low-noise photos, reduced by 2 and 4, with noise on them; the same every time."""
    random = np.random.default_rng(7)
    for path in low_noise_photos():
        for reduction in (2, 4):
            with Image.open(path) as opened:
                photo = np.asarray(opened.convert("RGB").reduce(reduction))[:LARGEST_PX, :LARGEST_PX]
            clean = photo.astype(np.float32) / 255
            camera = draw_camera(random, NoiseRanges(shot=(shot, 2 * shot), jpeg_share=0))
            yield rounded(photograph(clean, camera, random)), clean


@torch.inference_mode()
def print_rows(name: str, photos: Photos, network: Student) -> None:
    """Print a row for each way."""
    scores: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    ratios = []
    for photo, clean in photos:
        noisy = rounded(photo)
        noise, flat, before = (
            measure_noise(noisy, cell_levels()),
            measure_noise(noisy),
            psnr_8bit(noisy, clean),
        )
        true = float(np.sqrt(255**2 * ((noisy - clean) ** 2).mean()))
        ratios.append([float(np.sqrt(each.variance_at(255 * noisy).mean())) / true for each in (flat, noise)])
        result = (
            network(torch.from_numpy(noisy).permute(2, 0, 1)[None])[0].permute(1, 2, 0).contiguous().numpy()
        )
        for way, tolerance in WAYS.items():
            kept = result
            if tolerance is not None:
                kept = np.empty_like(noisy)
                kept = (
                    give_detail_back(
                        noisy, result_holding(result), flat if "flat" in way else noise, tolerance
                    )
                    .as_photo()
                    .pixels
                )
            scores[way].append((before, psnr_8bit(kept, clean)))
    flat_ratio, ratio = np.median(ratios, axis=0)
    for way, found in scores.items():
        before, after = np.transpose(found)
        print(
            f"| {name} | {len(before)} | {before.mean():.2f} | {way} | {after.mean():.2f} "
            f"| {(after - before).min():+.2f} | {flat_ratio if 'flat' in way else ratio:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model's name or a student's weight file")
    parser.add_argument("--every", type=int, default=1, help="every n-th photo of the sets")
    arguments = parser.parse_args()
    network = load_model(arguments.model, quality="fast", device="cpu").network
    if not isinstance(network, Student):
        raise TypeError("not a student")
    print("| photos | number | noisy | kept | PSNR | least gain | level |\n|---|---|---|---|---|---|---|")
    for name in ("sidd-val-odd", "renoir-even"):
        for alteration, altered in ALTERATIONS.items():
            photos = starmap(altered, islice(real(name), 0, None, arguments.every))
            print_rows(f"{name}, {alteration}", photos, network)
    for shot in WHOLE_SHOTS:
        print_rows(f"whole, {shot:g}", whole(shot), network)
    for quality in JPEG_QUALITIES:
        for shot in SHOTS:
            kind = "" if quality is None else f", JPEG {quality}"
            print_rows(f"simulated, {shot:g}{kind}", simulated(shot, quality), network)


if __name__ == "__main__":
    main()
