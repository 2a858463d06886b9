"""How near the simulated cameras come to real ones: noise level, correlation and colour, beside the real sets.

    python benchmarks/synthetic_noise.py [--picture FILE.png]

Real noise is noisy - reference of sidd-val-odd, renoir-even and polyu below LGBPN_DATA (default ../shared/data).
Synthetic noise is laid on references of the same photos by cameras drawn as for training, so that brightness and
picture are the same. The picture shows a noisy crop of each set beside the same crop taken by four drawn cameras; it
holds parts of the photos, so mind their licences.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.evaluation.residual import noise_correlation
from lgbpn_cli.training.noise.camera import NoiseRanges, draw_camera, photograph
from lgbpn_cli.training.recipe import data_root

SETS: dict[str, tuple[str, ...]] = {
    "sidd-val-odd": ("33_", "35_", "37_", "39_"),
    "renoir-even": ("34", "36", "38", "40"),
    "polyu": (),
}
"""The sets, with the beginnings of the names kept out of training, which no choice may look at."""
PHOTOS = 20
"""Photos of each set, spread evenly over its names."""
CROP_PX = 256
CAMERAS_SHOWN = 4


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32)[:CROP_PX, :CROP_PX] / np.float32(255)


def describe(noises: list[np.ndarray]) -> str:
    """Return a table row's cells: level (10th, 50th, 90th percentile of photos), correlation, channels, skewness."""
    levels = np.percentile([noise.std() for noise in noises], (10, 50, 90))
    # Weighted by photo, not by energy: else the noisiest photo alone would count.
    right = np.mean([noise_correlation(noise.astype(np.float64))[0] for noise in noises], axis=0)
    channels = np.mean([np.corrcoef(noise.reshape(-1, 3).T) for noise in noises], axis=0)
    skewness = np.mean([((noise - noise.mean()) ** 3).mean() / noise.std() ** 3 for noise in noises])
    return (
        " / ".join(f"{level:.1f}" for level in levels)
        + " | "
        + " ".join(f"{value:.2f}" for value in right[1:5])
        + f" | {channels[0, 1]:.2f} {channels[0, 2]:.2f} {channels[1, 2]:.2f} | {skewness:+.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="write a sheet of crops there")
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    rows = []
    print(
        "| noise | level, 8 bit (10/50/90 %) | correlation at 1-4 px | RG RB GB | skewness |\n|---|---|---|---|---|"
    )
    for name, kept_out in SETS.items():
        folder = data_root() / name / "reference"
        references = sorted(path for path in folder.iterdir() if not path.name.startswith(kept_out))
        chosen = references[:: max(1, len(references) // PHOTOS)][:PHOTOS]
        real, synthetic = [], []
        for path in chosen:
            noisy, clean = read(data_root() / name / "noisy" / path.name), read(path)
            taken = [
                photograph(clean, draw_camera(random, NoiseRanges()), random) for _ in range(CAMERAS_SHOWN)
            ]
            real.append(255 * (noisy - clean))
            synthetic += [255 * (photo - clean) for photo in taken]
            if path == chosen[len(chosen) // 2]:
                rows.append(np.concatenate([noisy, *taken], axis=1))
        print(f"| {name}, real | {describe(real)} |")
        print(f"| {name}, drawn cameras | {describe(synthetic)} |")
    if arguments.picture is not None:
        Image.fromarray((np.concatenate(rows) * 255).astype(np.uint8)).save(arguments.picture)


if __name__ == "__main__":
    main()
