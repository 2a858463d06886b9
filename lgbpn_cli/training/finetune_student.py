"""The fast student of a fine-tuned model: it learns from the base's student, the new teacher and the photos' noise."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.device import Device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry, all_models
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.acceptance import Verdict, compare, judging_crops, known_answer_losses, spread
from lgbpn_cli.training.distil import CHECKPOINT_NAME, Earlier, StudentTrainer, clean_photos
from lgbpn_cli.training.pairs import CleanedPhotos, Pairs, PairSampler
from lgbpn_cli.training.trainer import TrainingProgress
from lgbpn_cli.training.transplant import lay_noise, learn_noise
from lgbpn_cli.training_config import DataSource, DistillationConfig

FEWEST_STEPS = 20
MOST_STEPS = 10_000
LEARNING_RATE = 3e-4
EARLIER_SHARE = 0.7
"""Share of the base student's results in what the new one learns; the rest is the new teacher's, if there is one."""
RENOISED_SHARE, TRANSPLANTED_SHARE = 0.15, 0.65
"""Shares of the crops with made-up noise and with the photos' own from other places. Drawn pictures, and noise laid on
other scenes, brought less here: the student is to suit these photos and no others."""
MOST_TILES = 400
"""So many tiles are cleaned for the student at most, spread evenly."""
FEWEST_TILES = 4
"""However short the time."""
CLEANING_SHARE = 0.5
"""Share of the student's time in which tiles are cleaned."""
JUDGING_TILES = 8
JUDGING_PX = 128
"""Side of the squares of the tiles held out whose answers are compared; they do not overlap."""
RUN_NAME, TILES_NAME = "student", "tiles.json"
SOURCE = DataSource("own photos", renoised_weight=1.0)


@dataclass(frozen=True)
class LearnedStudent:
    """A student beside the one that it came from."""

    weights: dict[str, Tensor]
    """Those of the base's student, where the new one was not accepted."""
    shape: StudentConfig
    steps: int
    base: str
    """Name of the model whose student it came from."""
    verdict: Verdict


def learn_student(
    base: Model | None,
    teacher: Path | None,
    learned: Sequence[NDArray[np.uint8]],
    held_out: Sequence[NDArray[np.uint8]],
    left_s: float,
    run_folder: Path,
    device: Device,
    *,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None],
) -> LearnedStudent | None:
    """Return a student that learned on the tiles `learned` in `left_s` seconds, judged on the tiles `held_out`.

    It starts from the base's student; None without one. `teacher` is the weight file of the new teacher, where it was
    accepted; else the student learns from the results of the base's student alone. Interrupted, it goes on from
    what lies in `run_folder`.
    """
    known = None if base is None else all_models().get(base.name)
    if base is None or known is None or not _is_its_teacher(base, known) or "student" not in known.parts:
        on_note("no fast student: the base model has none to start from; use --quality teacher")
        return None
    deadline = time.monotonic() + left_s
    before = load_model(base.name, part="student", device=device)
    old = before.network
    if not isinstance(old, Student):
        raise TypeError("the base's student is none")
    # The base's student is better than any teacher where it is right already; the new teacher leads it from there.
    earlier = Earlier(before, 1.0 if teacher is None else EARLIER_SHARE)
    teaching = base if teacher is None else load_model(str(teacher), device=device)
    # What was begun with another teacher is not gone on with.
    run_folder = run_folder / RUN_NAME / ("alone" if teacher is None else teaching.sha256[:12])
    run_folder.mkdir(parents=True, exist_ok=True)

    def clean(tiles: Sequence[NDArray[np.uint8]], kept: str) -> CleanedPhotos:
        return clean_photos(
            [np.array(each) for each in tiles], SOURCE, teaching, run_folder / kept, earlier=earlier
        )

    plan = run_folder / TILES_NAME
    if not plan.exists():  # a run that is resumed keeps to its tiles
        started = time.monotonic()
        clean(learned[:1], "timed")
        plan.write_text(json.dumps(_fitting_tiles(left_s, time.monotonic() - started)), encoding="utf-8")
    chosen = spread(learned, json.loads(plan.read_text(encoding="utf-8")))
    whose = "the present student" if teacher is None else "the new teacher"
    on_note(f"{whose} cleans {len(chosen)} tiles for the fast student")
    cleaned = clean(chosen, "estimates")
    weights, steps = _taught(old, cleaned, deadline, run_folder, device, on_step)
    new = Student(old.config).to(device.torch_device).eval()
    new.load_state_dict(weights)
    pairs = _judging_pairs(held_out, before, run_folder / "judged")
    verdict = compare(
        old,
        new,
        judging_crops(held_out),
        device,
        losses=lambda network: known_answer_losses(network, pairs, device),
        clean=lambda network, noisy: network(noisy),
        blind=False,
    )
    kept = new if verdict.accepted else old
    return LearnedStudent(kept.state_dict(), old.config, steps, base.name, verdict)


def _taught(
    old: Student,
    cleaned: CleanedPhotos,
    deadline: float,
    run_folder: Path,
    device: Device,
    on_step: Callable[[TrainingProgress], None] | None,
) -> tuple[dict[str, Tensor], int]:
    """Return the weights of a student that began as `old` and learned until `deadline`, and its steps."""
    config = DistillationConfig(
        steps=1,
        learning_rate=LEARNING_RATE,
        warmup_steps=20,
        batch=4,
        ema_decay=0.99,
        renoised_share=RENOISED_SHARE,
        transplanted_share=TRANSPLANTED_SHARE,
    )
    trainer = StudentTrainer(old.config, config, PairSampler([cleaned], config), device)
    trainer.begin_with(old.state_dict())
    started = time.monotonic()
    trainer.loss().backward()  # type: ignore[no-untyped-call]
    pace = time.monotonic() - started
    steps = int((deadline - time.monotonic()) / max(pace, 1e-3))
    trainer.config = replace(config, steps=min(MOST_STEPS, max(FEWEST_STEPS, steps)), checkpoint_every=50)
    return trainer.run(run_folder / CHECKPOINT_NAME, on_step), trainer.step


def _is_its_teacher(base: Model, entry: ModelEntry) -> bool:
    """Return whether a teacher is that of the model of its name: weight files may be called anything."""
    part = entry.parts.get("teacher")
    return part is not None and part.sha256 == base.sha256


def _judging_pairs(tiles: Sequence[NDArray[np.uint8]], student: Model, kept: Path) -> Pairs:
    """Return squares of tiles that `student` cleaned, with the tiles' own noise from other places on them."""
    chosen = [np.array(each) for each in spread(tiles, JUDGING_TILES)]
    cleaned = clean_photos(chosen, SOURCE, student, kept, earlier=Earlier(student, 1.0))
    random = np.random.default_rng(0)
    noisy, targets = [], []
    for tile, target in zip(cleaned.noisy, cleaned.targets, strict=True):
        noise = learn_noise(tile, target)
        height, width = target.shape[:2]
        for top in range(0, height - JUDGING_PX + 1, JUDGING_PX):
            for left in range(0, width - JUDGING_PX + 1, JUDGING_PX):
                scene = target[top : top + JUDGING_PX, left : left + JUDGING_PX].astype(np.float32)
                noisy.append(lay_noise(noise, scene, random))
                targets.append(scene)
    first, second = (torch.from_numpy(np.stack(each) / 255).permute(0, 3, 1, 2) for each in (noisy, targets))
    return Pairs(first, second, torch.zeros(len(noisy), dtype=torch.bool))


def _fitting_tiles(left_s: float, seconds_a_tile: float) -> int:
    """Return how many tiles are cleaned for a student that is to be ready in `left_s` seconds."""
    fitting = int(CLEANING_SHARE * left_s / max(seconds_a_tile, 1e-3))
    return min(MOST_TILES, max(FEWEST_TILES, fitting))
