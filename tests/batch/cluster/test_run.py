"""What a run does when workers, schedulers and answers are lost; the workers here are in the test itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import KilledWorker

from lgbpn_cli.batch.cluster import run
from lgbpn_cli.batch.cluster.order import Answer, Task, WorkersOrder, packed, unpacked
from lgbpn_cli.batch.outcome import Outcome, Status
from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.errors import DeviceError, ModelError, UsageError
from lgbpn_cli.photos.atomic import PART_PREFIX, PART_SUFFIX, THIS_MACHINE, replace_file

ORDER = WorkersOrder(OutputConfig(), InferenceConfig(), None, "cpu", ("{}",))
Say = Callable[[Answer], None]
Work = Callable[[int, list[Task], Say], None]
"""What a worker does with the chunk of that number; raises what its task ends with."""


class LostError(Exception):
    """The scheduler went away with the task."""


class Future:
    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self.status = "pending"

    def add_done_callback(self, callback: Callable[[Future], None]) -> None:
        try:
            self._work()
            self.status = "finished"
        except LostError:
            self.status = "cancelled"
        except Exception as error:  # noqa: BLE001 - it is what the test makes of it
            self._error, self.status = error, "error"
        callback(self)

    def exception(self) -> BaseException | None:
        return self._error


class Connection:
    """Stands for a scheduler with workers and for its client; tasks are done when they are sent."""

    starts_workers = False

    def __init__(self, work: Work, workers: int = 2) -> None:
        self.client = self
        self.work = work
        self.workers = workers
        self.renewed = self.replaced = 0
        self.sent: list[list[str]] = []
        self.handlers: dict[str, Callable[[Any], None]] = {}

    def subscribe_topic(self, topic: str, handler: Callable[[Any], None]) -> None:
        self.handlers[topic] = handler

    def submit(self, function: object, version: str, order: bytes, number: int, chunk: bytes, topic: str,
               **options: object) -> Future:  # fmt: skip
        tasks = unpacked(chunk)
        self.sent.append([task.source for task in tasks])
        handler = self.handlers[topic]
        return Future(lambda: self.work(number, tasks, lambda answer: handler((0.0, packed(answer)))))

    def number_of_workers(self) -> int:
        return self.workers

    def resources(self) -> None:
        return None

    def is_lost(self) -> bool:
        return False

    def replace_lost_workers(self) -> None:
        self.replaced += 1

    def renew(self) -> None:
        self.renewed += 1


class Listener:
    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []
        self.found = 0

    def finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def found_work(self, photos: int) -> None:
        self.found += photos

    def workers(self, number: int) -> None:
        pass


def tasks(count: int) -> list[Task]:
    return [Task(f"{number:03d}", f"out/{number:03d}", 1000) for number in range(count)]


def outcome_of(task: Task, status: Status = Status.DONE) -> Outcome:
    return Outcome(Path(task.source), Path(task.target), status, 1.0, 1.0)


def denoise_all(number: int, chunk: list[Task], say: Say) -> None:
    say(Answer(number, began=True))
    for task in chunk:
        say(Answer(number, outcomes=(outcome_of(task),)))


def dies_of(*poison: str) -> Work:
    """A worker that these photos kill, with those before them done."""

    def work(number: int, chunk: list[Task], say: Say) -> None:
        say(Answer(number, began=True))
        for task in chunk:
            if task.source in poison:
                raise KilledWorker("task", None, 0)
            say(Answer(number, outcomes=(outcome_of(task),)))

    return work


def go_through(connection: Connection, steps: Iterator[list[Task]]) -> Listener:
    listener = Listener()
    run.Run(connection, ORDER, listener).go_through(steps)  # type: ignore[arg-type]
    return listener


def names(listener: Listener, status: Status) -> list[str]:
    return sorted(str(outcome.source) for outcome in listener.outcomes if outcome.status is status)


def every(count: int) -> list[str]:
    return [task.source for task in tasks(count)]


def test_every_photo_is_done_once() -> None:
    connection = Connection(denoise_all)
    listener = go_through(connection, iter([tasks(500)]))
    assert names(listener, Status.DONE) == every(500)
    assert listener.found == 500
    assert max(map(len, connection.sent)) == 64


def test_a_small_folder_is_shared_by_all_workers() -> None:
    connection = Connection(denoise_all, workers=4)
    assert names(go_through(connection, iter([tasks(12)])), Status.DONE) == every(12)
    assert [len(chunk) for chunk in connection.sent] == [1] * 12


def test_work_starts_before_the_search_ends() -> None:
    done_at: list[int] = []
    listener = Listener()

    def search() -> Iterator[list[Task]]:
        for begin in range(0, 300, 100):
            done_at.append(len(listener.outcomes))
            yield tasks(300)[begin : begin + 100]

    run.Run(Connection(denoise_all), ORDER, listener).go_through(search())  # type: ignore[arg-type]
    assert done_at[0] == 0 < done_at[1]
    assert names(listener, Status.DONE) == every(300)


def test_workers_are_looked_after_while_answers_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TICK_S", 0.0)
    connection = Connection(denoise_all)
    go_through(connection, iter([tasks(500)]))
    assert connection.replaced > 100


@pytest.mark.parametrize("poison", [("007",), ("000",), ("299",), ("010", "011", "200")])
def test_a_photo_that_kills_its_worker_is_named_after_three_deaths(poison: tuple[str, ...]) -> None:
    connection = Connection(dies_of(*poison))
    listener = go_through(connection, iter([tasks(300)]))
    assert names(listener, Status.FAILED) == sorted(poison)
    assert names(listener, Status.DONE) == [name for name in every(300) if name not in poison]
    [first, *_] = [outcome for outcome in listener.outcomes if outcome.failure]
    assert "the process that worked on it died, 3 times" in str(first.failure)
    alone = Counter(chunk[0] for chunk in connection.sent if len(chunk) == 1 and chunk[0] in poison)
    assert all(2 <= alone[name] <= 3 for name in poison)


def test_photos_that_were_done_but_not_told_of_before_a_death_are_done_once() -> None:
    there: set[str] = set()

    def work(number: int, chunk: list[Task], say: Say) -> None:
        say(Answer(number, began=True))
        before = tuple(outcome_of(task, Status.SKIPPED) for task in chunk if task.source in there)
        say(Answer(number, outcomes=before))
        made = []
        for task in [task for task in chunk if task.source not in there]:
            if task.source == "040":
                raise KilledWorker("task", None, 0)
            there.add(task.source)
            made.append(outcome_of(task))
        say(Answer(number, outcomes=tuple(made)))

    listener = go_through(Connection(work), iter([tasks(300)]))
    assert names(listener, Status.FAILED) == ["040"]
    assert names(listener, Status.DONE) == [name for name in every(300) if name != "040"]


def test_a_chunk_that_had_not_begun_is_not_blamed() -> None:
    deaths = 0

    def work(number: int, chunk: list[Task], say: Say) -> None:
        nonlocal deaths
        deaths += 1
        if deaths <= 9:
            raise KilledWorker("task", None, 0)
        denoise_all(number, chunk, say)

    connection = Connection(work)
    assert names(go_through(connection, iter([tasks(40)])), Status.DONE) == every(40)
    assert all(len(chunk) > 1 for chunk in connection.sent[:9])


def test_workers_that_never_begin_end_the_run() -> None:
    def work(number: int, chunk: list[Task], say: Say) -> None:
        raise KilledWorker("task", None, 0)

    with pytest.raises(DeviceError, match="die before they open a photo"):
        go_through(Connection(work), iter([tasks(3)]))


def test_what_another_run_has_just_made_is_skipped() -> None:
    def work(number: int, chunk: list[Task], say: Say) -> None:
        say(Answer(number, began=True))
        if chunk[0].source == "000":  # its worker dies, and the scheduler gives it to another one
            say(Answer(number, began=True))
        say(Answer(number, outcomes=tuple(outcome_of(task, Status.SKIPPED) for task in chunk)))

    connection = Connection(work)
    listener = go_through(connection, iter([tasks(40)]))
    assert names(listener, Status.DONE) == sorted(connection.sent[0])
    assert names(listener, Status.SKIPPED) == [name for name in every(40) if name not in connection.sent[0]]


def test_what_workers_were_writing_when_a_run_was_stopped_is_removed(tmp_path: Path) -> None:
    def work(number: int, chunk: list[Task], say: Say) -> None:
        raise KeyboardInterrupt

    half = tmp_path / f"{PART_PREFIX}{THIS_MACHINE}-half{PART_SUFFIX}"
    stopped = run.Run(Connection(work), ORDER, Listener())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        stopped.go_through(iter([[Task("a.png", str(tmp_path / "a.png"), 1000)]]))
    with replace_file(tmp_path / "b.png"):  # another run's
        half.touch()
        stopped.remove_parts()
        assert not half.exists()
        assert len(list(tmp_path.iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


def test_answers_that_were_lost_are_asked_for_again() -> None:
    heard: set[str] = set()

    def work(number: int, chunk: list[Task], say: Say) -> None:
        say(Answer(number, began=True))
        for task in chunk:
            if task.source in heard:
                say(Answer(number, outcomes=(outcome_of(task, Status.SKIPPED),)))
            heard.add(task.source)

    listener = go_through(Connection(work), iter([tasks(20)]))
    assert names(listener, Status.DONE) == every(20)


def test_a_scheduler_that_was_restarted_gets_its_work_again() -> None:
    def work(number: int, chunk: list[Task], say: Say) -> None:
        if number == 2:
            say(Answer(number, began=True))
            say(Answer(number, outcomes=(outcome_of(chunk[0]),)))
            raise LostError
        denoise_all(number, chunk, say)

    connection = Connection(work)
    listener = go_through(connection, iter([tasks(200)]))
    assert connection.renewed == 1
    assert names(listener, Status.DONE) == every(200)
    assert listener.notes[-1] == "the scheduler is back: going on"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ModelError("worker tcp://a", "has another model", "Copy it."), ModelError, "tcp://a"),
        (ModuleNotFoundError("No module named 'lgbpn_cli'"), UsageError, "Install the same version"),
    ],
)
def test_a_worker_that_cannot_do_it_ends_the_run(error: Exception, kind: type[Exception], words: str) -> None:
    def work(number: int, chunk: list[Task], say: Say) -> None:
        raise error

    with pytest.raises(kind, match=words):
        go_through(Connection(work), iter([tasks(3)]))


def test_a_photo_that_takes_too_long_is_said_to() -> None:
    def work(number: int, chunk: list[Task], say: Say) -> None:
        say(Answer(number, began=True))
        say(Answer(number, stuck="nothing moved for 20 s"))
        raise KilledWorker("task", None, 0)

    [outcome] = go_through(Connection(work), iter([tasks(1)])).outcomes
    assert "nothing moved for 20 s, 3 times" in str(outcome.failure)


def test_a_scheduler_whose_workers_go_away_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TICK_S", 0.0)
    there = iter([0, 0, 2, 2, 0])
    connection = Connection(denoise_all)
    monkeypatch.setattr(connection, "number_of_workers", lambda: next(there, 2))
    listener = go_through(connection, iter([tasks(4)] * 8))
    waits, goes_on = "the scheduler has no workers: waiting for them", "workers are there: going on"
    assert listener.notes == [waits, goes_on, waits, goes_on]
