"""What is begun is done by the time, whatever else the machine does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lgbpn_cli.training.finetune import in_time as in_time_module
from lgbpn_cli.training.finetune.in_time import LAST_WORK_S, MARGIN, Reserve, in_time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time by the clock, and the time that this process worked."""
    now = SimpleNamespace(passed=0.0, worked=0.0)
    time = SimpleNamespace(monotonic=lambda: now.passed, process_time=lambda: now.worked)
    monkeypatch.setattr(in_time_module, "time", time)
    return now


@pytest.mark.parametrize(("ends_at", "done"), [(0.0, 1), (1.9, 1), (2.1, 2), (5.1, 3), (9.1, 4)])
def test_nothing_is_begun_that_would_not_be_done_by_the_time(
    ends_at: float, done: int, clock: SimpleNamespace
) -> None:
    begun = []
    for number in in_time(ends_at, range(4)):
        begun.append(number)
        clock.passed += 1.0 + number  # each takes longer than the last, so that it may end late by that much
    assert begun == list(range(done))


def test_a_reserve_grows_and_shrinks_with_what_else_the_machine_does(clock: SimpleNamespace) -> None:
    def work(seconds: float, waiting: float) -> None:
        clock.passed += seconds + waiting
        clock.worked += seconds

    reserve = Reserve()
    work(2.0, waiting=2.0)
    reserve.done()
    assert reserve.seconds == pytest.approx(MARGIN * 2 * (2 + LAST_WORK_S))
    for _ in range(20):  # steps that are shorter, on a machine that is four times as busy
        work(0.1, waiting=0.7)
        reserve.note()
    assert reserve.seconds == pytest.approx(MARGIN * 8 * (2 + LAST_WORK_S), rel=0.01)
    for _ in range(20):
        work(0.1, waiting=0.0)
        reserve.note()
    assert reserve.seconds == pytest.approx(MARGIN * (2 + LAST_WORK_S), rel=0.01)
    work(1.0, waiting=1.0)
    reserve.done(parts=3)
    assert reserve.seconds == pytest.approx(MARGIN * 2 * (3 + LAST_WORK_S))
