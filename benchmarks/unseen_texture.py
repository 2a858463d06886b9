"""Real noise on texture never trained on: what a student keeps of it.

    python benchmarks/unseen_texture.py [--model NAME|FILE ...]

The noise is that of SIDD blocks (every third) and RENOIR photos that are trained on: photo minus reference. It is laid
on crops of the low-noise photos that are kept out of training, as lessons lay noise (training/transplant.py). No photo
of the sets that is kept out is touched. Sets are found below LGBPN_DATA (default ../shared/data). One pass, at full
strength.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from detail import low_noise_photos
from measure_noise import SETS
from measure_presets import psnr_8bit
from PIL import Image
from student_parts import read

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.training.noise.transplant import lay_noise, learn_noise
from lgbpn_cli.training.pictures.scenes import darkened
from lgbpn_cli.training.recipe import data_root

EVERY = {"sidd-val-odd": 3, "renoir-even": 1}
SIDE_PX = 224

Pair = tuple[np.ndarray, np.ndarray]


def pairs(name: str) -> Iterator[Pair]:
    """Yield noisy and clean crops, (224, 224, 3) float32 in 0..1; the same every time."""
    random, photos = np.random.default_rng(11), low_noise_photos()
    references = sorted((data_root() / name / "reference").glob("*.png"))
    trained_on = [path for path in references if not path.name.startswith(SETS[name])]
    for number, path in enumerate(trained_on[:: EVERY[name]]):
        noise = learn_noise(read(data_root() / name / "noisy" / path.name), read(path))
        with Image.open(photos[number % len(photos)]) as opened:
            photo = np.asarray(opened.convert("RGB").reduce(int(random.integers(2, 5))))
        top, left = (int(random.integers(side - SIDE_PX)) for side in photo.shape[:2])
        crop = photo[top : top + SIDE_PX, left : left + SIDE_PX].astype(np.float32) / 255
        clean = darkened(crop, random)
        yield lay_noise(noise, 255 * clean, random).astype(np.float32) / 255, clean


@torch.inference_mode()
def main() -> None:
    """Print a row for each model and set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="a model's name or a student's weight file")
    arguments = parser.parse_args()
    print("| noise of | crops | noisy | model | PSNR |\n|---|---|---|---|---|")
    for name in EVERY:
        found = list(pairs(name))
        before = np.mean([psnr_8bit(noisy, clean) for noisy, clean in found])
        for model in arguments.model or [DEFAULT_MODEL]:
            network = load_model(model, quality="fast", device="cpu").network
            scores = []
            for noisy, clean in found:
                result = network(torch.from_numpy(noisy).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
                scores.append(psnr_8bit(result, clean))
            print(f"| {name} | {len(found)} | {before:.2f} | {model} | {np.mean(scores):.2f} |", flush=True)


if __name__ == "__main__":
    main()
