"""Photos that arrive in folders: which are new and whole, told by looking again and again.

Looking works everywhere, network folders included, where systems do not tell of changes that other machines make.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from lgbpn_cli.batch.outcome import Job, Outcome, RunFacts, Status
from lgbpn_cli.batch.pipeline import describe_failure
from lgbpn_cli.batch.selection import Source, select_sources
from lgbpn_cli.batch.work import plan_work
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.reading_process import ReadingProcess

EVERY_S = 2.0
"""Between two looks; a file that is the same in both has stopped growing."""

Stamp = tuple[int, int]
"""Size and time of the last change: what changes when a file does."""


class Arrivals:
    """Knows which photos were there at the last look, and which were tried."""

    def __init__(self, inputs: Sequence[Path], output: OutputConfig, reading: ReadingProcess) -> None:
        """Nothing is looked at yet."""
        self._inputs, self._output, self._reading = inputs, output, reading
        self._seen: dict[Path, Stamp] = {}
        self._tried: dict[Path, Stamp] = {}

    def look(self) -> tuple[list[Job], list[Outcome]]:
        """Return the photos to be denoised that were the same at the last look, and were not tried as they are now.

        And of those whose result has no place to go, why. All of them count as tried from now on: one that fails comes
        again when it has changed.
        """
        stamps = self._stamps()
        whole = {path for path, stamp in stamps.items() if self._seen.get(path) == stamp}
        new = {path for path in whole if self._tried.get(path) != stamps[path]}
        self._seen = stamps
        self._tried = {path: stamp for path, stamp in self._tried.items() if path in stamps}
        if not new:
            return [], []
        work = plan_work(self._inputs, self._output, self._reading, _NOBODY)
        self._tried |= {path: stamps[path] for path in new}
        refused = [
            Outcome(job.source, job.target, Status.FAILED, failure=describe_failure(job.source, error))
            for job, error in work.plan.refused
            if job.source in new
        ]
        return [job for job in work.jobs if job.source in new], refused

    def for_ever(self) -> Iterator[tuple[list[Job], list[Outcome]]]:
        """Return what each look finds; photos that may be written still come with a later one."""
        while True:
            found = self.look()
            if any(found):
                yield found
            time.sleep(EVERY_S)

    def _stamps(self) -> dict[Path, Stamp]:
        found = {}
        for source in self._sources():
            with suppress(OSError):  # it has just vanished
                status = source.path.stat()
                found[source.path] = status.st_size, status.st_mtime_ns
        return found

    def _sources(self) -> list[Source]:
        there = [path for path in self._inputs if path.exists()]  # a disk may be gone for a while
        return select_sources(there, self._output).sources


class _Nobody:
    """A listener that is told what was told before."""

    def note(self, text: str) -> None: ...
    def found_file(self) -> None: ...
    def prepared(self, facts: RunFacts, photos: int) -> None: ...
    def found_work(self, photos: int) -> None: ...
    def workers(self, number: int) -> None: ...
    def started(self, job: Job) -> None: ...
    def planned(self, plan: object) -> None: ...
    def tile(self, done: int, total: int) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...


_NOBODY = _Nobody()
