"""How well students remove noise that is as fine as the pixels: of photos made smaller, and white noise.

    python benchmarks/fine_noise.py [--model NAME|FILE ...] [--every 8]

Photos trained on and their references, both made smaller by means over squares of 2x2 and 3x3 px; white noise of 5, 10
and 20 levels on even grey, and on crops of the low-noise photos that are not trained on. Texture that a student learns
to keep may be as fine as such noise. One pass at full strength; mean PSNR in decibels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
from detail import Photos, real, rounded, simulated
from measure_presets import psnr_8bit
from student_parts import SETS

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.training.pictures.scenes import reduced

REDUCTIONS = (2, 3)
LEVELS = (5, 10, 20)
GREYS = (0.2, 0.5, 0.8)
GREY_PX = 128
LOW_NOISE_SHOT = 1e-4
"""Any: of the pairs that are made with it only the clean pictures are used."""


def smaller(picture: np.ndarray, reduction: int) -> np.ndarray:
    """Return means over squares of a picture (h, w, 3)."""
    height, width = (side // reduction for side in picture.shape[:2])
    return reduced(picture[: height * reduction, : width * reduction], reduction)


def rows(every: int) -> Iterator[tuple[str, Photos]]:
    """Yield the name of each row and its pairs."""
    for name in SETS:
        for reduction in REDUCTIONS:
            pairs = islice(real(name), 0, None, every)
            yield (
                f"{name}, {reduction} times smaller",
                ((rounded(smaller(noisy, reduction)), smaller(clean, reduction)) for noisy, clean in pairs),
            )
    greys = [np.full((GREY_PX, GREY_PX, 3), grey, np.float32) for grey in GREYS]
    photos = [clean for _, clean in islice(simulated(LOW_NOISE_SHOT), 12)]
    for kind, pictures in (("even grey", greys), ("low-noise photos", photos)):
        for level in LEVELS:
            yield f"{kind}, white noise of {level} levels", with_white_noise(pictures, level)


def with_white_noise(pictures: list[np.ndarray], level: float) -> Photos:
    """Yield pictures with white noise on them; the same every time."""
    random = np.random.default_rng(0)
    for clean in pictures:
        noise = random.standard_normal(clean.shape, np.float32) * np.float32(level / 255)
        yield rounded(clean + noise), clean


@torch.inference_mode()
def print_table(models: list[str], rows: Iterator[tuple[str, Photos]]) -> None:
    """Print the mean PSNR of what students make of the pairs of each row."""
    networks = [load_model(model, quality="fast", device="cpu").network for model in models]
    print(f"| photos | number | noisy | {' | '.join(models)} |\n|---|---|---{'|---' * len(models)}|")
    for name, pairs in rows:
        scores = []
        for noisy, clean in pairs:
            pixels = torch.from_numpy(noisy).permute(2, 0, 1)[None]
            results = [network(pixels)[0].permute(1, 2, 0).numpy() for network in networks]
            scores.append([psnr_8bit(each, clean) for each in (noisy, *results)])
        means = " | ".join(f"{score:.2f}" for score in np.mean(scores, axis=0))
        print(f"| {name} | {len(scores)} | {means} |", flush=True)


def compare_students(description: str, rows: Callable[[int], Iterator[tuple[str, Photos]]]) -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", action="append", help="a model's name or a student's weight file")
    parser.add_argument("--every", type=int, default=8, help="every n-th photo of the sets")
    arguments = parser.parse_args()
    print_table(arguments.model or [DEFAULT_MODEL], rows(arguments.every))


if __name__ == "__main__":
    compare_students((__doc__ or "").splitlines()[0], rows)
