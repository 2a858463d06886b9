"""Results that are already there: skipped, unless they are to be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.photos.record import Record, read_record


@dataclass
class Remaining:
    """The jobs of a run, parted by whether their result is there."""

    jobs: list[Job] = field(default_factory=list)
    """To be done."""
    skipped: list[Job] = field(default_factory=list)
    """Their target exists."""
    otherwise_made: int = 0
    """How many of the skipped were made by another model or with other settings."""
    not_known: int = 0
    """How many of the skipped do not say that they are results."""

    def compare(self, record: Record) -> None:
        """Count the files that are there and were not made as `record` says, which this run would write.

        The version in it is not compared: a new version alone does not make old results other results.
        """
        for job in self.skipped:
            found = read_record(job.target)
            if found is None:
                self.not_known += 1
            elif (found.model, found.settings) != (record.model, record.settings):
                self.otherwise_made += 1

    def notes(self) -> list[str]:
        """What the user should be told about the results that are there, a line each."""
        if not self.skipped:
            return []
        text = f"{len(self.skipped)} already there"
        if self.otherwise_made:
            text += f", {self.otherwise_made} of them made with other settings; --overwrite replaces them"
        lines = [text]
        if self.not_known:
            text = f"{self.not_known} of those there do not say that lgbpn made them; --overwrite would replace them"
            lines.append(f"{text}, photos or not")
        return lines


def leave_out_existing(jobs: Sequence[Job], *, overwrite: bool) -> Remaining:
    """Part `jobs` into those to be done and those whose result exists; `overwrite` does them all."""
    remaining = Remaining()
    for job in jobs:
        there = job.target.exists() and not overwrite
        (remaining.skipped if there else remaining.jobs).append(job)
    return remaining
