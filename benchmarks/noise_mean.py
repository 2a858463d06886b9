"""The mean of the noise of photos trained on: true, by what a student removed, and told from how skewed noise is.

    python benchmarks/noise_mean.py [--model FILE] [--every 1]

For each set, red, green and blue in levels of 255, means over the photos that have references. `told` is by what the
student removed; `told, true noise` by the noise itself, which shows how far the rule is off where nothing else is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from student_parts import SETS, read

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.training.noise.mean import missing_mean
from lgbpn_cli.training.pictures.data import source_files
from lgbpn_cli.training.recipe import data_root, read_distillation_recipe

Photos = Sequence[np.ndarray]


def told(noisy: Photos, cleaned: Photos) -> np.ndarray:
    """Return the mean of the noise by its skewness, (3,), in levels."""
    noises = [photo.astype(np.float64) - clean for photo, clean in zip(noisy, cleaned, strict=True)]
    variance = np.mean([noise.var(axis=(0, 1)) for noise in noises], axis=0)
    return mean_of(noisy, cleaned) + missing_mean(noisy, cleaned) * variance


def mean_of(noisy: Photos, cleaned: Photos) -> np.ndarray:
    """Return the mean of what lies between, (3,), in levels."""
    pairs = zip(noisy, cleaned, strict=True)
    return np.mean([(photo.astype(np.float64) - clean).mean(axis=(0, 1)) for photo, clean in pairs], axis=0)


@torch.inference_mode()
def main() -> None:
    """Print a row for each set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model's name or a student's weight file")
    parser.add_argument("--every", type=int, default=1, help="every n-th photo of the sets")
    arguments = parser.parse_args()
    network = load_model(arguments.model, quality="fast", device="cpu").network
    sources = read_distillation_recipe(Path("recipes/student.toml")).sources
    print("| photos | number | true | removed | told | told, true noise |\n|---|---|---|---|---|---|")
    for name in SETS:
        source = next(each for each in sources if each.folder.startswith(name))
        files = [data_root() / name / "reference" / path.name for path in source_files(source, data_root())]
        files = [path for path in files if path.exists()][:: arguments.every]
        references = [read(path) for path in files]
        noisy = [read(path.parent.parent / "noisy" / path.name) for path in files]
        cleaned = []
        for photo in noisy:
            result = network(torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255)[0].permute(1, 2, 0)
            cleaned.append((result * 255).round().clamp(0, 255).byte().numpy())
        means = (
            mean_of(noisy, references),
            mean_of(noisy, cleaned),
            told(noisy, cleaned),
            told(noisy, references),
        )
        columns = " | ".join(" ".join(f"{value:+.1f}" for value in mean) for mean in means)
        print(f"| {name} | {len(files)} | {columns} |", flush=True)


if __name__ == "__main__":
    main()
