"""The fast student of a fine-tuned model: it learns from its own results so far and from the photos' noise.

Not from the new teacher: with three tenths of that in every target, which lost fine texture, the student lost more than
it gained (docs/history.md).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.device import Device
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry, all_models
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.config import DataSource, DistillationConfig
from lgbpn_cli.training.engine.kept_json import keep_json
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.finetune.acceptance import (
    Verdict,
    compare,
    judging_crops,
    known_answer_losses,
    spread,
)
from lgbpn_cli.training.noise.transplant import lay_noise, learn_noise
from lgbpn_cli.training.student.distil import (
    CHECKPOINT_NAME,
    ESTIMATES_FOLDER,
    Earlier,
    StudentTrainer,
    clean_photos,
)
from lgbpn_cli.training.student.pairs import CleanedPhotos, Pairs, PairSampler

ROUNDS = 2
"""Each begins with the results of the student of the one before, which are nearer to the truth."""
LEAST_STEPS_A_ROUND = 100
"""Where the time is too short for that, there is one round."""
FEWEST_STEPS, MOST_STEPS = 20, 5_000
"""Of a round."""
LEARNING_RATE = 3e-4
RENOISED_SHARE, TRANSPLANTED_SHARE = 0.15, 0.65
"""Shares of the crops with made-up noise and with the photos' own from other places. Drawn pictures, and noise laid on
other scenes, brought less here: the student is to suit these photos and no others."""
MOST_TILES = 400
"""So many tiles are cleaned for the student at most, spread evenly."""
FEWEST_TILES = 4
"""However short the time."""
CLEANING_SHARE = 0.5
"""Share of a round's time in which tiles are cleaned, at most."""
JUDGING_TILES = 8
TILES_TO_JUDGE = 4 * JUDGING_TILES
"""Judging takes about as long as cleaning so many: it cleans its own tiles, measures their noise, and looks at as many
with each student."""
JUDGING_PX = 128
"""Side of the squares of the tiles held out whose answers are compared; they do not overlap."""
RUN_NAME, PLAN_NAME = "student", "plan.json"
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


@dataclass(frozen=True)
class _Plan:
    """What fits into the student's time."""

    tiles: int
    rounds: int
    steps: int
    """Of a round."""


def learn_student(
    base: Model | None,
    learned: Sequence[NDArray[np.uint8]],
    held_out: Sequence[NDArray[np.uint8]],
    ends_at: float,
    run_folder: Path,
    device: Device,
    *,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None],
) -> LearnedStudent | None:
    """Return a student that learned on the tiles `learned`, judged on the tiles `held_out`.

    All is done by `ends_at`, as `time.monotonic` counts. It starts from the student of the teacher `base`; None without
    one, or without time. Interrupted, it goes on from what lies in `run_folder`.
    """
    known = None if base is None else all_models().get(base.name)
    if base is None or known is None or not _is_its_teacher(base, known) or "student" not in known.parts:
        on_note("no fast student: the base model has none to start from; use `quality=teacher`")
        return None
    before = load_model(base.name, part="student", device=device)
    old = network_as(before.network, Student, base.name)
    run_folder = run_folder / RUN_NAME
    run_folder.mkdir(parents=True, exist_ok=True)
    if time.monotonic() >= ends_at:
        on_note("no fast student: there was no time left for one")
        return None
    plan, seconds_a_tile = _planned(before, learned, ends_at, run_folder, device)
    ends_at -= TILES_TO_JUDGE * seconds_a_tile
    chosen = spread(learned, plan.tiles)
    now, steps = before, 0
    for number in range(1, plan.rounds + 1):
        began = time.monotonic()
        if now is not before and began >= ends_at:
            break
        round_s = (ends_at - began) / (plan.rounds - number + 1)
        on_note(f"fast student, round {number} of {plan.rounds}: cleaning {len(chosen)} tiles to learn from")
        folder = run_folder / f"round_{number}"
        in_time = _until(began + CLEANING_SHARE * round_s, chosen)
        trainer = student_trainer(now, _cleaned(in_time, now, folder / ESTIMATES_FOLDER), plan.steps, device)
        trainer.ends_at = began + round_s
        new = Student(old.config).to(device.torch_device).eval()
        new.load_state_dict(trainer.run(folder / CHECKPOINT_NAME, on_step))
        steps += trainer.step
        now = replace(now, network=new, sha256=f"{before.sha256} after round {number}")
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


def _until(ends_at: float, tiles: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Give the tiles until then, and a few in any case. They come from photos in a random order: any part will do."""
    for number, tile in enumerate(tiles):
        if number >= FEWEST_TILES and time.monotonic() >= ends_at:
            return
        yield tile


def _cleaned(tiles: Iterable[NDArray[np.uint8]], student: Model, kept: Path) -> CleanedPhotos:
    """Return tiles with the results of `student`, alone, as targets."""
    # No teacher is asked where the student's share is all.
    photos = (np.array(each) for each in tiles)
    return clean_photos(photos, SOURCE, student, kept, earlier=Earlier(student, share=1.0))


def student_trainer(student: Model, cleaned: CleanedPhotos, steps: int, device: Device) -> StudentTrainer:
    """Return what trains a student that begins as `student`."""
    config = DistillationConfig(
        steps=steps,
        learning_rate=LEARNING_RATE,
        warmup_steps=20,
        batch=4,
        ema_decay=0.99,
        renoised_share=RENOISED_SHARE,
        transplanted_share=TRANSPLANTED_SHARE,
        checkpoint_every=50,
    )
    network = network_as(student.network, Student, student.name)
    trainer = StudentTrainer(network.config, config, PairSampler([cleaned], config), device)
    trainer.begin_with(network.state_dict())
    return trainer


def _planned(
    student: Model,
    learned: Sequence[NDArray[np.uint8]],
    ends_at: float,
    run_folder: Path,
    device: Device,
) -> tuple[_Plan, float]:
    """Return the plan of the run in `run_folder`, and how many seconds cleaning a tile takes.

    The plan is that of the run that is resumed, or one made and written down now.
    """
    path = run_folder / PLAN_NAME
    # There is none yet, or it was cut short by a power failure.
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
        known = json.loads(path.read_text(encoding="utf-8"))
        return _Plan(**known["plan"]), float(known["seconds_a_tile"])
    started = time.monotonic()
    timed = _cleaned(learned[:1], student, run_folder / "timed")
    seconds_a_tile = time.monotonic() - started
    seconds_a_step = student_trainer(student, timed, 1, device).seconds_a_step()
    left_s = ends_at - time.monotonic() - TILES_TO_JUDGE * seconds_a_tile
    plan = _fitting(left_s, len(learned), seconds_a_tile, seconds_a_step)
    keep_json(path, {"plan": asdict(plan), "seconds_a_tile": seconds_a_tile})
    return plan, seconds_a_tile


def _fitting(left_s: float, tiles: int, seconds_a_tile: float, seconds_a_step: float) -> _Plan:
    """Return what fits into `left_s` seconds where there are so many tiles."""
    in_all = (1 - CLEANING_SHARE) * left_s / seconds_a_step
    rounds = ROUNDS if in_all >= ROUNDS * LEAST_STEPS_A_ROUND else 1
    round_s = left_s / rounds
    fitting = int(CLEANING_SHARE * round_s / max(seconds_a_tile, 1e-3))
    chosen = min(tiles, MOST_TILES, max(FEWEST_TILES, fitting))
    steps = int((round_s - chosen * seconds_a_tile) / seconds_a_step)
    return _Plan(chosen, rounds, min(MOST_STEPS, max(FEWEST_STEPS, steps)))


def _is_its_teacher(base: Model, entry: ModelEntry) -> bool:
    """Return whether a teacher is that of the model of its name: weight files may be called anything."""
    part = entry.parts.get("teacher")
    return part is not None and part.sha256 == base.sha256


def _judging_pairs(tiles: Sequence[NDArray[np.uint8]], student: Model, kept: Path) -> Pairs:
    """Return squares of tiles that `student` cleaned, with the tiles' own noise from other places on them."""
    cleaned = _cleaned(spread(tiles, JUDGING_TILES), student, kept)
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
