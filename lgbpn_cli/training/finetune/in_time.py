"""How a run keeps its time limit, whatever else the machine does: by what things take while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

MARGIN = 1.3
"""A reserve is so many times what it is expected to take."""
LAST_WORK_S = 1.0
"""In so much work the model is written and the program ends: on a busy machine that takes long, too."""
NEWEST_SHARE = 0.3
"""How much the last part counts for the present pace."""


def in_time(ends_at: float, items: Iterable[Item]) -> Iterator[Item]:
    """Give items until the next would end after `ends_at`, by `time.monotonic`, if it took as long as the last one.

    One is given in any case.
    """
    took_s, items = -1.0, iter(items)
    while took_s < 0 or time.monotonic() + took_s < ends_at:
        began = time.monotonic()
        try:
            item = next(items)
        except StopIteration:
            return
        yield item
        took_s = time.monotonic() - began


class Reserve:
    """The time that a part which comes last, and the program's end, need at the pace at which this process gets on."""

    def __init__(self) -> None:
        """Begin with a part that takes as long."""
        self._moment = self._now()
        self._worked_s = self._waits = 0.0

    def done(self, parts: int = 1) -> None:
        """Take note that it is done, or one of so many equal parts of it."""
        passed_s, worked_s = self._passed()
        self._waits = passed_s / max(worked_s, 1e-6)
        self._worked_s = parts * worked_s

    def note(self) -> None:
        """Take note that something else is done: machines become busier, and idle again."""
        passed_s, worked_s = self._passed()
        self._waits += NEWEST_SHARE * (passed_s / max(worked_s, 1e-6) - self._waits)

    @property
    def seconds(self) -> float:
        """How long it would take now, and somewhat longer."""
        return MARGIN * self._waits * self._worked_s + self.of_end_s

    @property
    def of_end_s(self) -> float:
        """How long the program's end alone would take."""
        return MARGIN * self._waits * LAST_WORK_S

    def _passed(self) -> tuple[float, float]:
        """Return the time since the last call by the clock, and that of them that this process worked."""
        before, self._moment = self._moment, self._now()
        return self._moment[0] - before[0], self._moment[1] - before[1]

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.monotonic(), time.process_time()
