"""Which hole, width, batch and learning rate suit a teacher: short runs that take equally long.

    python benchmarks/choose_teacher.py [--minutes 8] [--only Muon --only "hole 3"]

Every row is the network of recipes/base.toml with one thing changed, trained on that recipe's noisy photos for the same
time on the processor (the sum over its cores), with Adam unless it says Muon, and with a schedule that ends with the
time. It is measured in one pass on references of photos trained on, as the paper's ablations are: every eighth SIDD
block, and the middle of every second RENOIR photo; kept-out photos are not touched. In testing PD is one less than in
training and the kernel shift is their ratio, a rule that the published settings nearly follow, so that other holes have
theirs. Sets are found below LGBPN_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from ablations import mean_psnr
from measure_presets import middle
from student_parts import SETS, read

from lgbpn_cli.config import NETWORKS, NetworkConfig, PassConfig
from lgbpn_cli.device import choose_device
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import TrainingConfig
from lgbpn_cli.training.engine.trainer import TeacherTrainer
from lgbpn_cli.training.pictures.data import CropSampler, load_source, source_files
from lgbpn_cli.training.recipe import data_root, read_recipe

RECIPE = Path("recipes/base.toml")
SMALL = NETWORKS["small"]
USUAL = TrainingConfig(warmup_steps=50, ema_decay=0.99, checkpoint_every=100)
TIMED_STEPS = 5
EVERY = {"sidd-val-odd": 8, "renoir-even": 2}
MIDDLE_PX = 256

HOLE_3 = replace(
    SMALL,
    hole_radius_px=3,
    local_kernel_px=7,
    global_kernel_px=17,
    training_local_pd=3,
    training_global_pd=4,
)
MUON = replace(USUAL, learning_rate=2e-3, optimiser="muon")

ROWS: dict[str, tuple[NetworkConfig, TrainingConfig]] = {
    "small, Adam": (SMALL, USUAL),
    "Muon": (SMALL, MUON),
    "Muon, hole 3": (HOLE_3, MUON),
    "hole 3": (HOLE_3, USUAL),
    "hole 2": (
        replace(
            SMALL,
            hole_radius_px=2,
            local_kernel_px=5,
            global_kernel_px=13,
            training_local_pd=2,
            training_global_pd=3,
        ),
        replace(USUAL, crop_px=108),
    ),
    "width 16": (replace(SMALL, width=16, head_width=8), USUAL),
    "width 64": (replace(SMALL, width=64, head_width=24), USUAL),
    "twice as deep": (replace(SMALL, local_modules=10, global_blocks=6), USUAL),
    "batch 2": (SMALL, replace(USUAL, batch=2)),
    "batch 8": (SMALL, replace(USUAL, batch=8)),
    "crop 180": (SMALL, replace(USUAL, batch=2, crop_px=180)),
    "rate 7e-4": (SMALL, replace(USUAL, learning_rate=7e-4)),
    "rate 3e-3": (SMALL, replace(USUAL, learning_rate=3e-3)),
}
"""Networks and how they are trained; the larger the batch, the fewer the steps."""


def tested_with(shape: NetworkConfig, *, shifted: bool) -> PassConfig:
    """Return how a network is sampled in testing."""
    local, whole = shape.training_local_pd, shape.training_global_pd
    ratios = ((local - 1) / local, (whole - 1) / whole) if shifted else (1.0, 1.0)
    return PassConfig(local - 1, whole - 1, *ratios, local_rim_px=2, global_rim_px=7)


def trained(shape: NetworkConfig, config: TrainingConfig, seconds: float, run: Path) -> tuple[LGBPN, int]:
    """Return a network trained for `seconds` on the processor, and its steps."""
    sources = [load_source(each, data_root(), config.crop_px) for each in read_recipe(RECIPE).sources]
    sampler = CropSampler(sources, batch=config.batch, crop_px=config.crop_px, seed=config.seed)

    def trainer(steps: int) -> TeacherTrainer:
        return TeacherTrainer(shape, replace(config, steps=steps), sampler, choose_device("cpu"))

    trainer(1).run(run / "first.pt")  # the first step is slower
    started = time.process_time()
    trainer(TIMED_STEPS).run(run / "timed.pt")
    pace = (time.process_time() - started) / TIMED_STEPS
    last = trainer(max(TIMED_STEPS, int(seconds / pace)))
    last.network.load_state_dict(last.run(run / "run.pt"))
    return last.network.eval(), last.step  # type: ignore[return-value]


def pairs_of(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return noisy photos of a set that are trained on, and their references."""
    source = next(each for each in read_recipe(RECIPE).sources if each.folder.startswith(name))
    files = [data_root() / name / "reference" / path.name for path in source_files(source, data_root())]
    files = [path for path in files if path.exists()][:: EVERY[name]]
    return [
        (middle(read(path.parent.parent / "noisy" / path.name), MIDDLE_PX), middle(read(path), MIDDLE_PX))
        for path in files
    ]


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8, help="time on the processor for each row")
    parser.add_argument("--only", action="append", choices=ROWS)
    arguments = parser.parse_args()
    pairs = {name: pairs_of(name) for name in SETS}
    print(f"| teacher | steps | {' | '.join(SETS)} | {SETS[0]}, no kernel shift |\n|---|---|---|---|---|")
    for row in arguments.only or ROWS:
        with tempfile.TemporaryDirectory() as run:  # a run that went on could not tell how long it took
            network, steps = trained(*ROWS[row], 60 * arguments.minutes, Path(run))
        with torch.inference_mode():
            shifted, still = (tested_with(network.config, shifted=each) for each in (True, False))
            found = [mean_psnr(network, shifted, pairs[name]) for name in SETS]
            found.append(mean_psnr(network, still, pairs[SETS[0]]))
        print(f"| {row} | {steps} | {' | '.join(f'{each:.2f}' for each in found)} |", flush=True)


if __name__ == "__main__":
    main()
