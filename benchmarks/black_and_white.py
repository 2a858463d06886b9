"""How well students remove noise from black and white photos: those of the sets, made grey with their noise.

    python benchmarks/black_and_white.py [--model NAME|FILE ...] [--every 8]

Noise that has lost its colours looks more like texture. Photos trained on and their references, and low-noise photos
that are not, with the noise of simulated cameras. One pass at full strength; mean PSNR in decibels.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from detail import SHOTS, Photos, real, simulated
from fine_noise import rounded
from measure_presets import psnr_8bit
from student_parts import SETS

from lgbpn_cli.denoiser import load_model
from lgbpn_cli.models.load import DEFAULT_MODEL

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in the brightness (Rec. ITU-R BT.601)."""
LOW_NOISE_PHOTOS = 12


def grey(picture: np.ndarray) -> np.ndarray:
    """Return the brightness of a picture (h, w, 3), three times."""
    return np.repeat((picture @ LUMA)[..., None], 3, axis=2)


def rows(every: int) -> Iterator[tuple[str, Photos]]:
    """Yield the name of each row and its pairs, still in colour."""
    for name in SETS:
        yield name, islice(real(name), 0, None, every)
    for shot in SHOTS[1:]:
        yield f"simulated, {shot:g}", islice(simulated(shot), LOW_NOISE_PHOTOS)


@torch.inference_mode()
def main() -> None:
    """Print a row for each set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="a model's name or a student's weight file")
    parser.add_argument("--every", type=int, default=8, help="every n-th photo of the sets")
    arguments = parser.parse_args()
    models = arguments.model or [DEFAULT_MODEL]
    networks = [load_model(model, quality="fast", device="cpu").network for model in models]
    print(f"| photos | number | noisy | {' | '.join(models)} |\n|---|---|---{'|---' * len(models)}|")
    for name, pairs in rows(arguments.every):
        scores = []
        for noisy, clean in ((rounded(grey(one)), grey(other)) for one, other in pairs):
            pixels = torch.from_numpy(noisy).permute(2, 0, 1)[None]
            results = [network(pixels)[0].permute(1, 2, 0).numpy() for network in networks]
            scores.append([psnr_8bit(each, clean) for each in (noisy, *results)])
        means = " | ".join(f"{score:.2f}" for score in np.mean(scores, axis=0))
        print(f"| {name} | {len(scores)} | {means} |", flush=True)


if __name__ == "__main__":
    main()
