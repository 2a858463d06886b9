"""What a fine-tuning run leaves: the noise that it found, and a model of the parts that got better, with its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.engine.kept_json import keep_json
from lgbpn_cli.training.finetune.photos import KeptPhoto
from lgbpn_cli.training.finetune.student import LearnedStudent
from lgbpn_cli.training.finetune.teacher import LearnedTeacher

LICENCE = "that of its base model; the photos are the user's own"


@dataclass(frozen=True)
class Origin:
    """Where a model comes from."""

    config: FinetuneConfig
    photos: Sequence[KeptPhoto]
    start: str
    """What it starts from: a model, a weight file, or scratch."""
    base: str
    """Model whose parts serve where the new one is no better; empty: there is none."""
    preset: str
    command: str

    def details(self) -> tuple[str, ...]:
        """Return lines for the card."""
        levels = [each.level_8bit for each in self.photos]
        shots = Counter(str(each.shot) for each in self.photos)
        return (
            f"Fine-tuned from {self.start} on {len(self.photos)} noisy photos, "
            f"{sum(each.held_out for each in self.photos)} of them held out to judge by. No clean photo was used.",
            *(f"  - {shot}: {count}" for shot, count in sorted(shots.items())),
            f"Noise of the photos: {min(levels):.1f} to {max(levels):.1f} of 255 levels, {np.mean(levels):.1f} in the "
            f"mean; neighbours correlate by {np.mean([each.neighbour_correlation for each in self.photos]):.2f}",
            *([f"What this model has no part of its own for, {self.base} does"] if self.base else ()),
        )

    @property
    def cameras(self) -> tuple[tuple[str, int], ...]:
        """Cameras and ISO values of the photos."""
        return tuple(sorted({(each.camera, each.iso) for each in self.photos if each.camera}))

    @property
    def data(self) -> str:
        """What was learned from, in words."""
        return f"{len(self.photos)} of the user's own noisy photos"


def write_teacher(teacher: LearnedTeacher, shape: NetworkConfig, origin: Origin, folder: Path) -> ModelEntry:
    """Write weights, card and manifest entry of a new model with this teacher, and return the entry."""
    config, found = origin.config, "no better state was found"
    if teacher.verdict is not None:
        found = teacher.verdict.words()
    new = Publication(
        name=config.name,
        part="teacher",
        weights=teacher.network.state_dict(),
        shape=shape,
        preset=origin.preset,
        network=f"LG-BPN teacher, width {shape.width}",
        data=origin.data,
        licence=LICENCE,
        steps=teacher.steps,
        command=origin.command,
        schedule=f"of {config.batch} crops of {config.crop_px} px, L1 to the noisy input, learning rate "
        f"{config.learning_rate:g}, EMA {config.ema_decay:g}",
        details=(*origin.details(), f"Teacher: {found}"),
        cameras=origin.cameras,
        begins_model=True,
        base=origin.base,
    )
    return publish(new, folder)


def write_student(
    student: LearnedStudent, origin: Origin, folder: Path, *, beside: ModelEntry | None
) -> ModelEntry:
    """Write a student or its adapter beside the new teacher, or as a new model; return the entry."""
    if student.weights is None or student.verdict is None:
        raise ValueError("a student that was not accepted is not written")
    widths = ", ".join(map(str, student.shape.widths))
    network, weights = f"U-Net at half resolution, widths {widths}", student.weights
    if student.adapts is None:
        weights = {name: value.half() for name, value in weights.items()}  # as the student that ships
    else:
        count = sum(value.numel() for value in student.weights.values())
        network = (
            f"adapter of {count} numbers to the student of {student.adapts.name} "
            f"(SHA-256 {student.adapts.sha256}), a {network}"
        )
    new = Publication(
        name=origin.config.name,
        part="student",
        weights=weights,
        shape=student.shape,
        preset=origin.preset,
        network=network,
        data=origin.data,
        licence=LICENCE,
        steps=student.steps,
        command=origin.command,
        details=(
            *(() if beside is not None else origin.details()),
            f"Student: {student.tried}, from {student.base}'s; {student.verdict.words()}",
        ),
        cameras=origin.cameras,
        begins_model=beside is None,
        adapts=student.adapts,
        base=origin.base,
    )
    return publish(new, folder)


def write_noise(student: LearnedStudent, name: str, folder: Path) -> Path:
    """Write the noise that was measured, as `--preset` of `denoise` takes it, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-noise.json"
    noise = student.noise.as_json()
    keep_json(path, {"photos": [{"file": name, **noise}]})
    return path
