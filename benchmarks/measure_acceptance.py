"""How often fine-tuning's decisions, which need no reference, agree with references.

    python benchmarks/measure_acceptance.py [--steps 20] [--student-steps 150] [--learning-rate 3e-4] [--groups N]

Photos of one camera or scene each, below LGBPN_DATA (default ../shared/data), are fine-tuned on shortly, noisy halves
alone: LG-BPN, and the fast student in rounds of --student-steps each. Both are judged as `lgbpn finetune` judges them,
and by their PSNR on the middles of photos of the group (LG-BPN with preset sidd), at full strength and at the strength
that the noise asks for. Photos that are kept out of the shipped model's training are left out here, and so is that
results keep the mean colours of their photo. No model is kept.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from measure_noise import SETS
from measure_presets import middle, psnr_8bit
from torch import Tensor, nn

from lgbpn_cli.config import PRESETS
from lgbpn_cli.denoise.detail import TOLERANCES, give_detail_back
from lgbpn_cli.denoise.working import result_holding, to_working
from lgbpn_cli.device import choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.models.manifest import find_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import measure_noise
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.engine.checkpoint import load_checkpoint
from lgbpn_cli.training.finetune import student as finetune_student
from lgbpn_cli.training.finetune.acceptance import Verdict, compare_teachers, judging_crops
from lgbpn_cli.training.finetune.folder import Listener, finetune_folder
from lgbpn_cli.training.finetune.photos import read_index, read_tiles
from lgbpn_cli.training.finetune.teacher import CHECKPOINT_NAME
from lgbpn_cli.training.recipe import data_root
from lgbpn_cli.training.student.distil import CHECKPOINT_NAME as STUDENT_CHECKPOINT_NAME

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
PRESET = "sidd"
MEASURED_PHOTOS = 5
MEASURED_PX = 192


@dataclass(frozen=True)
class Outcome:
    """What became of one part of a model."""

    verdict: Verdict
    networks: tuple[nn.Module, nn.Module]
    """The base's and the new one."""
    tolerance: float
    run: Callable[[nn.Module, Tensor], Tensor]


def short_run(photos: Path, config: FinetuneConfig, folder: Path, student_steps: int) -> list[Outcome]:
    """Fine-tune, and return what the last states of teacher and student would be judged."""
    run_folder, device = folder / "run", choose_device("cpu")
    teacher, student = (
        load_model(DEFAULT_MODEL, part=part, device=device) for part in ("teacher", "student")
    )
    base = teacher.network
    if not isinstance(base, LGBPN):
        raise TypeError("the shipped teacher is none")
    outcomes: list[Outcome] = []

    def once(network: nn.Module, noisy: Tensor) -> Tensor:
        return network(noisy, PRESETS[PRESET].first)  # type: ignore[no-any-return]

    def note(text: str) -> None:
        if not text.startswith(f"step {config.steps}:"):
            return
        new = LGBPN(base.config).eval()
        new.load_state_dict(load_checkpoint(run_folder / CHECKPOINT_NAME)["average"])
        index = read_index(run_folder)
        learned, held_out = (
            read_tiles([each for each in index if each.held_out == held], run_folder)
            for held in (False, True)
        )
        verdict = compare_teachers(base, new, judging_crops(held_out), PRESET, device)
        outcomes.append(Outcome(verdict, (base, new), TOLERANCES["teacher"], once))
        finetune_student.MOST_STEPS = student_steps
        # An hour: the steps are what limits it.
        made = finetune_student.learn_student(
            teacher, learned, held_out, 3600, run_folder, device, on_note=lambda text: None
        )
        if made is None:
            raise TypeError("the shipped model has no student")
        newer = Student(made.shape).eval()
        last_round = max((run_folder / finetune_student.RUN_NAME).glob("round_*"))
        newer.load_state_dict(load_checkpoint(last_round / STUDENT_CHECKPOINT_NAME)["average"])
        networks = student.network, newer
        outcomes.append(Outcome(made.verdict, networks, TOLERANCES["student"], lambda n, noisy: n(noisy)))

    finetune_folder(
        photos,
        config,
        run_folder=run_folder,
        models_folder=folder / "models",
        device=device,
        command="benchmark",
        listener=Listener(note=note),
    )
    return outcomes


@torch.inference_mode()
def gains_db(noisy_paths: list[Path], outcome: Outcome) -> tuple[float, float]:
    """Return by how much the new network's PSNR is higher, at full strength and at `auto`."""
    scores: dict[tuple[str, nn.Module], list[float]] = {}
    for path in noisy_paths:
        whole = to_working(read_photo(path))
        noise = measure_noise(whole, cell_levels())
        noisy = middle(whole, MEASURED_PX)
        clean = middle(to_working(read_photo(path.parent.parent / "reference" / path.name)), MEASURED_PX)
        for network in outcome.networks:
            batch = torch.from_numpy(noisy).permute(2, 0, 1)[None]
            result = outcome.run(network, batch)[0].permute(1, 2, 0).contiguous().numpy()
            kept = give_detail_back(noisy, result_holding(result), noise, outcome.tolerance).as_photo().pixels
            scores.setdefault(("1", network), []).append(psnr_8bit(result, clean))
            scores.setdefault(("auto", network), []).append(psnr_8bit(kept, clean))
    base, new = outcome.networks
    full, auto = (fmean(scores[kind, new]) - fmean(scores[kind, base]) for kind in ("1", "auto"))
    return full, auto


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=FinetuneConfig.learning_rate)
    parser.add_argument("--student-steps", type=int, default=150)
    parser.add_argument("--groups", type=int, default=len(GROUPS), help="how many of the groups")
    arguments = parser.parse_args()
    teacher = find_model(DEFAULT_MODEL).part_path("teacher")
    print(f"{arguments.steps} and {arguments.student_steps} steps, learning rate {arguments.learning_rate:g}")
    print("| photos | part | loss before, after | decision | PSNR at strength 1 | at auto |")
    print("|---|---|---|---|---|---|")
    for name, pattern in GROUPS[: arguments.groups]:
        noisy = [
            p
            for p in sorted((data_root() / name / "noisy").glob(pattern))
            if not p.name.startswith(SETS[name])
        ]
        measured = [path for path in noisy if (path.parent.parent / "reference" / path.name).exists()]
        with tempfile.TemporaryDirectory() as temporary:
            nameless = (
                Path(temporary) / "nameless.safetensors"
            )  # no model of that name has a student to distil
            shutil.copy(teacher, nameless)
            photos = Path(temporary) / "photos"
            photos.mkdir()
            for path in noisy:
                (photos / path.name).symlink_to(path.resolve())
            config = FinetuneConfig(
                "measured", base=str(nameless), steps=arguments.steps, learning_rate=arguments.learning_rate
            )
            outcomes = short_run(photos, config, Path(temporary), arguments.student_steps)
        for part, outcome in zip(("LG-BPN", "student"), outcomes, strict=True):
            full, auto = gains_db(measured[:: -(-len(measured) // MEASURED_PHOTOS)], outcome)
            verdict = outcome.verdict
            print(
                f"| {name} {pattern} | {part} | {verdict.base.loss_8bit:.3f}, {verdict.new.loss_8bit:.3f} "
                f"| {verdict.words()} | {full:+.2f} dB | {auto:+.2f} dB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
