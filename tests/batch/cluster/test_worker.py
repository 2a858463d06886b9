"""What a worker does with a chunk, and which workers do nothing."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lgbpn_cli.batch.cluster import worker
from lgbpn_cli.batch.cluster.order import Answer, Order, Task
from lgbpn_cli.batch.outcome import Outcome, Status
from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.errors import ModelError, UsageError


def order(expected: str) -> bytes:
    return pickle.dumps(Order(None, "cpu", InferenceConfig(), OutputConfig(), (expected,)))


def test_a_worker_of_another_version_does_nothing() -> None:
    with pytest.raises(UsageError, match=r"worker tcp://a: it has lgbpn .*, and this is 0\.0\.1"):
        worker.check_version("0.0.1", "tcp://a")


def test_a_worker_with_another_model_does_nothing() -> None:
    with pytest.raises(ModelError, match="worker tcp://a: model 'lgbpn-base' is another one there"):
        worker.prepare_once(order('{"model_sha256":"another"}'), "tcp://a")


def test_a_worker_on_which_nothing_moves_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Answer] = []
    ended: list[int] = []
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    with worker.Teller(1, said.append, patience_s=0.4) as teller:
        teller.finished(Outcome(Path("a"), Path("b"), Status.DONE))
        time.sleep(0.2)
        teller.tile(1, 2)
        time.sleep(0.2)
        assert ended == []
        time.sleep(0.7)
    assert set(ended) == {worker.STUCK_EXIT_CODE}
    assert said[0].outcome == Outcome(Path("a"), Path("b"), Status.DONE)
    assert said[1].stuck == "nothing moved for 0.4 s"


def test_a_worker_that_cannot_even_look_for_results_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that hangs."""
    comes_back = threading.Event()
    monkeypatch.setattr(worker.os, "_exit", lambda code: comes_back.set())
    exists = Path.exists
    monkeypatch.setattr(
        Path, "exists", lambda path: comes_back.wait(20) if path.name == "on_share" else exists(path)
    )
    output = OutputConfig(photo_time_limit_s=0.1)
    device = SimpleNamespace(name="cpu")
    denoiser = SimpleNamespace(model=SimpleNamespace(device=device), output=output)
    ready = SimpleNamespace(
        order=Order(None, "cpu", InferenceConfig(raw_path="demosaiced"), output, ()),
        denoiser=denoiser,
        reading=None,
    )
    said: list[Answer] = []
    worker.run_chunk(ready, 1, [Task("a", "on_share", 1)], said.append)  # type: ignore[arg-type]
    assert comes_back.is_set()
    assert said[0].stuck == "nothing moved for 0.2 s"
