"""What a fine-tuning run leaves: a user model with its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, file_sha256
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.finetune.acceptance import Verdict
from lgbpn_cli.training.finetune.photos import KeptPhoto
from lgbpn_cli.training.finetune.student import LearnedStudent


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
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{config.name}.safetensors"
    write_weights(target, network.state_dict(), shape, preset)
    cameras = sorted({(each.camera, each.iso) for each in photos if each.camera})
    entry = ModelEntry(
        name=config.name,
        preset=preset,
        parts={"teacher": ModelPart(target.name, file_sha256(target))},
        training_data=f"{len(photos)} of the user's own noisy photos",
        licence="that of its base model; the photos are the user's own",
        steps=steps,
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        card=f"{config.name}.md",
        cameras=tuple(cameras),
        folder=folder,
    )
    (folder / entry.card).write_text(_card(entry, photos, verdict, config, base), encoding="utf-8")
    add_entry(entry)
    return entry


def _card(
    entry: ModelEntry,
    photos: Sequence[KeptPhoto],
    verdict: Verdict | None,
    config: FinetuneConfig,
    base: str,
) -> str:
    found = "no better state was found" if verdict is None else verdict.words()
    kept = "" if verdict is not None and verdict.accepted else f". The teacher is that of {base}"
    shots = {str(each.shot): 0 for each in photos}
    for each in photos:
        shots[str(each.shot)] += 1
    listed = "\n".join(f"  - {shot}: {count}" for shot, count in sorted(shots.items()))
    levels = [each.level_8bit for each in photos]
    return f"""# {entry.name}

- Fine-tuned from {base} on {len(photos)} noisy photos, {sum(each.held_out for each in photos)} of them held out to \
judge by. No clean photo was used.
{listed}
- Noise of the photos: {min(levels):.1f} to {max(levels):.1f} of 255 levels, {np.mean(levels):.1f} in the mean; \
neighbours correlate by {np.mean([each.neighbour_correlation for each in photos]):.2f}
- Teacher: {found}{kept}
- Steps of the teacher: {entry.steps} of {config.batch} crops of {config.crop_px} px, L1 to the noisy input, learning \
rate {config.learning_rate:g}, EMA {config.ema_decay:g}
- Date: {entry.date}
- SHA-256: {entry.parts["teacher"].sha256}
"""


def add_student(entry: ModelEntry, student: LearnedStudent) -> ModelEntry:
    """Return the entry with the new student, or with that of the base where the new one was not accepted."""
    target = entry.folder / f"{entry.name}-student.safetensors"
    write_weights(target, student.weights, student.shape, entry.preset)
    part = ModelPart(target.name, file_sha256(target))
    finished = replace(entry, parts={**entry.parts, "student": part})
    card = entry.folder / entry.card
    kept = "" if student.verdict.accepted else f". The student is that of {student.base}"
    line = (
        f"- Student: {student.steps} steps from {student.base}'s; {student.verdict.words()}{kept}; "
        f"SHA-256 {part.sha256}\n"
    )
    card.write_text(card.read_text(encoding="utf-8") + line, encoding="utf-8")
    add_entry(finished)
    return finished
