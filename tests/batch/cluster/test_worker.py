"""What a worker does with a chunk, and which workers do nothing."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lgbpn_cli.batch.cluster import worker
from lgbpn_cli.batch.cluster.order import Answer, Task, WorkersOrder
from lgbpn_cli.batch.outcome import Outcome, Status
from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.errors import ModelError, UsageError


def order(expected: str) -> bytes:
    return pickle.dumps(WorkersOrder(OutputConfig(), InferenceConfig(), None, "cpu", (expected,)))


def test_a_worker_of_another_version_does_nothing() -> None:
    with pytest.raises(UsageError, match=r"worker tcp://a: it has lgbpn .*, and this is 0\.0\.1"):
        worker.check_version("0.0.1", "tcp://a")


def test_a_worker_with_another_model_does_nothing() -> None:
    with pytest.raises(ModelError, match="worker tcp://a: model 'lgbpn-base' is another one there"):
        worker.prepare_once(order('{"model_sha256":"another"}'), "tcp://a")


def test_a_worker_without_the_model_does_nothing() -> None:
    missing = pickle.dumps(WorkersOrder(OutputConfig(), InferenceConfig(), "mine.safetensors", "cpu", ()))
    with pytest.raises(ModelError, match=r"worker tcp://a: mine\.safetensors: there is no such file"):
        worker.prepare_once(missing, "tcp://a")


class Clock:
    """Stands for the module `time` in `worker`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return self.now

    def wait_for_looks(self) -> None:
        """Wait until somebody has seen the time as it is now."""
        wanted = self.looks + 3
        wait_until(lambda: self.looks >= wanted)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(worker, "time", clock)
    return clock


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def outcome(name: str) -> Outcome:
    return Outcome(Path(name), Path(f"out/{name}"), Status.DONE)


def test_a_worker_on_which_nothing_moves_ends_itself(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Answer] = []
    ended: list[int] = []
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    with worker.Teller(1, said.append, patience_s=0.4) as teller:
        teller.finished(outcome("a"))
        clock.now += 0.3
        teller.tile(1, 2)
        clock.now += 0.3
        clock.wait_for_looks()
        assert ended == []
        clock.now += 0.3
        wait_until(lambda: ended)
    assert set(ended) == {worker.STUCK_EXIT_CODE}
    assert said[0].outcomes == (outcome("a"),)
    assert said[1].stuck == "nothing moved for 0.4 s"


def test_outcomes_that_come_fast_are_told_together(clock: Clock) -> None:
    said: list[Answer] = []
    teller = worker.Teller(1, said.append, patience_s=1000)
    for name in "abc":
        teller.finished(outcome(name))
    assert said == []
    clock.now += 2 * worker.TELL_S
    teller.finished(outcome("d"))
    assert said == [Answer(1, outcomes=tuple(map(outcome, "abcd")))]
    with teller:
        teller.finished(outcome("e"))
        wait_until(lambda: len(said) == 2)  # though no other photo ends
        teller.finished(outcome("f"))
    assert [answer.outcomes for answer in said[1:]] == [(outcome("e"),), (outcome("f"),)]


def test_what_could_not_be_told_is_told_later(clock: Clock) -> None:
    said: list[Answer] = []
    there = [False]

    def say(answer: Answer) -> None:
        if not there[0]:
            raise RuntimeError("ConnectionPool is closed")
        said.append(answer)

    with worker.Teller(1, say, patience_s=1000) as teller:
        for name in "ab":
            teller.finished(outcome(name))
        clock.wait_for_looks()
        there[0] = True
    assert said == [Answer(1, outcomes=(outcome("a"), outcome("b")))]


def test_a_worker_that_cannot_even_look_for_results_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that hangs."""
    comes_back = threading.Event()
    monkeypatch.setattr(worker.os, "_exit", lambda code: comes_back.set())
    exists = Path.exists
    monkeypatch.setattr(
        Path, "exists", lambda path: comes_back.wait(300) if path.name == "on_share" else exists(path)
    )
    output = OutputConfig(photo_time_limit_s=0.1)
    device = SimpleNamespace(name="cpu")
    denoiser = SimpleNamespace(model=SimpleNamespace(device=device), output=output)
    ready = SimpleNamespace(
        order=WorkersOrder(output, InferenceConfig(raw_path="demosaiced"), None, "cpu"),
        denoiser=denoiser,
        reading=None,
    )
    said: list[Answer] = []
    worker.run_chunk(ready, 1, [Task("a", "on_share", 1)], said.append)  # type: ignore[arg-type]
    assert comes_back.is_set()
    assert said[0].stuck == "nothing moved for 0.2 s"
