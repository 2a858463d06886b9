"""What bringing a result back to the mean colours of its photo is worth, where noise is not skewed.

    python benchmarks/mean_colour.py [--model NAME|FILE] [--quality fast|best|teacher] [--every 1]

Photos trained on are denoised with and without `lgbpn_cli/denoise/mean_colour.py`, at --strength auto: PSNR in dB, the
worst change of a photo, and the mean over photos and channels of how far the mean colour is from the reference's, in
levels of 255, as in the noisy photo. Sets are found below LGBPN_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
from student_parts import SETS, read

from lgbpn_cli.app import denoise_image
from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.evaluation.metrics import colour_shift, psnr_db
from lgbpn_cli.training.pictures.data import source_files
from lgbpn_cli.training.recipe import data_root, read_distillation_recipe


def main() -> None:
    """Print two rows for each set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--quality", default="fast")
    parser.add_argument("--every", type=int, default=1, help="every n-th photo of the sets")
    arguments = parser.parse_args()
    model = load_model(arguments.model, quality=arguments.quality, device="cpu")
    sources = read_distillation_recipe(Path("recipes/student.toml")).sources
    print("| photos | number | mean kept | PSNR dB | worst change | colours off by | noisy |")
    print("|---|---|---|---|---|---|---|")
    for name in SETS:
        source = next(each for each in sources if each.folder.startswith(name))
        files = [data_root() / name / "reference" / path.name for path in source_files(source, data_root())]
        files = [path for path in files if path.exists()][:: arguments.every]
        before: list[float] = []
        for keeps in (False, True):
            scores, colours, noisy_colours = [], [], []
            for file in files:
                noisy, reference = read(file.parent.parent / "noisy" / file.name), np.float32(read(file))
                with (
                    nullcontext()
                    if keeps
                    else patch("lgbpn_cli.denoise.mean_colour.mean_shift", return_value=None)
                ):
                    result = np.float32(denoise_image(noisy, model=model, quality=arguments.quality))
                scores.append(psnr_db(result, reference))
                colours.append(np.abs(colour_shift(result, reference)).mean())
                noisy_colours.append(np.abs(colour_shift(np.float32(noisy), reference)).mean())
            worst = f"{np.subtract(scores, before).min():+.2f}" if before else ""
            print(
                f"| {name} | {len(files)} | {'yes' if keeps else 'no'} | {np.mean(scores):.2f} | {worst} "
                f"| {np.mean(colours):.2f} | {np.mean(noisy_colours):.2f} |",
                flush=True,
            )
            before = scores


if __name__ == "__main__":
    main()
