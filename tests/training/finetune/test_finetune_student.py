"""The fast student of a fine-tuned model: what it learns from, and when it takes the place of the base's."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stopped_clock import Clock
from tiny_training import NETWORK

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.models.manifest import (
    ModelEntry,
    ModelPart,
    add_entry,
    file_sha256,
    read_manifest,
    user_folder,
)
from lgbpn_cli.models.weight_file import read_weights, write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.engine.trainer import Trainer
from lgbpn_cli.training.finetune.acceptance import Verdict
from lgbpn_cli.training.finetune.folder import Listener
from lgbpn_cli.training.finetune.student import PLAN_NAME, _fitting, _Plan
from lgbpn_cli.training.student.distil import Earlier, StudentTrainer, clean_photos
from lgbpn_cli.training.student.pairs import PairSampler


@pytest.mark.parametrize(
    ("left_s", "tiles", "plan"),
    [
        (-1, 60, _Plan(tiles=4, rounds=1, steps=20)),
        (90, 60, _Plan(tiles=45, rounds=1, steps=90)),  # too short for two rounds of a hundred steps
        (240, 200, _Plan(tiles=60, rounds=2, steps=120)),
        (240, 20, _Plan(tiles=20, rounds=2, steps=200)),  # the time that few tiles leave is for steps
        (1e6, 500, _Plan(tiles=400, rounds=2, steps=5000)),
    ],
)
def test_the_student_gets_as_many_tiles_and_steps_as_fit_into_its_time(
    left_s: float, tiles: int, plan: _Plan
) -> None:
    assert _fitting(left_s, tiles, seconds_a_tile=1, seconds_a_step=0.5) == plan


@pytest.fixture
def base_with_student(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """A user model `base` whose student changes nothing; three steps a round are all that a new one gets."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("lgbpn_cli.training.finetune.student.MOST_STEPS", 3)
    users = user_folder()
    users.mkdir(parents=True)
    shape = StudentConfig(widths=(4, 8))
    write_weights(users / "student.safetensors", Student(shape).state_dict(), shape, "sidd")
    (users / "teacher.safetensors").write_bytes(tiny_base.read_bytes())
    parts = {
        kind: ModelPart(f"{kind}.safetensors", file_sha256(users / f"{kind}.safetensors"))
        for kind in ("teacher", "student")
    }
    entry = ModelEntry("base", "sidd", parts, folder=users)
    add_entry(entry)
    return entry


def accept(monkeypatch: pytest.MonkeyPatch, *, teacher: bool, student: bool) -> None:
    """Let the verdicts, of which the teacher's comes first, be these."""
    answers: dict[int, bool] = {}

    def accepted(verdict: Verdict) -> bool:
        return answers.setdefault(id(verdict), student if answers else teacher)

    monkeypatch.setattr(Verdict, "accepted", property(accepted))


def same_weights(first: Path, second: Path) -> bool:
    (one, _), (other, _) = read_weights(first), read_weights(second)
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize(("teacher", "student"), [(True, True), (True, False), (False, True), (False, False)])
def test_each_part_that_is_no_better_stays_that_of_the_base(
    teacher: bool,
    student: bool,
    run: Any,
    base_with_student: ModelEntry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accept(monkeypatch, teacher=teacher, student=student)
    report = run(base="base")["mine"]
    if not (teacher or student):
        assert report.entry is None
        assert read_manifest(tmp_path / "models") == {}
        return
    for part, accepted in (("teacher", teacher), ("student", student)):
        assert accepted != same_weights(report.entry.part_path(part), base_with_student.part_path(part)), part
    card = (tmp_path / "models" / report.entry.card).read_text("utf-8")
    assert ("The teacher is that of base" in card) != teacher
    assert ("The student is that of base" in card) != student
    assert "Student: 6 steps from base's" in card


def test_the_student_learns_from_its_own_results_and_then_from_those_of_what_it_became(
    run: Any, base_with_student: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=True, student=True)
    asked: list[tuple[str, str, float, Student]] = []

    def noted(*arguments: Any, earlier: Earlier, **options: Any) -> Any:
        kept, network = arguments[3], earlier.student.network
        asked.append((kept.parent.name, earlier.student.sha256, earlier.share, network))
        return clean_photos(*arguments, earlier=earlier, **options)

    monkeypatch.setattr("lgbpn_cli.training.finetune.student.clean_photos", noted)
    lessons: list[DistillationConfig] = []

    def sampler(sources: Any, config: DistillationConfig) -> PairSampler:
        lessons.append(config)
        return PairSampler(sources, config)

    monkeypatch.setattr("lgbpn_cli.training.finetune.student.PairSampler", sampler)
    notes: list[str] = []
    report = run(base="base", listener=Listener(note=notes.append))["mine"]
    timed, first, second, judged = asked
    sha256 = base_with_student.parts["student"].sha256
    assert [each[:3] for each in (timed, first, judged)] == [
        ("student", sha256, 1.0),
        ("round_1", sha256, 1.0),
        ("student", sha256, 1.0),
    ]
    assert second[0] == "round_2"
    assert second[1] != sha256
    before, _ = read_weights(base_with_student.part_path("student"))
    after, _ = read_weights(report.entry.part_path("student"))
    states = [each.state_dict()["exit.bias"] for each in (before, second[3], after)]
    assert not any(torch.equal(*pair) for pair in itertools.combinations(states, 2))
    assert all(each.transplanted_share > each.renoised_share > 0 for each in lessons)
    assert sum("fast student, round" in note for note in notes) == 2


@pytest.mark.parametrize(("name", "options"), [("base", {}), ("ba", {"per_camera": True})])
def test_a_model_is_not_made_over_the_one_it_starts_from(
    name: str, options: dict[str, bool], run: Any, base_with_student: ModelEntry
) -> None:
    renamed = replace(base_with_student, name="ba-canon")
    add_entry(renamed)
    base = "base" if name == "base" else "ba-canon"
    with pytest.raises(UsageError, match="it starts from"):
        run(base=base, name=name, overwrite=True, **options)


def test_a_weight_file_that_is_called_like_a_model_does_not_get_its_student(
    run: Any, base_with_student: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(2)
    write_weights(tmp_path / "base.safetensors", LGBPN(NETWORK).state_dict(), NETWORK, "sidd")
    accept(monkeypatch, teacher=True, student=True)
    assert list(run(base=str(tmp_path / "base.safetensors"))["mine"].entry.parts) == ["teacher"]


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), TrainingError("there", "is broken", "Mend it.")])
def test_a_student_that_was_stopped_costs_no_verdict_and_goes_on(
    stopped: BaseException,
    run: Any,
    base_with_student: ModelEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accept(monkeypatch, teacher=True, student=True)
    tiles: list[int] = []

    def stop(trainer: StudentTrainer, *arguments: Any) -> None:
        tiles.append(len(trainer.lessons.sampler.sources[0].noisy))
        raise stopped

    with monkeypatch.context() as patch:
        patch.setattr("lgbpn_cli.training.finetune.student.StudentTrainer.run", stop)
        report = run(base="base")["mine"]
    assert (report.interrupted, bool(report.trouble)) == (
        isinstance(stopped, KeyboardInterrupt),
        isinstance(stopped, TrainingError),
    )
    assert report.verdict is not None
    assert list(report.entry.parts) == ["teacher"]

    def run_on(trainer: StudentTrainer, *arguments: Any) -> Any:
        tiles.append(len(trainer.lessons.sampler.sources[0].noisy))
        return Trainer.run(trainer, *arguments)

    monkeypatch.setattr("lgbpn_cli.training.finetune.student._fitting", lambda *arguments: _Plan(1, 1, 3))
    monkeypatch.setattr("lgbpn_cli.training.finetune.student.StudentTrainer.run", run_on)
    report = run(base="base", resume=True)["mine"]
    assert sorted(report.entry.parts) == ["student", "teacher"]
    assert tiles == [tiles[0]] * 3
    assert tiles[0] > 1


def test_a_plan_that_was_cut_short_is_made_anew(
    run: Any, base_with_student: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=True, student=True)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lgbpn_cli.training.finetune.student.StudentTrainer.run", stop)
        run(base="base")
    (plan,) = (tmp_path / "run").rglob(PLAN_NAME)
    plan.write_text(plan.read_text("utf-8")[:10], "utf-8")
    assert sorted(run(base="base", resume=True)["mine"].entry.parts) == ["student", "teacher"]


def test_a_student_gets_no_more_than_its_time(
    run: Any, base_with_student: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=True, student=True)
    clock = Clock(monkeypatch)
    monkeypatch.setattr("lgbpn_cli.training.finetune.student.MOST_STEPS", 1000)
    one_step, steps = StudentTrainer.loss, [0]

    def slow(self: StudentTrainer) -> torch.Tensor:
        steps[0] += 1
        clock.now += 1.0 if steps[0] < 5 else 4.0
        return one_step(self)

    monkeypatch.setattr(StudentTrainer, "loss", slow)
    report = run(base="base", time_limit_s=60.0, started=0.0)["mine"]
    assert report.student_verdict is not None
    assert 50 <= clock.now <= 60
    clock.now = 0.0
    notes: list[str] = []

    def keep_busy(_: Any) -> None:
        clock.now += 60.0

    busy = Listener(step=keep_busy, note=notes.append)
    late = run(base="base", time_limit_s=60.0, started=0.0, overwrite=True, listener=busy)
    assert late["mine"].student_verdict is None
    assert "no fast student: there was no time left for one" in notes
