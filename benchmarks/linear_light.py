"""What keeping the mean of linear light brings to photos in linear light, as raw files and float TIFFs hold it.

    python benchmarks/linear_light.py [--model NAME|FILE] [--quality fast|best|teacher]

Three photographs that no model was trained on are reduced and darkened by two stops, noise is added to their linear
light as sensors add it (shot noise of two strengths, read noise, white balance), with and without what lies below
black, and they are denoised with and without `lgbpn_cli/denoise/mean_light.py`. Results are brightened again and
compared with the photograph in 8-bit sRGB: PSNR in dB, and the mean light of the darker half, as a share of the truth,
of red, green and blue. Sets are found below LGBPN_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.denoise.working import decode_light, encode_light
from lgbpn_cli.evaluation.metrics import psnr_db
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.training.recipe import data_root

PHOTOGRAPHS = ("Dragonfly*", "aitzgorri*", "life*")
"""Those that recipes/student.toml leaves out."""
REDUCTION, SIDE_PX = 3, 512
DARKENED = 0.25
SHOT = (2e-3, 1e-2)
READ = 2e-3
GAINS = np.array([2.0, 1.0, 1.6])


def photographs() -> list[np.ndarray]:
    """Return the middles of the photographs in linear light, (h, w, 3) float32."""
    files = [next(iter((data_root() / "clean").rglob(pattern))) for pattern in PHOTOGRAPHS]
    found = []
    for file in files:
        small = Image.open(file).convert("RGB").reduce(REDUCTION)
        left, top = (max(0, (side - SIDE_PX) // 2) for side in small.size)
        crop = np.asarray(small.crop((left, top, left + SIDE_PX, top + SIDE_PX)))
        found.append(decode_light((crop / 255).astype(np.float32)))
    return found


def taken(light: np.ndarray, shot: float, random: np.random.Generator, *, clipped: bool) -> np.ndarray:
    """Return the light as a sensor measures it, darkened and white-balanced."""
    sensor = DARKENED * light / GAINS
    measured = shot * random.poisson(sensor / shot) + READ * random.standard_normal(sensor.shape)
    return np.asarray((np.maximum(measured, 0) if clipped else measured) * GAINS, np.float32)


def levels(light: np.ndarray) -> np.ndarray:
    """Return darkened light as it looks brightened again, 0..255."""
    return np.asarray(np.rint(255 * encode_light(np.clip(light / DARKENED, 0, 1).astype(np.float32))))


def denoised(denoiser: Denoiser, noisy: np.ndarray) -> np.ndarray:
    """Return the result for a photo in linear light."""
    return denoiser.denoise(Photo(Path("light"), noisy, None, "tiff", 1, linear=True)).photo.pixels


def main() -> None:
    """Print a row for each strength of the noise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--quality", default="fast")
    arguments = parser.parse_args()
    denoiser = prepare(arguments.model, "cpu", InferenceConfig(quality=arguments.quality))
    print("| shot noise | below black | light kept | PSNR dB | darker half, R G B |\n|---|---|---|---|---|")
    for shot in SHOT:
        for clipped in (False, True):
            for keeps in (False, True):
                found, dark = [], []
                for number, light in enumerate(photographs()):
                    noisy = taken(light, shot, np.random.default_rng(number), clipped=clipped)
                    if keeps:
                        result = denoised(denoiser, noisy)
                    else:
                        with patch("lgbpn_cli.denoise.denoiser.keep_mean_light"):
                            result = denoised(denoiser, noisy)
                    truth = DARKENED * light
                    found.append(psnr_db(levels(result), levels(truth)))
                    brightness = light.mean(axis=2)
                    darker = brightness <= np.median(brightness)
                    dark.append(result[darker].mean(axis=0) / truth[darker].mean(axis=0))
                shares = " ".join(f"{share:.2f}" for share in np.mean(dark, axis=0))
                print(
                    f"| {shot:g} | {'lost' if clipped else 'kept'} | {'yes' if keeps else 'no'} "
                    f"| {np.mean(found):.2f} | {shares} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
