"""The fast student of a fine-tuned model: first an adapter learns the camera's noise, then all weights if time allows.

Both learn from the student's own results so far and from the photos' noise. Not from the new teacher: with three tenths
of that in every target, which lost fine texture, the student lost more than it gained (docs/history.md).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import all_models
from lgbpn_cli.models.weight_file import AdaptedBase, adapted_base
from lgbpn_cli.network.adapter import AdaptedStudent, adapted
from lgbpn_cli.network.student import Student
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.finetune import lessons
from lgbpn_cli.training.finetune.in_time import in_time
from lgbpn_cli.training.finetune.photos import RunTiles
from lgbpn_cli.training.finetune.risk import ProbedPhoto, probed
from lgbpn_cli.training.finetune.student_verdict import StudentJudge, StudentVerdict
from lgbpn_cli.training.noise.measured import CameraNoise, measure_camera
from lgbpn_cli.training.student.distil import (
    CHECKPOINT_NAME,
    ESTIMATES_FOLDER,
    SMALLEST_ERROR,
    StudentTrainer,
)
from lgbpn_cli.training.student.pairs import CleanedPhotos, Pairs

ALL_WEIGHTS_FROM_S = 240.0
"""With less time for the student, the adapter gets all of it."""
ADAPTER_SHARE = 0.45
"""Share of the time that the adapter gets where all weights learn, too."""
MOST_STEPS = 5_000
"""Of a round."""
ADAPTER_RATE, ALL_WEIGHTS_RATE = 5e-3, 3e-4
MOST_TILES, MOST_MEASURED, MOST_FRAME_TILES, JUDGING_TILES = 400, 32, 8, 24
"""So many tiles are cleaned to learn from at most, looked at for their noise, those of frames, and judged on."""
CLEANING_SHARE, MEASURING_SHARE, JUDGING_SHARE, DRAWING_SHARE = 0.2, 0.08, 0.08, 0.06
"""Shares of the student's time, at most, if a few tiles are done by then."""
LEARNING_SHARE = 0.5
"""With less of the time left when noise is measured, the machine is too busy: to judge and to learn takes longer."""
NONE_TO_LEARN = "no fast student: there was time to measure the noise, and none to learn it"
FINISHING_SHARE = 0.03
"""Share of the time in which the model is written and the program ends."""
RUN_NAME = "student"


@dataclass(frozen=True)
class LearnedStudent:
    """What became of a student."""

    weights: dict[str, Tensor] | None
    """All of its weights, or the adapter's; None where neither was accepted."""
    adapts: AdaptedBase | None
    """The student that an adapter belongs to."""
    shape: StudentConfig
    steps: int
    """Of all that was tried."""
    tried: str
    """What was tried, in words."""
    base: str
    """Name of the model whose student it came from."""
    verdict: StudentVerdict | None
    """On what was accepted, or came last; None where there was no time to learn anything."""
    noise: CameraNoise

    @property
    def accepted(self) -> bool:
        """Whether it is better than the student that it came from."""
        return self.weights is not None


@dataclass(frozen=True)
class _Materials:
    """What both rounds have in common."""

    noise: CameraNoise
    drawn: Sequence[NDArray[np.uint8]]
    judge: StudentJudge


def student_of(base: Model | None) -> str | None:
    """Return the name of the model whose student a run from the teacher `base` starts with; None: there is none.

    Weight files may be called anything: the teacher has to be that of the model of its name.
    """
    entry = None if base is None else all_models().get(base.name)
    if base is None or entry is None:
        return None
    part = entry.with_part("teacher").parts.get("teacher")
    has_student = "student" in entry.with_part("student").parts
    return base.name if part is not None and part.sha256 == base.sha256 and has_student else None


def learn_student(
    base: str,
    tiles: RunTiles,
    ends_at: float,
    run_folder: Path,
    device: Device,
    *,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None],
) -> LearnedStudent | None:
    """Return what became of the student of the model `base` on a run's tiles.

    All is done by `ends_at`, as `time.monotonic` counts; None without time. Interrupted, it goes on from what lies in
    `run_folder`.
    """
    if (time_s := ends_at - time.monotonic()) <= 0:
        on_note("no fast student: there was no time left for one")
        return None
    before = load_model(base, part="student", device=device)
    run_folder = run_folder / RUN_NAME
    on_note("fast student: cleaning photos, measuring the noise of this camera")
    own = _cleaned_in(
        CLEANING_SHARE * time_s, _in_any_order(tiles.learned, MOST_TILES), before, run_folder / "adapter"
    )
    noise = _measured(tiles, time.monotonic() + MEASURING_SHARE * time_s)
    shape = network_as(before.network, Student, base).config
    found = LearnedStudent(None, _adapted_base(before), shape, 0, "", base, None, noise)
    if ends_at - time.monotonic() < LEARNING_SHARE * time_s:
        on_note(NONE_TO_LEARN)
        return found
    materials = _prepared(before, own, noise, tiles, time_s, run_folder)
    ends_at -= FINISHING_SHARE * time_s
    if (left_s := ends_at - time.monotonic() - materials.judge.reserve.seconds) < _first_step_s(materials):
        on_note(NONE_TO_LEARN)
        return found
    if time_s < ALL_WEIGHTS_FROM_S:
        return _with_adapter(found, before, own, materials, ends_at, run_folder, on_step, on_note)[0]
    adapter_ends_at = time.monotonic() + ADAPTER_SHARE * left_s + materials.judge.reserve.seconds
    found, start = _with_adapter(found, before, own, materials, adapter_ends_at, run_folder, on_step, on_note)
    if (left_s := ends_at - time.monotonic() - materials.judge.reserve.seconds) < _first_step_s(materials):
        return found
    again = _in_any_order(tiles.learned, MOST_TILES)
    own = _cleaned_in(CLEANING_SHARE * left_s, again, start, run_folder / "all")
    on_note(f"fast student: all weights learn from {len(own.noisy)} tiles")
    return _with_all_weights(found, start, own, materials, ends_at, run_folder, on_step)


def _in_any_order(tiles: Sequence[NDArray[np.uint8]], most: int) -> list[NDArray[np.uint8]]:
    """Return up to so many tiles, the same every time: those of one photo follow one another no more."""
    return [tiles[index] for index in np.random.default_rng(0).permutation(len(tiles))[:most]]


def _cleaned_in(
    time_s: float, tiles: Sequence[NDArray[np.uint8]], student: Model, folder: Path
) -> CleanedPhotos:
    return lessons.cleaned(in_time(time.monotonic() + time_s, tiles), student, folder / ESTIMATES_FOLDER)


def _measured(tiles: RunTiles, ends_at: float) -> CameraNoise:
    """Return the noise of the camera, from as many tiles as there is time for."""
    in_order = in_time(ends_at, _in_any_order(tiles.learned, MOST_MEASURED))
    return measure_camera(
        chain(_in_any_order(tiles.frames, MOST_FRAME_TILES), in_order), cell_levels(), tiles.jpeg
    )


def _prepared(
    before: Model, own: CleanedPhotos, noise: CameraNoise, tiles: RunTiles, time_s: float, run_folder: Path
) -> _Materials:
    """Return drawn pictures, and the base's student, judged on the photos held out."""
    drawn = lessons.drawn_until(time.monotonic() + DRAWING_SHARE * time_s, own.targets)
    kept = lessons.DRAWN_TO_JUDGE if len(drawn) > lessons.DRAWN_TO_JUDGE else 0
    judged = _cleaned_in(
        JUDGING_SHARE * time_s, _in_any_order(tiles.held_out, JUDGING_TILES), before, run_folder / "judged"
    )
    random, photos, scenes = np.random.default_rng(1), list[ProbedPhoto](), list[Pairs]()
    for number, (noisy, target) in enumerate(zip(judged.noisy, judged.targets, strict=True)):
        photos.append(probed(noisy, target, noise, random))
        scenes.append(lessons.sharp_scenes(target, noise, random, drawn[:kept][number : number + 1]))
    judge = StudentJudge(
        before.network, photos, scenes, before.device, time.monotonic() + JUDGING_SHARE * time_s
    )
    return _Materials(noise, drawn[kept:], judge)


def _first_step_s(materials: _Materials) -> float:
    """Return how long the first step may take, with all that is made for it: about two judgements."""
    return 2 * materials.judge.reserve.seconds


def _with_adapter(
    found: LearnedStudent,
    before: Model,
    own: CleanedPhotos,
    materials: _Materials,
    ends_at: float,
    run_folder: Path,
    on_step: Callable[[TrainingProgress], None] | None,
    on_note: Callable[[str], None],
) -> tuple[LearnedStudent, Model]:
    """Return what became of an adapter that learned until then, and the better student of the two."""
    on_note(f"fast student: an adapter learns from {len(own.noisy)} tiles")
    student = network_as(before.network, Student, before.name)
    module, config = AdaptedStudent(student), _schedule(ADAPTER_RATE)
    sampler = lessons.lessons(own, materials.drawn, materials.noise, config)
    trainer = AdapterTrainer(student.config, config, sampler, before.device, network=module)
    trainer.usual_error = materials.judge.usual_error
    adapter = module.adapter(_learned(ends_at, materials.judge, trainer, run_folder / "adapter", on_step))
    weights = adapted(student.state_dict(), adapter)
    network = _student_with(weights, before)
    verdict = materials.judge.verdict(network, ends_at)
    tried = f"{trainer.step} steps of an adapter"
    found = replace(found, steps=trainer.step, tried=tried, verdict=verdict)
    if not verdict.accepted:
        return found, before
    kept = weights if found.adapts is None else adapter
    start = replace(before, network=network, sha256=f"{before.sha256} adapted")
    return replace(found, weights=kept), start


def _with_all_weights(
    found: LearnedStudent,
    start: Model,
    own: CleanedPhotos,
    materials: _Materials,
    ends_at: float,
    run_folder: Path,
    on_step: Callable[[TrainingProgress], None] | None,
) -> LearnedStudent:
    """Return what was found, or what became of the student `start` where all its weights learned and it got better."""
    student, config = network_as(start.network, Student, start.name), _schedule(ALL_WEIGHTS_RATE)
    sampler = lessons.lessons(own, materials.drawn, materials.noise, config)
    trainer = CameraTrainer(student.config, config, sampler, start.device)
    trainer.usual_error = materials.judge.usual_error
    trainer.begin_with(student.state_dict())
    weights = _learned(ends_at, materials.judge, trainer, run_folder / "all", on_step)
    verdict = materials.judge.verdict(_student_with(weights, start), ends_at)
    tried = f"{found.tried}, {trainer.step} of all weights"
    found = replace(found, steps=found.steps + trainer.step, tried=tried)
    if found.weights is None:
        return replace(found, weights=weights if verdict.accepted else None, adapts=None, verdict=verdict)
    # Beside the adapter, not the base, all weights have to be better, too.
    if verdict.accepted and found.verdict is not None and verdict.beside(found.verdict).accepted:
        return replace(found, weights=weights, adapts=None, verdict=verdict)
    return found


class CameraTrainer(StudentTrainer):
    """Trains a student to give the targets of one camera's lessons."""

    usual_error = 1.0
    """Squared error on photos, in 0..1: that of recorrupted ones is compared with it."""

    def loss(self) -> Tensor:
        """Return the geometric mean of the crops' errors, as other students' loss.

        A recorrupted target has noise, which is most of how far an answer is from it: the logarithm of the error is
        taken to change by its share of the usual error.
        """
        pairs = self.lessons.pairs(self.step)
        noisy, target, recorrupted = (
            each.to(self.device.torch_device) for each in (pairs.noisy, pairs.target, pairs.as_taken)
        )
        with self.device.autocast(self.config.precision):
            answer = self.network(noisy)
        squares = (answer - target).square().mean(dim=(1, 2, 3))
        known = (squares[~recorrupted] + SMALLEST_ERROR**2).log()
        surplus = squares - lessons.noise_in_targets(noisy, target)
        estimated = surplus[recorrupted] / self.usual_error - 1 + math.log(self.usual_error)
        geometric_mean: Tensor = (torch.cat([known, estimated]).mean() / 2).exp()
        return geometric_mean


class AdapterTrainer(CameraTrainer):
    """Trains an adapter to give the targets."""

    def make_optimisers(self) -> list[torch.optim.Optimizer]:
        """Return Adam: what an adapter has are scales and shifts."""
        return [torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate, fused=True)]


def _learned(
    ends_at: float,
    judge: StudentJudge,
    trainer: StudentTrainer,
    folder: Path,
    on_step: Callable[[TrainingProgress], None] | None,
) -> dict[str, Tensor]:
    """Return what a trainer learns until the verdict has to begin, for which there is time until then."""
    trainer.ends_at = ends_at - judge.reserve.seconds
    folder.mkdir(parents=True, exist_ok=True)

    def after_step(progress: TrainingProgress) -> None:
        if on_step is not None:
            on_step(progress)
        judge.reserve.note()
        trainer.ends_at = ends_at - judge.reserve.seconds

    return trainer.run(folder / CHECKPOINT_NAME, after_step)


def _schedule(learning_rate: float) -> DistillationConfig:
    return DistillationConfig(
        steps=MOST_STEPS,
        learning_rate=learning_rate,
        warmup_steps=20,
        batch=4,
        ema_decay=0.98,
        renoised_share=lessons.MEASURED_SHARE,
        transplanted_share=0,
        drawn_scene_share=lessons.DRAWN_SCENE_SHARE,
        checkpoint_every=50,
    )


def _student_with(weights: dict[str, Tensor], like: Model) -> Student:
    """Return a student with these weights, to use, of the shape and on the device of another."""
    network = Student(network_as(like.network, Student, like.name).config).eval()
    network.load_state_dict(weights)
    network.to(like.device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _adapted_base(student: Model) -> AdaptedBase | None:
    """Return what an adapter of this student belongs to; None where it has one itself, and adapters do not add up."""
    path = all_models()[student.name].with_part("student").part_path("student")
    return AdaptedBase(student.name, student.sha256) if adapted_base(path) is None else None
