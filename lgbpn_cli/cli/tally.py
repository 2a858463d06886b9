"""What the end of a run has to know of its photos."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lgbpn_cli.batch.outcome import Failure, Outcome, Status


@dataclass
class Tally:
    """Sums over the photos of a run, which are not kept: there may be a million."""

    counts: Counter[Status] = field(default_factory=Counter)
    worked: int = 0
    """Photos that took time: the skipped do not."""
    seconds: float = 0.0
    """Of those done or planned, together."""
    megapixels: float = 0.0
    of_unknown_size: int = 0
    """Photos that were planned without it."""
    expected_bytes: int = 0
    """Most memory that any planned photo takes."""
    folders: set[Path] = field(default_factory=set)
    """Where results are."""
    failures: list[Failure] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count a photo."""
        self.counts[outcome.status] += 1
        self.worked += outcome.seconds is not None
        if outcome.status in (Status.DONE, Status.PLANNED):
            self.seconds += outcome.seconds or 0.0
            self.megapixels += outcome.megapixels or 0.0
        self.expected_bytes = max(self.expected_bytes, outcome.expected_bytes or 0)
        if outcome.status is Status.PLANNED and outcome.megapixels is None:
            self.of_unknown_size += 1
        if outcome.status is Status.DONE and outcome.target is not None:
            self.folders.add(outcome.target.parent)
        if outcome.failure is not None:
            self.failures.append(outcome.failure)
