"""How far the blind measurement of noise is from the truth: noisy less reference of the pairs of the three sets.

    python benchmarks/measure_noise.py [--every N]

The sets are found below LGBPN_DATA (default ../shared/data). For each photo the true noise is noisy - reference less
its mean over 33x33 px; a reference has some noise of its own (RENOIR) or was compressed (PolyU), which counts as
noise here too. The measured level is that at the photo's own brightnesses, for a fair comparison. Ratio 1 is right.
`in flat patches` is what the measurement says without the noise estimator. For photos full of texture see detail.py.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.evaluation.residual import DETAIL_WINDOW_PX
from lgbpn_cli.image.filters import box_mean
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import REACH_PX, measure_noise
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.recipe import data_root

SETS: dict[str, tuple[str, ...]] = {
    "sidd-val-odd": ("33_", "35_", "37_", "39_"),
    "renoir-even": ("34", "36", "38", "40"),
    "polyu": (),
}
"""The sets, with the beginnings of the names kept out of training, which no choice may look at."""


def true_correlation(noise: np.ndarray) -> np.ndarray:
    """Return the correlation at offsets 0..6 down and -6..6 to the right, mean of the channels."""
    height, width = noise.shape[:2]
    result = np.zeros((REACH_PX + 1, 2 * REACH_PX + 1))
    inner = noise[:, REACH_PX : width - REACH_PX]
    for down in range(REACH_PX + 1):
        for right in range(2 * REACH_PX + 1):
            moved = noise[down:, right : right + inner.shape[1]]
            result[down, right] = (inner[: height - down] * moved).mean()
    return result / result[0, REACH_PX]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="every n-th photo of a set")
    every = parser.parse_args().every
    print(
        "| set | photos | how | level, measured / true: median | 10 % .. 90 % | worst | error of the correlation | s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, kept_out in SETS.items():
        references = sorted((data_root() / name / "reference").iterdir())
        chosen = [path for path in references if not path.name.startswith(kept_out)][::every]
        for how, estimator in (("in flat patches", None), ("as it is used", cell_levels())):
            ratios, errors, seconds = [], [], 0.0
            for path in chosen:
                noisy = to_working(read_photo(path.parent.parent / "noisy" / path.name))
                noise = 255.0 * (noisy - to_working(read_photo(path)))
                noise = noise - box_mean(noise, 33)
                started = time.perf_counter()
                measured = measure_noise(noisy, estimator)
                seconds += time.perf_counter() - started
                expected = measured.variance_at(box_mean(255.0 * noisy, DETAIL_WINDOW_PX)).mean()
                ratios.append(float(np.sqrt(expected / (noise**2).mean())))
                difference = np.array(measured.correlation)[REACH_PX:] - true_correlation(noise)
                errors.append(float(np.sqrt((difference**2).mean())))
            low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9))
            print(
                f"| {name} | {len(ratios)} | {how} | {middle:.2f} | {low:.2f} .. {high:.2f} "
                f"| {min(ratios):.2f}, {max(ratios):.2f} | {np.median(errors):.3f} | {seconds / len(ratios):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
