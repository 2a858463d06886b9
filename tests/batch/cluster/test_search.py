"""Photos of a run on workers, found step by step: the same ones as in any other run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lgbpn_cli.batch import selection
from lgbpn_cli.batch.cluster.order import Task
from lgbpn_cli.batch.cluster.search import find_tasks
from lgbpn_cli.batch.outcome import Job, Outcome, Status
from lgbpn_cli.batch.selection import select_sources
from lgbpn_cli.batch.targets import plan_targets
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.reading_process import ReadingProcess

NAMES = ["a.jpg", "a.heic", "b.png", "x/a.jpg", "x/y/c.tif", "x/y/c.png", "z/d.jpg", "z/e.jpg", "z/f.txt"]


class Listener:
    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []

    def finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def found_file(self) -> None:
        pass


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number, name in enumerate(NAMES):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (number + 1))
    monkeypatch.setattr(selection, "STEP_FILES", 2)
    return tmp_path / "in"


def search(inputs: list[Path], output: OutputConfig, listener: Listener) -> Iterator[list[Task]]:
    return find_tasks(inputs, output, ReadingProcess(), listener, ())  # type: ignore[arg-type]


def jobs(steps: Iterator[list[Task]]) -> list[Job]:
    return [Job(Path(task.source), Path(task.target)) for step in steps for task in step]


def test_the_same_photos_and_targets_as_in_any_other_run(photos: Path, tmp_path: Path) -> None:
    output = OutputConfig(recursive=True, output=str(tmp_path / "out"))
    listener = Listener()
    steps = list(search([photos], output, listener))
    assert len([step for step in steps if step]) > 3
    assert jobs(iter(steps)) == plan_targets(select_sources([photos], output).sources, [photos], output).jobs
    assert [task.size_bytes for step in steps for task in step if task.source.endswith("c.tif")] == [5]
    assert listener.notes[-1] == "left out: 1 of other file types"


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_parts_are_the_same_ones(photos: Path, tmp_path: Path, parts: int) -> None:
    whole = OutputConfig(recursive=True, output=str(tmp_path / "out"))
    every = plan_targets(select_sources([photos], whole).sources, [photos], whole).jobs
    for number in range(1, parts + 1):
        output = OutputConfig(recursive=True, output=str(tmp_path / "out"), part=(number, parts))
        assert jobs(search([photos], output, Listener())) == every[number - 1 :: parts]


def test_what_is_there_is_skipped_and_counted(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out/x/y").mkdir(parents=True)
    (tmp_path / "out/x/y/c.tif").write_bytes(b"whatever")
    listener = Listener()
    output = OutputConfig(recursive=True, output=str(tmp_path / "out"))
    assert len(jobs(search([photos], output, listener))) == 7
    [skipped] = listener.outcomes
    assert (skipped.status, skipped.source) == (Status.SKIPPED, photos / "x/y/c.tif")
    assert "1 already there" in listener.notes


@pytest.mark.parametrize("case", ["overwrite", "beside", "two inputs", "inside the output"])
def test_one_step_where_results_of_two_steps_could_meet(photos: Path, tmp_path: Path, case: str) -> None:
    output = OutputConfig(
        recursive=True,
        overwrite=case == "overwrite",
        output=None if case == "beside" else str(tmp_path if case.startswith("inside") else tmp_path / "out"),
    )
    inputs = [photos / "x", photos / "z"] if case == "two inputs" else [photos]
    assert len(list(search(inputs, output, Listener()))) == 1


def test_no_photos_are_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    listener = Listener()
    assert jobs(search([tmp_path / "in"], OutputConfig(output=str(tmp_path / "out")), listener)) == []
    assert listener.notes == ["no photos to denoise were found"]
