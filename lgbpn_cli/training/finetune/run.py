"""Fine-tuning: a model learns the noise of somebody's own photos, and is kept only if it is better for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model
from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.engine.distributed import ProcessGroup
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.finetune.model import Origin, write_noise, write_student, write_teacher
from lgbpn_cli.training.finetune.photos import KeptPhoto, read_run_tiles
from lgbpn_cli.training.finetune.student import learn_student, student_of
from lgbpn_cli.training.finetune.student_verdict import StudentVerdict
from lgbpn_cli.training.finetune.teacher import learn_teacher
from lgbpn_cli.training.finetune.teacher_verdict import TeacherVerdict

TEACHER_FROM_S = 420.0
"""With less time, and a student to start from, LG-BPN stays as it is: it would hardly get better."""


@dataclass(frozen=True)
class Report:
    """What became of one run."""

    entry: ModelEntry | None
    """The finished model; None if neither teacher nor student was accepted."""
    verdict: TeacherVerdict | None
    """On the teacher; None where no state was better than its base."""
    steps: int
    student_verdict: StudentVerdict | None = None
    """None where no student was made."""
    student_tried: str = ""
    """What was tried for it, in words."""
    noise: Path | None = None
    """The file of the noise that was measured."""
    interrupted: bool = False
    """Stopped with Ctrl-C: the best state so far was judged, and the run can be resumed."""
    trouble: str = ""
    """Why the run ended early, if it did by itself."""
    rank: int = 0
    """Which process says so; only the one of rank 0 judges and makes the model."""


def finetune(
    photos: Sequence[KeptPhoto],
    base: Model | None,
    shape: NetworkConfig,
    config: FinetuneConfig,
    *,
    run_folder: Path,
    tiles_folder: Path,
    models_folder: Path,
    device: Device,
    command: str,
    group: ProcessGroup | None = None,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Report:
    """Train on `photos`, whose tiles lie in `tiles_folder`, and return what became of it.

    A run that is found in `run_folder` goes on.

    `base` is the teacher it starts from; None: random weights of `shape`. A model is written into `models_folder`
    only if its teacher or its student is better than the base's on the photos held out; it has no other one of its own.
    Raises TrainingError where the run cannot go on.
    """
    group = group or ProcessGroup()
    note: Callable[[str], None] = on_note if on_note is not None and group.leads else lambda text: None
    started = time.monotonic()
    tiles = read_run_tiles(photos, tiles_folder)
    with_student = student_of(base)
    start, preset = ("scratch", "sidd") if base is None else (base.name, base.preset)
    origin = Origin(
        config, [each for each in photos if not each.is_frame], start, with_student or "", preset, command
    )
    entry, verdict, steps = None, None, 0
    if with_student is None or config.steps is not None or config.time_limit_s >= TEACHER_FROM_S:
        teacher = learn_teacher(
            base,
            shape,
            config,
            tiles.learned,
            tiles.held_out,
            run_folder,
            device,
            group,
            started=started,
            on_step=on_step,
            note=note,
        )
        steps, verdict = teacher.steps, teacher.verdict
        if group.leads and teacher.accepted:
            entry = write_teacher(teacher, shape, origin, models_folder)
        if teacher.interrupted or teacher.trouble:
            return Report(
                entry,
                verdict,
                steps,
                interrupted=teacher.interrupted,
                trouble=teacher.trouble,
                rank=group.rank,
            )
    if not group.leads:
        return Report(None, None, steps, rank=group.rank)
    if with_student is None:
        note("no fast student: the base model has none to start from; use `quality=teacher`")
        return Report(entry, verdict, steps)
    ends_at = started + config.time_limit_s
    try:
        student = learn_student(
            with_student, tiles, ends_at, run_folder, device, on_step=on_step, on_note=note
        )
    except KeyboardInterrupt:
        return Report(entry, verdict, steps, interrupted=True)
    except TrainingError as error:
        return Report(entry, verdict, steps, trouble=str(error))
    if student is None:
        return Report(entry, verdict, steps)
    noise = write_noise(student, config.name, models_folder)
    if student.accepted:
        entry = write_student(student, origin, models_folder, beside=entry)
    return Report(entry, verdict, steps, student.verdict, student.tried, noise)
