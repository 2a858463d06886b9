"""Results that are already there: skipped, unless they are to be replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.batch.targets import TargetPlan
from lgbpn_cli.errors import PhotoWriteError
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
    renamed: list[Job] = field(default_factory=list)
    """Those whose plain target is the result of another photo."""
    records: dict[Path, Record | None] = field(default_factory=dict)
    """What the results that are there say of themselves."""

    def compare(self, *records: Record) -> None:
        """Count the files that are there and were not made as one of the records says that this run would write.

        The version in it is not compared: a new version alone does not make old results other results.
        """
        for job in self.skipped:
            found = self.records[job.target]
            if found is None:
                self.not_known += 1
            elif (found.model, found.settings) not in [(each.model, each.settings) for each in records]:
                self.otherwise_made += 1

    def counts(self) -> Counter[str]:
        """Return how many results are there, and of what kinds, as `already_there` takes it."""
        return Counter(there=len(self.skipped), otherwise_made=self.otherwise_made, not_known=self.not_known)

    def rename_notes(self) -> list[str]:
        """What the user should be told about results that get another name than usual, a line each."""
        return [f"{job} (renamed: another photo's result has the plain name)" for job in self.renamed]

    def notes(self) -> list[str]:
        """What the user should be told about the results that are there, a line each."""
        return [*self.rename_notes(), *already_there(self.counts())]


def already_there(counts: Counter[str]) -> list[str]:
    """Return what the user should be told about so many results that are there, a line each."""
    if not counts["there"]:
        return []
    text = f"{counts['there']} already there"
    if counts["otherwise_made"]:
        text += f", {counts['otherwise_made']} of them made by another model or with other settings"
        text += "; `overwrite` replaces them"
    lines = [text]
    if counts["not_known"]:
        text = f"{counts['not_known']} of those there do not say that lgbpn made them; `overwrite` would replace them"
        lines.append(f"{text}, photos or not")
    return lines


IsMadeOf = Callable[[str, Path], bool]
"""Whether a result, by the source in its record, was made of the photo at a path."""


def take_back_own_results(plan: TargetPlan, is_made_of: IsMadeOf) -> None:
    """Let renamed photos keep the results of earlier runs, which may have other names: none is done twice.

    Where their names go to another photo then, that one will find that its own is taken (`leave_out_existing`).
    """
    for job in [each for each in plan.jobs if each.source in plan.plain]:
        for target in plan.names_for(job):
            found = _found(target)
            if found.of(job.source, is_made_of) and target != job.target:
                plan.move(job, target)
            if not found.there or found.of(job.source, is_made_of):
                break


def leave_out_existing(plan: TargetPlan, is_made_of: IsMadeOf) -> Remaining:
    """Part the jobs of `plan` into those to be done and those whose result exists; `overwrite` does them all.

    A result made from another photo is neither taken for a job's own nor replaced: the job gets another target.
    """
    remaining = Remaining()
    overwrite = plan.output.overwrite
    if plan.output.in_place:
        remaining.jobs += plan.jobs
        return remaining
    for job in plan.jobs:
        own = job
        found = _found(job.target)
        another = found.of_another(job.source, is_made_of)
        if another and plan.names_file and not overwrite:
            cause = f"its result {job.target} is there already, and was made from another photo"
            error = PhotoWriteError(job.source, cause, "Give another name, or `overwrite`.")
            plan.refused.append((job, error))
            continue
        if another and not plan.names_file:
            others = ((target, _found(target)) for target in plan.other_targets(job))
            target, found = next(each for each in others if not each[1].of_another(job.source, is_made_of))
            own = Job(job.source, target)
            remaining.renamed.append(own)
        if found.there and not overwrite:
            remaining.skipped.append(own)
            remaining.records[own.target] = found.record
        else:
            remaining.jobs.append(own)
    return remaining


@dataclass(frozen=True)
class _Found:
    """What lies at a target."""

    there: bool
    record: Record | None = None

    def of(self, source: Path, is_made_of: IsMadeOf) -> bool:
        """Whether it says that it was made of `source`."""
        says = self.record is not None and self.record.source
        return bool(says) and not self.of_another(source, is_made_of)

    def of_another(self, source: Path, is_made_of: IsMadeOf) -> bool:
        """Whether it says that it was made from another photo than `source`."""
        if self.record is None or not self.record.source:
            return False
        try:
            return not is_made_of(self.record.source, source)
        except OSError:
            return False  # the photo has just vanished, which its reader will say


def _found(target: Path) -> _Found:
    return _Found(True, read_record(target)) if target.exists() else _Found(False)
