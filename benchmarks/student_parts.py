"""What the kinds of pairs that a student learns from are worth.

    python benchmarks/student_parts.py [--steps 800] [--run-folder runs/student]
    python benchmarks/student_parts.py --from-earlier --earlier FILE

Every row is a student of its own, shaped as in recipes/student.toml, trained for the same number of steps on the same
targets, drawn pictures apart: results of the shipped student, or of the one in FILE; those that a run of `lgbpn
distill` left in --run-folder are taken. It starts from random weights, or with --from-earlier from those of that
student, as the recipe does, and is measured in one pass on references of photos trained on, and as benchmarks/detail.py
does on low-noise photos that are not; the photos of the sets that are kept out are not touched.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from detail import simulated
from measure_presets import psnr_8bit
from PIL import Image

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.device import choose_device
from lgbpn_cli.evaluation.metrics import psnr_db
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.student import Student, grown
from lgbpn_cli.training.pictures.data import load_source, source_files
from lgbpn_cli.training.recipe import DistillationRecipe, data_root, read_distillation_recipe
from lgbpn_cli.training.student.distil import (
    ESTIMATES_FOLDER,
    Earlier,
    clean_photos,
    draw_pictures,
    train_student,
)
from lgbpn_cli.training.student.pairs import CleanedPhotos

ROWS = {
    "real noise": (0.0, 0.0, 0.0, 0.0, False),
    "+ synthetic": (0.3, 0.0, 0.0, 0.0, False),
    "+ transplanted": (0.3, 0.5, 0.0, 0.0, False),
    "+ drawn scenes": (0.3, 0.5, 0.0, 0.0, True),
    "+ other scenes": (0.3, 0.5, 0.6, 0.0, True),
    "+ grain": (0.3, 0.5, 0.6, 0.05, True),
}
"""Shares of pairs with synthetic and with transplanted noise, the rest being noisy photos as they are; share of the
transplanted ones whose noise is laid on other scenes; share of pairs with grain; and whether drawn pictures are among
the scenes."""
LOW_NOISE_SHOT = 2e-4
FROM_RANDOM_RATE = 2e-3
"""Learning rate from random weights; the recipe's is for weights that have learned."""
SETS = ("sidd-val-odd", "renoir-even")


def sources_of(recipe: DistillationRecipe, student: Model, run_folder: Path) -> Iterator[CleanedPhotos]:
    """Yield the recipe's sources with the student's results as targets; drawn ones as they are."""
    teacher = load_model(recipe.teacher, quality="teacher", device="cpu")
    earlier = Earlier(student, 1.0)
    for index, source in enumerate(recipe.sources):
        photos = load_source(source, data_root(), recipe.distillation.crop_px).photos
        kept = run_folder / ESTIMATES_FOLDER / f"{index:02}"
        if source.drawn:
            yield draw_pictures(photos, source, (recipe.distillation.seed, index), kept)
            continue
        yield clean_photos(photos, source, teacher, kept, earlier=earlier)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


@torch.inference_mode()
def mean_psnr(network: Student, recipe: DistillationRecipe, name: str) -> float:
    """Return the mean PSNR in decibels over the references of a set's photos that are trained on."""
    source = next(each for each in recipe.sources if each.folder.startswith(name))
    found = []
    for path in source_files(source, data_root()):
        reference = data_root() / name / "reference" / path.name
        if reference.exists():
            noisy = torch.from_numpy(read(path)).permute(2, 0, 1)[None].float() / 255
            levels = (network(noisy)[0].permute(1, 2, 0) * 255).round().clamp(0, 255).byte().numpy()
            found.append(psnr_db(levels.astype(np.float32), read(reference).astype(np.float32)))
    return float(np.mean(found))


@torch.inference_mode()
def low_noise_psnr(network: Student) -> float:
    """Return the mean PSNR of low-noise photos that are not trained on, with the noise of a camera of low ISO."""
    found = []
    for noisy, clean in simulated(LOW_NOISE_SHOT):
        result = network(torch.from_numpy(noisy).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
        found.append(psnr_8bit(result, clean))
    return float(np.mean(found))


def row(name: str, network: Student, recipe: DistillationRecipe) -> str:
    scores = [mean_psnr(network, recipe, each) for each in SETS] + [low_noise_psnr(network)]
    return f"| {name} | {' | '.join(f'{each:.2f}' for each in scores)} |"


def main() -> None:
    """Print a row for each mixture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--run-folder", type=Path, default=Path("runs/student"))
    parser.add_argument("--from-earlier", action="store_true")
    parser.add_argument("--earlier", metavar="FILE")
    arguments = parser.parse_args()
    recipe = read_distillation_recipe(Path("recipes/student.toml"))
    student = load_model(arguments.earlier or recipe.teacher, quality="best", device="cpu")
    sources = list(sources_of(recipe, student, arguments.run_folder))
    photos = [each for each, source in zip(sources, recipe.sources, strict=True) if not source.drawn]
    before = student.network
    if not isinstance(before, Student):
        raise TypeError("not a student")
    start = grown(before, recipe.student) if arguments.from_earlier else None
    print("| pairs | SIDD | RENOIR | low noise |\n|---|---|---|---|")
    if start is not None:
        print(row("before", before, recipe), flush=True)
    for name, (renoised, transplanted, other_scenes, grain, drawn) in ROWS.items():
        config = replace(
            recipe.distillation,
            steps=arguments.steps,
            learning_rate=recipe.distillation.learning_rate if arguments.from_earlier else FROM_RANDOM_RATE,
            renoised_share=renoised,
            transplanted_share=transplanted,
            other_scene_share=other_scenes,
            grain_share=grain,
            from_earlier=arguments.from_earlier,
            ema_decay=0.99,
        )
        kind = "from-earlier" if arguments.from_earlier else "from-random"
        folder = arguments.run_folder / "parts" / kind / name.strip("+ ").replace(" ", "-")
        weights = train_student(
            sources if drawn else photos, recipe.student, config, folder, choose_device("cpu"), start=start
        )
        network = Student(recipe.student).eval()
        network.load_state_dict(weights)
        print(row(name, network, recipe), flush=True)
    print(f"{arguments.steps} steps each", file=sys.stderr)


if __name__ == "__main__":
    main()
