"""Which result was made of which photo, by what the results say themselves, and where another mixture of both goes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from lgbpn_cli.batch.existing import already_there
from lgbpn_cli.batch.outcome import Job, Listener, Outcome, RunFacts, Status
from lgbpn_cli.batch.pipeline import Steps, describe_failure, run_jobs
from lgbpn_cli.batch.results import write_result
from lgbpn_cli.batch.selection import check_inputs, select_sources
from lgbpn_cli.batch.targets import check_output
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.blend import blend_photos
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.denoise.record import BLEND, OUTPUT_SETTINGS
from lgbpn_cli.errors import (
    LgbpnError,
    PhotoError,
    PhotoReadError,
    PhotoWriteError,
    UnsupportedPhotoError,
)
from lgbpn_cli.image.types import OnTile
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import prepare_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.source_id import content_of, recorded_content
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES


@dataclass(frozen=True)
class FullResult:
    """A result that other mixtures can be made of."""

    path: Path
    record: Record

    @property
    def output(self) -> OutputConfig:
        """What the photo was made into."""
        settings = json.loads(self.record.settings)
        return OutputConfig(**{name: settings[name] for name in OUTPUT_SETTINGS if name in settings})


@dataclass
class BlendPlan:
    """The mixtures of a run, in the order of their photos."""

    jobs: list[Job] = field(default_factory=list)
    results: dict[Path, FullResult] = field(default_factory=dict)
    """The result made of each photo."""
    refused: list[tuple[Path, PhotoError]] = field(default_factory=list)

    def refuse_clashes(self, photos: list[tuple[Path, Path]]) -> None:
        """Leave out the jobs that would replace a photo, a result, or what another job has made."""
        taken = {os.path.realpath(path) for path, _ in photos}
        taken |= {os.path.realpath(result.path) for result in self.results.values()}
        kept = []
        for job in self.jobs:
            place = os.path.realpath(job.target)
            if place in taken:
                cause = f"its result {job.target} would replace a photo or another result"
                self.refused.append(
                    (job.source, PhotoWriteError(job.source, cause, "Give another `output` folder."))
                )
            else:
                kept.append(job)
            taken.add(place)
        self.jobs = kept


def plan_blends(
    photos: list[tuple[Path, Path]], results: Path, target: Callable[[Path, Path], Path]
) -> BlendPlan:
    """Return what is mixed with what. `photos` are files with their places below the folder they came from.

    `results` is a result, or a folder of them; which photo each was made of, it says itself. `target` gives the file of
    a mixture from the photo's place and the result's file.
    """
    plan = BlendPlan()
    if not results.is_dir():
        for photo, below in photos:
            _plan_one(plan, photo, below, results, target)
        return plan
    by_content: dict[str, list[Path]] = {}
    for path in sorted(results.rglob("*")):
        record = read_record(path) if path.is_file() else None
        if record is not None and (content := recorded_content(record.source)):
            by_content.setdefault(content, []).append(path)
    for photo, below in photos:
        found = by_content.get(content_of(photo), [])
        if found:  # of several, as of a photo that lies in two places, the one at its own place
            own = min(
                found, key=lambda path: path.relative_to(results).with_suffix("") != below.with_suffix("")
            )
            _plan_one(plan, photo, below, own, target)
        else:
            cause = f"{results} holds no result that was made from it"
            plan.refused.append((photo, UnsupportedPhotoError(photo, cause, "Denoise it first.")))
    return plan


def _plan_one(
    plan: BlendPlan, photo: Path, below: Path, result: Path, target: Callable[[Path, Path], Path]
) -> None:
    try:
        plan.results[photo] = _full_result(photo, result)
    except PhotoError as error:
        plan.refused.append((photo, error))
    else:
        plan.jobs.append(Job(photo, target(below, result)))


def _full_result(photo: Path, result: Path) -> FullResult:
    """Return the result if it was made of the photo, at full strength; PhotoError else."""
    record = read_record(result)
    content = "" if record is None else recorded_content(record.source)
    if record is None or not content:
        cause = f"{result} does not say which photo it was made from"
        raise UnsupportedPhotoError(photo, cause, "Denoise it again, with `provenance`.")
    try:
        if content != content_of(photo):
            cause = f"{result} was made from another photo, or from this one before it was changed"
            raise UnsupportedPhotoError(photo, cause, "Denoise it again.")
    except OSError as error:
        raise PhotoReadError(photo, f"cannot be read ({error.strerror})", "Check its name.") from error
    try:
        settings = json.loads(record.settings)
        is_full = Look.from_facts(settings).is_full and BLEND not in settings
    except (ValueError, TypeError, LgbpnError):
        is_full = False
    if not is_full:
        cause = f"{result} was not made at full strength"
        raise UnsupportedPhotoError(photo, cause, "Denoise it with `strength=1` or auto.")
    return FullResult(result, record)


def blended(photo: Photo, full: Photo, result: FullResult, look: Look, seed: int) -> Denoised:
    """Return the mixture of a photo, as it became its result, and of that result, with its record."""
    return Denoised(blend_photos(photo, full, look, seed), record_of_mixture(result, look, seed))


def record_of_mixture(result: FullResult, look: Look, seed: int) -> Record:
    """Return what a mixture made of a result says of itself."""
    settings = json.loads(result.record.settings)
    settings[BLEND] = look.facts()
    if look.grain is not None:
        settings["seed"] = seed
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return replace(result.record, settings=text)


def _kind_there(job: Job, result: FullResult, look: Look, seed: int) -> str:
    """Return what is in a mixture's place: as_asked, otherwise_made or not_known, as `already_there` counts them."""
    found = read_record(job.target)
    if found is None:
        return "not_known"
    same = found.settings == record_of_mixture(result, look, seed).settings
    return "as_asked" if same else "otherwise_made"


def blend_folder(
    photos: Path,
    results: Path,
    out: Path,
    look: Look,
    listener: Listener,
    *,
    seed: int = 0,
    recursive: bool = False,
    overwrite: bool = False,
) -> None:
    """Mix each photo with its result anew, `photos` and `results` being files or folders; no network is asked.

    Mixtures go to `out`: a folder, or a file for one photo. Raises UsageError where the call as a whole cannot work.
    """
    check_inputs([photos, results])
    names_file = not photos.is_dir() and not out.is_dir() and out.suffix.lower() in PHOTO_SUFFIXES
    if not names_file:
        check_output([photos], OutputConfig(output=str(out)))
    selection = select_sources(
        [photos], OutputConfig(output=str(out), recursive=recursive), listener.found_file
    )
    for text in selection.notes():
        listener.note(text)
    sources = [(source.path, source.below) for source in selection.sources]
    plan = plan_blends(
        sources, results, lambda below, result: out if names_file else out / below.with_name(result.name)
    )
    plan.refuse_clashes(sources)
    jobs = [job for job in plan.jobs if overwrite or not job.target.exists()]
    listener.prepared(RunFacts("cpu", "no network", None, "", seed, json.dumps(look.facts())), len(jobs))
    for path, error in [*selection.refused, *plan.refused]:
        listener.finished(Outcome(path, None, Status.FAILED, failure=describe_failure(path, error)))
    skipped = [job for job in plan.jobs if job not in jobs]
    for job in skipped:
        listener.finished(Outcome(job.source, job.target, Status.SKIPPED))
    kinds = Counter(_kind_there(job, plan.results[job.source], look, seed) for job in skipped)
    for text in already_there(kinds + Counter(there=len(skipped))):
        listener.note(text)
    waiting: dict[Path, Photo] = {}
    with ReadingProcess() as reading:

        def read(source: Path) -> Photo:
            full = plan.results[source]
            photo, _ = prepare_photo(reading, source, full.output)
            waiting[source], _ = prepare_photo(reading, full.path, OutputConfig())
            return photo

        def run(photo: Photo, _: OnTile) -> Denoised:
            return blended(photo, waiting.pop(photo.path), plan.results[photo.path], look, seed)

        write = partial(write_result, output=OutputConfig(overwrite=overwrite))
        run_jobs(jobs, Steps(read=read, run=run, write=write), listener)
