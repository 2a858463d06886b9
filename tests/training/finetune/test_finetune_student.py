"""The fast student of a fine-tuned model: what it learns from, and when it takes the place of the base's."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from stopped_clock import Clock
from tiny_training import NETWORK, NOISE_8BIT

from lgbpn_cli.cli.measured_preset import measured_preset
from lgbpn_cli.config import PRESETS, StudentConfig
from lgbpn_cli.errors import ModelError, TrainingError, UsageError
from lgbpn_cli.machine.device import choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.models.manifest import (
    ModelEntry,
    ModelPart,
    add_entry,
    file_sha256,
    read_manifest,
    user_folder,
)
from lgbpn_cli.models.weight_file import AdaptedBase, adapted_base, read_weights, write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student
from lgbpn_cli.photos.shot import Shot
from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.finetune.folder import Listener
from lgbpn_cli.training.finetune.frames import scan_frames
from lgbpn_cli.training.finetune.lessons import CameraLessons
from lgbpn_cli.training.finetune.student import NONE_TO_LEARN, CameraTrainer
from lgbpn_cli.training.finetune.student_verdict import StudentVerdict
from lgbpn_cli.training.finetune.teacher_verdict import TeacherVerdict
from lgbpn_cli.training.noise.measured import CameraNoise, measure_camera
from lgbpn_cli.training.student.distil import Earlier, clean_photos

DARK_NOISE_8BIT = 5.0


@pytest.fixture
def base_with_student(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """A user model `base` whose student changes nothing; three steps of an adapter and of all weights are all."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("lgbpn_cli.training.finetune.student.MOST_STEPS", 3)
    monkeypatch.setattr(
        "lgbpn_cli.training.finetune.lessons.draw_in_colours", lambda photo, *_, **__: [photo]
    )
    monkeypatch.setattr("lgbpn_cli.training.finetune.lessons.MOST_DRAWN", 1)
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


@pytest.fixture
def run(run: Any) -> Any:
    """Fine-tune as elsewhere, with two steps of the teacher where nothing else is said."""
    return lambda **options: run(**{"steps": 2, **options})


def accept(monkeypatch: pytest.MonkeyPatch, *, teacher: bool, student: bool) -> None:
    """Let the verdicts be these."""
    monkeypatch.setattr(TeacherVerdict, "accepted", teacher)
    monkeypatch.setattr(StudentVerdict, "accepted", student)


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
        serves = report.entry.with_part(part).part_path(part)
        assert accepted != same_weights(serves, base_with_student.part_path(part)), part
        assert accepted == (part in report.entry.parts)
    card = (tmp_path / "models" / report.entry.card).read_text("utf-8")
    assert ("Student: 3 steps of an adapter, 3 of all weights, from base's" in card) == student
    assert "What this model has no part of its own for, base does" in card


def test_in_a_short_time_an_adapter_of_the_student_alone_is_made(
    run: Any, base_with_student: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=True, student=True)
    entry = run(base="base", steps=None, time_limit_s=120.0)["mine"].entry
    assert list(entry.parts) == ["student"]
    base = adapted_base(entry.part_path("student"))
    assert base == AdaptedBase("base", base_with_student.parts["student"].sha256)
    add_entry(replace(entry, folder=user_folder()))
    shutil.copy(entry.part_path("student"), user_folder())
    cpu = choose_device("cpu")
    before, after, teacher = (
        load_model(name, part=part, device=cpu)
        for name, part in (("base", "student"), ("mine", "student"), ("mine", "teacher"))
    )
    picture = torch.rand(1, 3, 32, 32)
    assert not torch.equal(before.network(picture), after.network(picture))
    assert teacher.sha256 == base_with_student.parts["teacher"].sha256
    base_with_student.part_path("student").unlink()
    with pytest.raises(ModelError, match="is missing"):
        load_model("mine", device=cpu)


def test_where_nothing_is_better_the_measured_noise_is_left_as_a_preset(
    run: Any, base_with_student: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=False, student=False)
    report = run(base="base")["mine"]
    assert report.entry is None
    assert report.student_tried == "3 steps of an adapter, 3 of all weights"
    assert measured_preset(report.noise) in PRESETS
    (photo,) = json.loads(report.noise.read_text("utf-8"))["photos"]
    assert np.mean(photo["level_8bit"]) == pytest.approx(NOISE_8BIT, rel=0.15)


def test_noise_is_measured_in_dark_frames_and_nothing_else_is_learned_from_them(
    run: Any, base_with_student: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=False, student=True)
    with pytest.raises(UsageError, match=r"nothing: there is no such folder\. Name a folder of dark"):
        run(base="base", dark=str(tmp_path / "nothing"))
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / "broken.jpg").write_bytes(b"\xff\xd8")
    notes: list[str] = []
    Image.fromarray(np.full((100, 300, 3), 20, np.uint8)).save(frames / "small.png")
    with pytest.raises(UsageError, match="none of its files is a frame"):
        run(base="base", dark=str(frames), listener=Listener(note=notes.append))
    assert not (tmp_path / "run").exists()
    for seed in range(3):
        dark = np.random.default_rng(seed).normal(20, DARK_NOISE_8BIT, (170, 200, 3))
        Image.fromarray(np.rint(dark.clip(0, 255)).astype(np.uint8)).save(frames / f"{seed}.png")
    entry_of = run(base="base", dark=str(frames), time_limit_s=120.0, steps=None)["mine"]
    (noise,) = json.loads(entry_of.noise.read_text("utf-8"))["photos"]
    assert noise["level_8bit"][0][0] == pytest.approx(DARK_NOISE_8BIT, rel=0.2)
    assert noise["level_8bit"][0][-1] == pytest.approx(NOISE_8BIT, rel=0.2)
    card = (tmp_path / "models" / entry_of.entry.card).read_text("utf-8")
    assert "3 noisy photos, 1 of them held out" in card
    assert any("broken.jpg" in each for each in notes)
    assert any("small.png: smaller than 160 px" in each for each in notes)


def test_frames_of_other_cameras_and_with_something_on_them_are_left_out(tmp_path: Path) -> None:
    folder, kept = tmp_path / "frames", tmp_path / "kept"
    kept.mkdir()
    for name, camera, iso in (
        ("even", "One", 800),
        ("older", "One", 100),
        ("other", "Two", 800),
        ("unknown", "", 0),
    ):
        random, exif = np.random.default_rng(iso + len(camera)), Image.Exif()
        if camera:
            exif[271], exif[272] = "Canon", camera
            exif.get_ifd(0x8769)[34855] = iso
        falling = 60 * np.cos(np.linspace(-1, 1, 320))[:, None, None]
        noisy = falling + random.normal(0, DARK_NOISE_8BIT, (320, 480, 3))
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.rint(noisy.clip(0, 255)).astype(np.uint8)).save(folder / f"{name}.png", exif=exif)
    noisy[100:200, 100:300] += 60 * (np.indices((100, 200)).sum(axis=0) // 7 % 2)[..., None]
    Image.fromarray(np.rint(noisy.clip(0, 255)).astype(np.uint8)).save(folder / "poster.png")
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(folder / "black.png")
    notes: list[str] = []
    frames = scan_frames(folder, kept, {Shot("Canon One", 800), Shot()}, notes.append)
    assert len(frames) == 3
    assert [each.rpartition("/")[2].partition(":")[0] for each in notes] == [
        "older.png",
        "other.png",
        "poster.png",
    ]
    assert "taken with Canon One, ISO 100, as none of the photos was" in notes[0]
    assert "it shows something" in notes[2]
    assert len(scan_frames(folder, kept, {Shot()})) == 5


def test_the_student_learns_from_its_own_results_and_then_from_those_of_what_it_became(
    run: Any, base_with_student: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=True, student=True)
    asked: dict[str, tuple[str, float, Any]] = {}

    def noted(*arguments: Any, earlier: Earlier, **options: Any) -> Any:
        (student,) = earlier.students
        asked[arguments[3].parent.name] = (student.sha256, earlier.share, student.network)
        return clean_photos(*arguments, earlier=earlier, **options)

    monkeypatch.setattr("lgbpn_cli.training.finetune.lessons.clean_photos", noted)
    made: list[CameraLessons] = []

    def sampler(sources: Any, config: DistillationConfig, noise: Any) -> CameraLessons:
        made.append(CameraLessons(sources, config, noise))
        return made[-1]

    monkeypatch.setattr("lgbpn_cli.training.finetune.lessons.CameraLessons", sampler)
    report = run(base="base")["mine"]
    sha256 = base_with_student.parts["student"].sha256
    assert {name: each[:2] for name, each in asked.items()} == {
        "adapter": (sha256, 1.0),
        "judged": (sha256, 1.0),
        "all": (f"{sha256} adapted", 1.0),
    }
    before, _ = read_weights(base_with_student.part_path("student"))
    after, _ = read_weights(report.entry.part_path("student"))
    states = [each.state_dict()["exit.bias"] for each in (before, asked["all"][2], after)]
    assert not any(torch.equal(*pair) for pair in itertools.combinations(states, 2))
    own, drawn = made[0].sources
    assert (own.weight, drawn.weight) == (1.0, 0.0)
    level = made[0].new_noise(np.full((128, 128, 3), 128, np.float32), np.random.default_rng(0)).std()
    assert level == pytest.approx(NOISE_8BIT, rel=0.2)


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

    def stop(*_: Any) -> None:
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
    report = run(base="base", resume=True)["mine"]
    assert sorted(report.entry.parts) == ["student", "teacher"]


def test_a_student_gets_no_more_than_its_time(
    run: Any, base_with_student: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(monkeypatch, teacher=True, student=True)
    clock = Clock(monkeypatch)
    monkeypatch.setattr("lgbpn_cli.training.finetune.student.MOST_STEPS", 1000)
    one_step, steps = CameraTrainer.loss, [0]

    def slow(self: CameraTrainer) -> torch.Tensor:
        steps[0] += 1
        clock.now += 1.0 if steps[0] < 5 else 4.0
        return one_step(self)

    monkeypatch.setattr(CameraTrainer, "loss", slow)
    report = run(base="base", time_limit_s=60.0, started=0.0)["mine"]
    assert report.student_verdict is not None
    assert 50 <= clock.now <= 60
    clock.now = 0.0
    notes: list[str] = []

    def keep_busy(_: Any) -> None:
        clock.now += 60.0

    # Measuring the noise takes so long that nothing else would be done in time.
    with monkeypatch.context() as patch:

        def slowly(*arguments: Any) -> CameraNoise:
            clock.now += 40.0
            return measure_camera(*arguments)

        patch.setattr("lgbpn_cli.training.finetune.student.measure_camera", slowly)
        listener = Listener(note=notes.append)
        measured = run(
            base="base", steps=None, time_limit_s=60.0, started=0.0, overwrite=True, listener=listener
        )
    assert measured["mine"].noise is not None
    assert (measured["mine"].student_verdict, notes[-1]) == (None, NONE_TO_LEARN)
    assert clock.now == 40.0
    clock.now = 0.0
    busy = Listener(step=keep_busy, note=notes.append)
    late = run(base="base", time_limit_s=60.0, started=0.0, overwrite=True, listener=busy)
    assert late["mine"].student_verdict is None
    assert "no fast student: there was no time left for one" in notes
