"""How well the figures of `lgbpn eval --no-reference` rank methods as PSNR with references does.

    python benchmarks/rank_without_reference.py [--photos 16] [--model NAME ...] [--json FILE]

Methods are made from settings of the model (qualities, presets, strengths), non-local means, and faults made on
purpose: the noisy photos and the first model's results, blurred. Each denoises the same photos of sidd-val-odd, first
those never trained on. `lgbpn eval` then judges the finished results twice, with references and without. What is
printed is Spearman's rank correlation of every figure with PSNR, turned so that 1 is agreement in what is better:
over the methods' means, and the mean over photos of the correlation on one photo. The blind loss belongs to a model
and not to a result: it is ranked over the models given (`--model` repeated) and copies of the first one whose weights
are disturbed by a few percent.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import fmean

import torch
from PIL import Image, ImageFilter
from scipy.stats import spearmanr

import lgbpn_cli
from lgbpn_cli.config import PART_OF_QUALITY, PRESETS, QUALITIES
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.training.recipe import data_root

SET = "sidd-val-odd"
KEPT_OUT = ("33_", "35_", "37_", "39_")
STRENGTHS = (0.5, 0.8, 1.0)
BLURS_PX = (1.0, 2.0, 4.0)
DISTURBANCES_PERCENT = (5, 10, 20, 40)
"""Noise added to the weights, as a share of the standard deviation of each tensor."""
FIGURES_OF_RESULTS = ("residual_whiteness", "edge_structure", "flat_noise_8bit")
HIGHER_IS_BETTER = ("residual_whiteness",)


def lgbpn(*words: object) -> str:
    command = [sys.executable, "-m", "lgbpn_cli", *map(str, words)]
    print("lgbpn", *words, file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    return done.stdout


def choose_photos(folder: Path, number: int) -> tuple[Path, Path]:
    """Copy `number` pairs, those never trained on first and spread over them; return both folders."""
    references = sorted((data_root() / SET / "reference").iterdir(), key=lambda path: path.stem)
    kept_out = [path for path in references if path.name.startswith(KEPT_OUT)]
    chosen = kept_out[:: max(1, len(kept_out) // number)][:number]
    chosen += [path for path in references if path not in kept_out][: number - len(chosen)]
    for kind in ("noisy", "reference"):
        (folder / kind).mkdir()
        for path in chosen:
            shutil.copy(data_root() / SET / kind / path.name, folder / kind / path.name)
    return folder / "noisy", folder / "reference"


def blurred(source: Path, target: Path, radius_px: float) -> None:
    target.mkdir()
    for path in source.glob("*.png"):
        with Image.open(path) as picture:
            picture.convert("RGB").filter(ImageFilter.GaussianBlur(radius_px)).save(target / path.name)


def make_results(noisy: Path, folder: Path, models: list[str], qualities: list[str]) -> list[Path]:
    """Denoise `noisy` in every way; return the folders of results."""
    results = []
    for model, quality, strength in product(models, qualities, STRENGTHS):
        for preset in PRESETS if PART_OF_QUALITY[quality] == "teacher" else (None,):
            target = folder / "-".join(filter(None, (model, quality, preset, f"strength{strength}")))
            options = ["--model", model, "--quality", quality, "--strength", strength]
            options += ["--preset", preset] if preset else []
            lgbpn("denoise", noisy, "-o", target, *options, "--quiet")
            results.append(target)
    full = next(target for target in results if target.name.endswith("strength1.0"))
    for radius_px in BLURS_PX:
        for source in (noisy, full):
            target = folder / f"{source.name} blurred {radius_px} px"
            blurred(source, target, radius_px)
            results.append(target)
    return results


def disturbed_copies(model: str, folder: Path) -> list[Path]:
    """Write copies of the teacher with worse and worse weights; return their files."""
    teacher = lgbpn_cli.load_model(model, quality="teacher", device="cpu")
    files = []
    for percent in DISTURBANCES_PERCENT:
        torch.manual_seed(0)
        weights = {
            name: value + percent / 100 * value.std(unbiased=False) * torch.randn_like(value)
            for name, value in teacher.network.state_dict().items()
        }
        files.append(folder / f"{model}-disturbed-{percent}.safetensors")
        write_weights(files[-1], weights, teacher.network.config, teacher.preset)
    return files


@dataclass(frozen=True)
class Judged:
    """Scores by method and photo, as `lgbpn eval --json` gives them."""

    with_reference: dict[str, dict[str, dict]]
    without: dict[str, dict[str, dict]]

    def psnr_db(self, label: str) -> dict[str, float]:
        return {photo: score["psnr_db"] for photo, score in self.with_reference[label].items()}


def judge(noisy: Path, reference: Path, *options: object) -> Judged:
    documents = [
        json.loads(lgbpn("eval", noisy, way, *options, "--json")) for way in (reference, "--no-reference")
    ]
    scores = [
        {
            method["label"]: {score["photo"]: score for score in method["files"]}
            for method in document["methods"][1:]
        }
        for document in documents
    ]
    return Judged(*scores)


def rank_correlations(judged: Judged, figure: str) -> tuple[float, float]:
    """Return the correlation of the methods' means, and the mean of the correlations on single photos."""
    sign = 1 if figure in HIGHER_IS_BETTER else -1
    photos = list(next(iter(judged.without.values())))
    values = [[sign * scores[photo][figure] for scores in judged.without.values()] for photo in photos]
    psnrs = [[judged.psnr_db(label)[photo] for label in judged.without] for photo in photos]
    means = [[fmean(each) for each in zip(*photos_first, strict=True)] for photos_first in (values, psnrs)]
    single = [float(spearmanr(*each).statistic) for each in zip(values, psnrs, strict=True)]
    return float(spearmanr(*means).statistic), fmean(single)


def print_tables(judged: Judged, figures: tuple[str, ...]) -> None:
    print("| method | PSNR dB | " + " | ".join(figures) + " |")
    print("|---" * (2 + len(figures)) + "|")
    for label in sorted(judged.without, key=lambda label: -fmean(judged.psnr_db(label).values())):
        cells = [f"{fmean(judged.psnr_db(label).values()):.2f}"]
        for figure in figures:
            cells.append(f"{fmean(score[figure] for score in judged.without[label].values()):.3f}")
        print(f"| {label} | " + " | ".join(cells) + " |")
    print(f"\nRank correlation with PSNR of {len(judged.without)} methods:\n")
    print("| figure | means | single photos |\n|---|---|---|")
    for figure in figures:
        means, single = rank_correlations(judged, figure)
        print(f"| {figure} | {means:+.2f} | {single:+.2f} |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=16, metavar="NUMBER")
    parser.add_argument("--model", action="append", help="may be repeated; default: lgbpn-base")
    parser.add_argument("--quality", action="append", choices=QUALITIES, help="default: teacher")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all scores")
    arguments = parser.parse_args()
    models = arguments.model or ["lgbpn-base"]
    with tempfile.TemporaryDirectory() as folder:
        noisy, reference = choose_photos(Path(folder), arguments.photos)
        made = make_results(noisy, Path(folder), models, arguments.quality or ["teacher"])
        options = [word for result in made for word in ("--denoised", result)]
        results = judge(noisy, reference, *options, "--baseline", "nlm")
        files = [*models, *disturbed_copies(models[0], Path(folder))]
        options = [word for file in files for word in ("--model", file)]
        teachers = judge(noisy, reference, *options, "--quality", "teacher")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(results), asdict(teachers)]))
    print_tables(results, FIGURES_OF_RESULTS)
    print_tables(teachers, ("blind_loss_8bit",))


if __name__ == "__main__":
    main()
