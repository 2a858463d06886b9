"""What a fine-tuning run leaves: a user model with its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.finetune.acceptance import Verdict
from lgbpn_cli.training.finetune.photos import KeptPhoto
from lgbpn_cli.training.finetune.student import LearnedStudent

LICENCE = "that of its base model; the photos are the user's own"


def write_model(
    network: LGBPN,
    shape: NetworkConfig,
    preset: str,
    photos: Sequence[KeptPhoto],
    verdict: Verdict | None,
    config: FinetuneConfig,
    *,
    steps: int,
    base: str,
    folder: Path,
    command: str,
) -> ModelEntry:
    """Write weights, card and manifest entry of a model with this teacher, and return the entry.

    `verdict` is what was found of the new teacher, None if no state of it was better; where it was not accepted,
    `network` is the base's, after 0 `steps`.
    """
    found = "no better state was found" if verdict is None else verdict.words()
    kept = "" if verdict is not None and verdict.accepted else f". The teacher is that of {base}"
    levels = [each.level_8bit for each in photos]
    shots = Counter(str(each.shot) for each in photos)
    new = Publication(
        name=config.name,
        part="teacher",
        weights=network.state_dict(),
        shape=shape,
        preset=preset,
        network=f"LG-BPN teacher, width {shape.width}",
        data=f"{len(photos)} of the user's own noisy photos",
        licence=LICENCE,
        steps=steps,
        command=command,
        schedule=f"of {config.batch} crops of {config.crop_px} px, L1 to the noisy input, learning rate "
        f"{config.learning_rate:g}, EMA {config.ema_decay:g}",
        details=(
            f"Fine-tuned from {base} on {len(photos)} noisy photos, {sum(each.held_out for each in photos)} of them "
            "held out to judge by. No clean photo was used.",
            *(f"  - {shot}: {count}" for shot, count in sorted(shots.items())),
            f"Noise of the photos: {min(levels):.1f} to {max(levels):.1f} of 255 levels, {np.mean(levels):.1f} in "
            f"the mean; neighbours correlate by {np.mean([each.neighbour_correlation for each in photos]):.2f}",
            f"Teacher: {found}{kept}",
        ),
        cameras=tuple(sorted({(each.camera, each.iso) for each in photos if each.camera})),
        begins_model=True,
    )
    return publish(new, folder)


def add_student(entry: ModelEntry, student: LearnedStudent) -> ModelEntry:
    """Return the entry with the new student, or with that of the base where the new one was not accepted."""
    kept = "" if student.verdict.accepted else f". The student is that of {student.base}"
    new = Publication(
        name=entry.name,
        part="student",
        weights=student.weights,
        shape=student.shape,
        preset=entry.preset,
        network=f"U-Net at half resolution, widths {', '.join(map(str, student.shape.widths))}",
        data=entry.training_data,
        licence=LICENCE,
        steps=student.steps,
        command=entry.command,
        details=(f"Student: {student.steps} steps from {student.base}'s; {student.verdict.words()}{kept}",),
    )
    return publish(new, entry.folder)
