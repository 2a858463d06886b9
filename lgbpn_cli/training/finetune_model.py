"""What a fine-tuning run leaves: a user model with its card, and its fast student."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.device import Device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, all_models, file_sha256
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.acceptance import Verdict
from lgbpn_cli.training.distil import Earlier, StudentTrainer, clean_photos
from lgbpn_cli.training.finetune_photos import KeptPhoto
from lgbpn_cli.training.pairs import PairSampler
from lgbpn_cli.training.trainer import TrainingProgress
from lgbpn_cli.training_config import DataSource, DistillationConfig, FinetuneConfig

FEWEST_STUDENT_STEPS = 20
MOST_STUDENT_STEPS = 2000
STUDENT_LEARNING_RATE = 3e-4
EARLIER_SHARE = 0.7
"""Share of the base student's results in what the new one learns; the rest is the new teacher's."""
RENOISED_SHARE, TRANSPLANTED_SHARE = 0.15, 0.65
"""Shares of the student's crops with made-up noise and with the photos' own from other places: recipes/student.toml."""
STUDENT_TILES = 64
"""The teacher cleans so many tiles for the student at most, spread evenly."""
FEWEST_STUDENT_TILES = 4
"""However short the time."""
CLEANING_SHARE = 0.5
"""Share of the student's time in which the teacher cleans."""


def write_model(
    network: LGBPN,
    shape: NetworkConfig,
    preset: str,
    photos: Sequence[KeptPhoto],
    verdict: Verdict,
    config: FinetuneConfig,
    *,
    steps: int,
    base: str,
    folder: Path,
    command: str,
) -> ModelEntry:
    """Write weights, card and manifest entry of an accepted model, and return the entry."""
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
    entry: ModelEntry, photos: Sequence[KeptPhoto], verdict: Verdict, config: FinetuneConfig, base: str
) -> str:
    shots = {str(each.shot): 0 for each in photos}
    for each in photos:
        shots[str(each.shot)] += 1
    listed = "\n".join(f"  - {shot}: {count}" for shot, count in sorted(shots.items()))
    levels = [each.level_8bit for each in photos]
    return f"""# {entry.name}

- Fine-tuned from {base} on {len(photos)} noisy photos, {sum(each.held_out for each in photos)} of them held out to \
judge by. No clean picture was used.
{listed}
- Noise of the photos: {min(levels):.1f} to {max(levels):.1f} of 255 levels, {np.mean(levels):.1f} in the mean; \
neighbours correlate by {np.mean([each.neighbour_correlation for each in photos]):.2f}
- Steps: {entry.steps} of {config.batch} crops of {config.crop_px} px, L1 to the noisy input, learning rate \
{config.learning_rate:g}, EMA {config.ema_decay:g}
- {verdict.words()[0].upper()}{verdict.words()[1:]}
- Date: {entry.date}
- SHA-256: {entry.parts["teacher"].sha256}
"""


def distil_student(
    entry: ModelEntry,
    base: Model | None,
    tiles: Sequence[NDArray[np.uint8]],
    left_s: float,
    run_folder: Path,
    device: Device,
    *,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None],
) -> ModelEntry:
    """Return the entry with a student that learned from the new teacher in `left_s` seconds.

    It starts from the base's student; without one there, or without time, the model stays a teacher alone.
    """
    known = None if base is None else all_models().get(base.name)
    if base is None or known is None or "student" not in known.parts:
        on_note("no fast student: the base model has none to start from; use --quality teacher")
        return entry
    deadline = time.monotonic() + left_s
    before = load_model(base.name, part="student", device=device)
    old = before.network
    if not isinstance(old, Student):
        raise TypeError("the base's student is none")
    teacher = load_model(str(entry.part_path("teacher")), device=device)
    source = DataSource("own photos", renoised_weight=1.0)
    started = time.monotonic()
    # The base's student is better than any teacher where it is right already; the new teacher leads it from there.
    earlier = Earlier(before, EARLIER_SHARE)
    clean_photos([np.array(tiles[0])], source, teacher, run_folder / "timed", earlier=earlier)
    count = _fitting_tiles(left_s, time.monotonic() - started)
    chosen = sorted({int(index) for index in np.linspace(0, len(tiles) - 1, count)})
    on_note(f"the new teacher cleans {len(chosen)} tiles for its fast student")
    cleaned = clean_photos(
        [np.array(tiles[i]) for i in chosen], source, teacher, run_folder / "estimates", earlier=earlier
    )
    config = DistillationConfig(
        steps=1,
        learning_rate=STUDENT_LEARNING_RATE,
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
    trainer.config = replace(
        config, steps=min(MOST_STUDENT_STEPS, max(FEWEST_STUDENT_STEPS, steps)), checkpoint_every=50
    )
    weights = trainer.run(run_folder / "student.pt", on_step)
    target = entry.folder / f"{entry.name}-student.safetensors"
    write_weights(target, weights, old.config, entry.preset)
    part = ModelPart(target.name, file_sha256(target))
    finished = replace(entry, parts={**entry.parts, "student": part})
    card = entry.folder / entry.card
    line = f"- Student: {trainer.step} steps from {base.name}'s; SHA-256 {part.sha256}\n"
    card.write_text(card.read_text(encoding="utf-8") + line, encoding="utf-8")
    add_entry(finished)
    return finished


def _fitting_tiles(left_s: float, seconds_a_tile: float) -> int:
    """Return how many tiles the teacher cleans for a student that is to be ready in `left_s` seconds."""
    fitting = int(CLEANING_SHARE * left_s / max(seconds_a_tile, 1e-3))
    return min(STUDENT_TILES, max(FEWEST_STUDENT_TILES, fitting))
