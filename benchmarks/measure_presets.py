"""Whether the preset that a photo's own noise chooses is as good for LG-BPN as any fixed one, measured with references.

    python benchmarks/measure_presets.py renoir-even polyu [--every N] [--crop-px 384]

The sets are found below LGBPN_DATA (default ../shared/data). The noise of each whole photo is measured, as `lgbpn
denoise --quality teacher` does; the shipped teacher then denoises the middle of the photo with every preset. `auto` is
the result of the preset chosen. Photos kept out of training are left out: presets may be chosen on the others. That
results keep the mean colours of their photo is left out here.
"""

from __future__ import annotations

import argparse
from collections import Counter
from statistics import fmean

import numpy as np
from measure_noise import SETS

from lgbpn_cli.config import PRESETS, InferenceConfig
from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.denoise.detail import TOLERANCES, give_detail_back
from lgbpn_cli.denoise.working import result_holding, to_working
from lgbpn_cli.evaluation.metrics import psnr_db, to_levels
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import measure_noise
from lgbpn_cli.noise.summary import choose_preset
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.recipe import data_root


def middle(image: np.ndarray, side_px: int) -> np.ndarray:
    """Return the middle of a picture."""
    top, left = (max(0, side - side_px) // 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side_px, left : left + side_px])


def psnr_8bit(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSNR in dB of pictures of 0..1 after rounding to 8 bit."""
    return psnr_db(to_levels(picture, rounded=True), to_levels(reference, rounded=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", choices=sorted(SETS))
    parser.add_argument("--every", type=int, default=1, help="every n-th photo of a set")
    parser.add_argument("--crop-px", type=int, default=384)
    arguments = parser.parse_args()
    model = load_model(quality="teacher")
    print("| set | photos | strength | auto | " + " | ".join(PRESETS) + " | chosen |")
    print("|---|---|---|---|" + "---|" * (len(PRESETS) + 1))
    for name in arguments.sets:
        folder = data_root() / name
        references = [
            p for p in sorted((folder / "reference").iterdir()) if not p.name.startswith(SETS[name])
        ]
        scores: dict[str, dict[str, list[float]]] = {"auto": {}, "1": {}}
        chosen: Counter[str] = Counter()
        for path in references[:: arguments.every]:
            whole = to_working(read_photo(folder / "noisy" / path.name))
            noise = measure_noise(whole, cell_levels())
            choice = choose_preset(noise)
            chosen[choice] += 1
            noisy, clean = (middle(each, arguments.crop_px) for each in (whole, to_working(read_photo(path))))
            for preset in PRESETS:
                result = np.empty_like(noisy)
                run_network(noisy, model, InferenceConfig(quality="teacher", preset=preset), into=result)
                kept = np.empty_like(noisy)
                kept = (
                    give_detail_back(noisy, result_holding(result), noise, TOLERANCES["teacher"])
                    .as_photo()
                    .pixels
                )
                for strength, picture in (("auto", kept), ("1", result)):
                    score = psnr_8bit(picture, clean)
                    scores[strength].setdefault(preset, []).append(score)
                    if preset == choice:
                        scores[strength].setdefault("auto", []).append(score)
        for strength, by_preset in scores.items():
            means = [f"{fmean(by_preset[preset]):.2f}" for preset in ("auto", *PRESETS)]
            choices = ", ".join(f"{preset} {count}" for preset, count in chosen.most_common())
            print(f"| {name} | {chosen.total()} | {strength} | {' | '.join(means)} | {choices} |", flush=True)


if __name__ == "__main__":
    main()
