"""How often fine-tuning's decision, which needs no reference, agrees with references.

    python benchmarks/measure_acceptance.py [--steps 20] [--learning-rate 3e-4] [--groups N]

Photos of one camera or scene each, below LGBPN_DATA (default ../shared/data), are fine-tuned on shortly, noisy halves
alone. The state at the end is judged as `lgbpn finetune` judges it, and by its PSNR on the middles of photos of the
group with the base model's own preset, at full strength and at the strength that their noise asks for. Photos that are
kept out of the shipped model's training are left out here. No model is kept.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from measure_noise import SETS
from measure_presets import middle, psnr_8bit

from lgbpn_cli.adaptation import TOLERANCES, give_detail_back
from lgbpn_cli.colour import to_working
from lgbpn_cli.config import PRESETS
from lgbpn_cli.device import Device, choose_device
from lgbpn_cli.models.load import DEFAULT_MODEL, load_model
from lgbpn_cli.models.manifest import find_model
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.noise import measure_noise
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.acceptance import Verdict, blind_losses, compare, judging_crops
from lgbpn_cli.training.checkpoint import load_checkpoint
from lgbpn_cli.training.finetune import CHECKPOINT_NAME
from lgbpn_cli.training.finetune_photos import read_index, read_tiles
from lgbpn_cli.training.finetune_runs import Listener, finetune_folder
from lgbpn_cli.training.recipe import data_root
from lgbpn_cli.training_config import FinetuneConfig

GROUPS = (
    ("renoir-even", "[01]*"),
    ("polyu", "Canon5D2*"),
    ("sidd-val-odd", "01_*"),
    ("polyu", "NikonD800*"),
    ("renoir-even", "2*"),
    ("polyu", "Sony*"),
    ("sidd-val-odd", "13_*"),
    ("polyu", "Canon80D*"),
    ("sidd-val-odd", "21_*"),
    ("polyu", "Canon600D*"),
)
"""Set and names; ordered so that a few of them are of all kinds."""
MEASURED_PHOTOS = 5
MEASURED_PX = 192


def short_run(
    photos: Path, config: FinetuneConfig, folder: Path, networks: tuple[LGBPN, LGBPN], device: Device
) -> Verdict:
    """Fine-tune, leave the last state in the second network, and return what it would be judged."""
    run_folder = folder / "run"
    verdicts: list[Verdict] = []

    def note(text: str) -> None:
        if text.startswith(f"step {config.steps}:"):
            networks[1].load_state_dict(load_checkpoint(run_folder / CHECKPOINT_NAME)["average"])
            held_out = [each for each in read_index(run_folder) if each.held_out]
            crops = judging_crops(read_tiles(held_out, run_folder))
            verdicts.append(
                compare(
                    *networks,
                    crops,
                    device,
                    losses=lambda network: blind_losses(network, crops, device),
                    clean=lambda network, noisy: network(noisy, PRESETS["sidd"].first),
                )
            )

    finetune_folder(
        photos,
        config,
        run_folder=run_folder,
        models_folder=folder / "models",
        device=device,
        command="benchmark",
        listener=Listener(note=note),
    )
    return verdicts[-1]


@torch.inference_mode()
def gains_db(noisy_paths: list[Path], networks: tuple[LGBPN, LGBPN]) -> tuple[float, float]:
    """Return by how much the second network's PSNR is higher, at full strength and at `auto`."""
    scores: dict[tuple[str, LGBPN], list[float]] = {}
    for path in noisy_paths:
        whole = to_working(read_photo(path))
        noise = measure_noise(whole)
        noisy = middle(whole, MEASURED_PX)
        clean = middle(to_working(read_photo(path.parent.parent / "reference" / path.name)), MEASURED_PX)
        for network in networks:
            batch = torch.from_numpy(noisy).permute(2, 0, 1)[None]
            result = network(batch, PRESETS["sidd"].first)[0].permute(1, 2, 0).numpy()
            kept = np.empty_like(noisy)
            give_detail_back(noisy, result, kept, noise, TOLERANCES["teacher"])
            scores.setdefault(("1", network), []).append(psnr_8bit(result, clean))
            scores.setdefault(("auto", network), []).append(psnr_8bit(kept, clean))
    base, new = networks
    full, auto = (fmean(scores[kind, new]) - fmean(scores[kind, base]) for kind in ("1", "auto"))
    return full, auto


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=FinetuneConfig.learning_rate)
    parser.add_argument("--groups", type=int, default=len(GROUPS), help="how many of the groups")
    arguments = parser.parse_args()
    device = choose_device("cpu")
    teacher = find_model(DEFAULT_MODEL).part_path("teacher")  # as a file it has no student to distil
    base = load_model(str(teacher), device=device).network
    if not isinstance(base, LGBPN):
        raise TypeError("the shipped teacher is none")
    networks = base, LGBPN(base.config).eval()
    print(f"{arguments.steps} steps, learning rate {arguments.learning_rate:g}")
    print("| photos | loss before, after | decision | PSNR at strength 1 | at auto |")
    print("|---|---|---|---|---|")
    for name, pattern in GROUPS[: arguments.groups]:
        noisy = [
            p
            for p in sorted((data_root() / name / "noisy").glob(pattern))
            if not p.name.startswith(SETS[name])
        ]
        measured = [path for path in noisy if (path.parent.parent / "reference" / path.name).exists()]
        with tempfile.TemporaryDirectory() as temporary:
            photos = Path(temporary) / "photos"
            photos.mkdir()
            for path in noisy:
                (photos / path.name).symlink_to(path.resolve())
            config = FinetuneConfig(
                "measured", base=str(teacher), steps=arguments.steps, learning_rate=arguments.learning_rate
            )
            verdict = short_run(photos, config, Path(temporary), networks, device)
        full, auto = gains_db(measured[:: -(-len(measured) // MEASURED_PHOTOS)], networks)
        print(
            f"| {name} {pattern} | {verdict.base.loss_8bit:.3f}, {verdict.new.loss_8bit:.3f} | {verdict.words()} "
            f"| {full:+.2f} dB | {auto:+.2f} dB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
