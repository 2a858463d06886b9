"""Where the time of one command goes: noted where somebody asked for it, at no cost elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Spent:
    """What one part took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of this process, all its threads: more than `seconds` where several worked, less where it waited."""


class Stopwatch:
    """Gives every moment to one part, so that all parts together are the whole."""

    def __init__(self, part: str, began: float) -> None:
        """`part` began at that `time.time()`, together with the process."""
        self.spent = {part: Spent()}
        self._part, self._since, self._cpu_since = part, began, 0.0

    def switch_to(self, part: str) -> str:
        """Give the time from now on to `part`; returns the one that had it until now."""
        before, now, cpu_now = self._part, time.time(), time.process_time()
        spent = self.spent.setdefault(before, Spent())
        spent.seconds += now - self._since
        spent.cpu_seconds += cpu_now - self._cpu_since
        self._part, self._since, self._cpu_since = part, now, cpu_now
        return before


_running: Stopwatch | None = None


def start_watch(part: str, began: float) -> Stopwatch:
    """Return a stopwatch that every `during` of this process's main thread tells its part."""
    global _running
    _running = Stopwatch(part, began)
    return _running


@contextmanager
def during(part: str) -> Iterator[None]:
    """Give the time of a block to `part`; the rest of a part round it is that part's.

    What other threads do meanwhile counts as what the main thread does, or waits for.
    """
    watch = _running
    if watch is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = watch.switch_to(part)
    try:
        yield
    finally:
        watch.switch_to(before)
