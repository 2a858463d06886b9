"""The work of one call: which photos are to be denoised, and what becomes of the others before any is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lgbpn_cli.batch.estimate import check_claim, claim_of
from lgbpn_cli.batch.existing import Remaining, leave_out_existing, take_back_own_results
from lgbpn_cli.batch.low_iso import part_by_iso
from lgbpn_cli.batch.name_template import ShotFacts
from lgbpn_cli.batch.outcome import Job, Listener, Outcome, Status
from lgbpn_cli.batch.pipeline import Opening, describe_failure
from lgbpn_cli.batch.selection import Selection, select_sources
from lgbpn_cli.batch.targets import TargetPlan, plan_targets
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.timing import plan_of_claim, seconds_per_megapixel
from lgbpn_cli.errors import LgbpnError
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.shot import shot_in, shot_time_in
from lgbpn_cli.photos.source_id import is_made_of

LARGE_FILE_BYTES = 1_000_000
"""Of smaller ones a run knows at once whether they are damaged, and then loads nothing at all."""
EMPTY_PART = "this part is empty: there are fewer photos than parts"


@dataclass
class Work:
    """What a call found and what is left to be done of it."""

    selection: Selection
    plan: TargetPlan
    remaining: Remaining
    low_iso: list[Job]
    """Left alone, for their ISO is below `min_iso`."""
    min_iso: int

    @property
    def jobs(self) -> list[Job]:
        """The photos to be denoised, with their targets."""
        return self.remaining.jobs

    def begins_large(self) -> bool:
        """Whether the first photo's file is so large that reading it takes as long as loading a model."""
        try:
            return bool(self.jobs) and self.jobs[0].source.stat().st_size >= LARGE_FILE_BYTES
        except OSError:
            return False

    def needs_network(self, opening: Opening) -> bool:
        """Whether there is a photo to denoise, or a result that is there to compare with this run's settings."""
        return len(opening.failed) < len(self.jobs) or bool(self.remaining.skipped)

    def report(self, listener: Listener, opening: Opening) -> None:
        """Tell of the photos that are not denoised: refused, there already, of low ISO, not readable."""
        for text in self.remaining.notes():
            listener.note(text)
        if self.low_iso:
            listener.note(low_iso_note(len(self.low_iso), self.min_iso))
        self.report_photos(listener)
        for outcome in opening.failed:
            listener.finished(outcome)

    def report_photos(self, listener: Listener) -> None:
        """Tell of each photo that is known not to be denoised, without a word about all of them."""
        for source, error in self.selection.refused:
            failure = describe_failure(source, error)
            listener.finished(Outcome(source, None, Status.FAILED, failure=failure))
        for job, error in self.plan.refused:
            failure = describe_failure(job.source, error)
            listener.finished(Outcome(job.source, job.target, Status.FAILED, failure=failure))
        for job in self.remaining.skipped:
            listener.finished(Outcome(job.source, job.target, Status.SKIPPED))
        for job in self.low_iso:
            listener.finished(Outcome(job.source, None, Status.SKIPPED))


def low_iso_note(number: int, min_iso: int) -> str:
    """What the user should be told about so many photos of low ISO."""
    return f"{number} left alone: their ISO is below {min_iso}"


def plan_work(
    inputs: Sequence[Path], output: OutputConfig, reading: ReadingProcess, listener: Listener
) -> Work:
    """Return what is to be done among `inputs`, files and folders; no photo is opened but for its header.

    Raises UsageError where the call as a whole cannot work.
    """
    selection = select_sources(inputs, output, listener.found_file)
    for text in selection.notes():
        listener.note(text)
    work, photos = work_of(selection, inputs, output, reading, listener)
    if 0 < photos < output.part[0]:
        listener.note(EMPTY_PART)
    return work


def work_of(
    selection: Selection,
    inputs: Sequence[Path],
    output: OutputConfig,
    reading: ReadingProcess,
    listener: Listener,
    before: int = 0,
) -> tuple[Work, int]:
    """Return what is to be done of a selection, and how many photos there were up to it, `before` in earlier ones."""
    plan = plan_targets(selection.sources, inputs, output, partial(_facts_of, reading))
    take_back_own_results(plan, partial(_is_made_of, reading))
    after = plan.keep_part(*output.part, before)
    for text in plan.notes():
        listener.note(text)
    if output.part[0] != 1:  # or each part would fail for the same files
        selection = replace(selection, refused=[])
    remaining = leave_out_existing(plan, partial(_is_made_of, reading))
    remaining.jobs, low_iso = part_by_iso(
        remaining.jobs,
        output.min_iso,
        lambda source: reading.call(source, shot_in, source),
        listener.found_file,
    )
    return Work(selection, plan, remaining, low_iso, output.min_iso), after


def report_estimates(
    jobs: Sequence[Job],
    denoiser: Denoiser,
    reading: ReadingProcess,
    listener: Listener,
) -> None:
    """Tell of each photo what would be done, and by its size how long it would take, and how much memory."""
    pace = seconds_per_megapixel(denoiser) if jobs else 0.0
    for job in jobs:
        try:
            claim = reading.call(job.source, claim_of, job.source)
        except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
            listener.finished(_would_fail(job, error))
            continue
        if claim is None:
            listener.finished(Outcome(job.source, job.target, Status.PLANNED))
            continue
        size = claim.megapixels
        if denoiser.raw_model is not None:
            claim = replace(claim, size=claim.size.for_mosaic())
        try:
            check_claim(job.source, claim, denoiser.output.max_pixels, reading.max_bytes())
            plan = plan_of_claim(denoiser, claim.kind, claim.size)
        except LgbpnError as error:
            listener.finished(_would_fail(job, error, size))
            continue
        listener.planned(plan)
        needed = plan.expected_bytes
        outcome = Outcome(job.source, job.target, Status.PLANNED, size * pace, size, expected_bytes=needed)
        listener.finished(outcome)


def _would_fail(job: Job, error: Exception, megapixels: float | None = None) -> Outcome:
    failure = describe_failure(job.source, error)
    return Outcome(job.source, job.target, Status.FAILED, None, megapixels, failure)


def _facts_of(reading: ReadingProcess, source: Path) -> ShotFacts:
    try:
        return ShotFacts(reading.call(source, shot_in, source), reading.call(source, shot_time_in, source))
    except Exception:  # noqa: BLE001 - a photo that cannot be opened fails when its turn comes, and says why
        return ShotFacts()


def _is_made_of(reading: ReadingProcess, recorded: str, source: Path) -> bool:
    """Whether a result with this record was made of `source`."""

    def shot_time() -> str:
        try:
            return reading.call(source, shot_time_in, source)
        except Exception:  # noqa: BLE001 - a photo that cannot be opened fails when its turn comes, and says why
            return ""

    return is_made_of(recorded, source, shot_time)
