"""At which scales the noise of the SIDD blocks trained on lies, how much of it a student removes, and the error left.

    python benchmarks/coarse_noise.py [--model NAME|FILE]

Bands are in cycles a pixel. Density is noise power per area of the spectrum, in squared levels: white noise has the
same everywhere. Removed is the power of noisy photo minus result over that of the noise. Means over blocks.
The sets are found below LGBPN_DATA (default ../shared/data); blocks kept out of training are not touched.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np
import torch
from student_parts import read

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.training.recipe import data_root

EDGES = (0, 1 / 64, 1 / 16, 1 / 8, 1 / 4, 0.71)
KEPT_OUT = ("33_", "35_", "37_", "39_")


def power_in_bands(difference: np.ndarray) -> np.ndarray:
    """Return the power of a square difference (n, n, 3) in each band, in squared levels."""
    side = difference.shape[0]
    window = np.outer(np.hanning(side), np.hanning(side))
    spectrum = np.abs(np.fft.fft2(difference * window[..., None], axes=(0, 1))) ** 2
    spectrum = spectrum.mean(axis=2) / (window**2).sum() / side**2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    return np.array(
        [spectrum[(frequency >= low) & (frequency < high)].sum() for low, high in pairwise(EDGES)]
    )


@torch.inference_mode()
def main() -> None:
    """Print a row for each band."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="lgbpn-base")
    network = load_model(parser.parse_args().model, quality="best", device="cpu").network
    rows = []
    for path in sorted((data_root() / "sidd-val-odd" / "reference").iterdir()):
        if path.name.startswith(KEPT_OUT):
            continue
        noisy, clean = read(path.parent.parent / "noisy" / path.name), read(path).astype(np.float32)
        result = network(torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255)[0]
        result = (result.permute(1, 2, 0) * 255).round().clamp(0, 255).numpy()
        rows.append([power_in_bands(each) for each in (noisy - clean, noisy - result, result - clean)])
    noise, removed, error = np.mean(rows, axis=0)
    print("| cycles a pixel | density of the noise | removed | error left |\n|---|---|---|---|")
    for index, (low, high) in enumerate(pairwise(EDGES)):
        area = np.pi * (high**2 - low**2) if high < 0.5 else 1 - np.pi * low**2
        print(
            f"| {low:.4f} to {high:.4f} | {noise[index] / area:.0f} | {removed[index] / noise[index]:.2f} "
            f"| {error[index]:.2f} |"
        )


if __name__ == "__main__":
    main()
