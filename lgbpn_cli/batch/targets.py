"""Where each photo's result goes: no two results in one file, and never in the place of a source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path

from lgbpn_cli.batch.name_template import OF_SHOT, ReadFacts, ShotFacts, check_template, fields_of, filled
from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.batch.selection import Source, comparable_name
from lgbpn_cli.config import OUTPUT_FORMATS, OutputConfig
from lgbpn_cli.errors import PhotoError, PhotoWriteError, UsageError
from lgbpn_cli.photos.codecs import new_files
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES, PRESERVE, result_suffix, type_of_suffix

OTHER_PICTURES = {".bmp", ".gif", ".jp2", ".pdf", ".ppm", ".psd", ".svg", ".tga"}
"""Endings of pictures that are not written: no one means a folder of that name."""


@dataclass
class TargetPlan:
    """The jobs of a run in the order of their sources."""

    jobs: list[Job] = field(default_factory=list)
    renamed: list[Job] = field(default_factory=list)
    """Those jobs whose plain target was already another source's."""
    plain: dict[Path, Path] = field(default_factory=dict)
    """The plain targets of these, by their sources."""
    refused: list[tuple[Job, PhotoError]] = field(default_factory=list)
    """Photos whose result would replace a source or has no place to go."""
    output: OutputConfig = field(default_factory=OutputConfig)
    sources: dict[Path, Source] = field(default_factory=dict)
    owners: dict[str, Source] = field(default_factory=dict)
    """Of each target, by its comparable name."""
    identities: dict[tuple[int, int], Path] = field(default_factory=dict)
    """Of the sources."""
    names_file: bool = False
    """Whether the user named the one result's file."""

    def other_targets(self, job: Job) -> Iterator[Path]:
        """Return further targets for a job, none of which is another's of this run or a source."""
        source = self.sources[job.source]
        for candidate in _other_targets(source, job.target, self.output):
            owner = self.owners.setdefault(comparable_name(candidate), source)
            if owner is source and _reason_against(Job(job.source, candidate), self.identities) is None:
                yield candidate

    def names_for(self, job: Job) -> Iterator[Path]:
        """Return the names that a job's result can have, the plain one first, whoever has them now."""
        plain = self.plain.get(job.source, job.target)
        return chain([plain], _other_targets(self.sources[job.source], plain, self.output))

    def move(self, job: Job, target: Path) -> None:
        """Let a job have this target; another that has it now will find it to be taken."""
        source = self.sources[job.source]
        if self.owners.get(old := comparable_name(job.target)) is source:
            del self.owners[old]
        self.owners[comparable_name(target)] = source
        if job in self.renamed:
            self.renamed.remove(job)
        moved = Job(job.source, target)
        if target != self.plain.get(job.source, job.target):
            self.renamed.append(moved)
        self.jobs[self.jobs.index(job)] = moved

    def accepts(self, job: Job, identities: dict[tuple[int, int], Path]) -> bool:
        """Whether something may be written to the job's target; if not, it is entered into `refused`."""
        error = _reason_against_place(job) if self.output.in_place else _reason_against(job, identities)
        if error is not None:
            self.refused.append((job, error))
        return error is None

    def keep_part(self, number: int, parts: int, before: int = 0) -> int:
        """Keep every so many-th job: the same ones in every run, since targets depend on names alone.

        `before` jobs came in earlier plans of the run; returned is that number for the next one. Refused photos, whose
        number changes between runs, belong to the first part.
        """
        after = before + len(self.jobs)
        self.jobs = self.jobs[(number - 1 - before) % parts :: parts]
        kept = set(self.jobs)
        self.renamed = [job for job in self.renamed if job in kept]
        if number != 1:
            self.refused = []
        return after

    def notes(self) -> list[str]:
        """What the user should be told about the targets, a line each."""
        return [f"{job} (renamed: another photo's result has the plain name)" for job in self.renamed]


def check_output(inputs: Sequence[Path], output: OutputConfig) -> None:
    """Raise UsageError if the output options cannot work for any photo; call it before anything is done."""
    if output.jpeg_quality is not None and output.format != PRESERVE and not new_files(output.format).quality:
        cause = f"{output.format} files have none"
        raise UsageError("`jpeg_quality`", cause, "Omit it, or choose another `format`.")
    if output.name_template:
        check_template(output.name_template)
    if output.full_folder is not None:
        _check_full_folder(inputs, output.full_folder, output)
    if output.output is None:
        _check_suffix(output.suffix)
        return
    target = Path(output.output)
    subject = f"`output` {target}"
    if not target.is_dir() and target.suffix.lower() in OTHER_PICTURES and not inputs[0].is_dir():
        known = ", ".join(OUTPUT_FORMATS[1:])
        raise UsageError(subject, f"{target.suffix} files cannot be written", f"Choose one of {known}.")
    if _names_one_file(inputs, target):
        if output.name_template:
            raise UsageError(subject, "names the result already", "Omit `name_template`, or give a folder.")
        ending = result_suffix(inputs[0].suffix, output.format)
        if ending.lower() in PHOTO_SUFFIXES and type_of_suffix(target.suffix) != type_of_suffix(ending):
            cause = f"the result of {inputs[0].name} is a {ending} file and cannot become {target.suffix}"
            raise UsageError(subject, cause, f"Use the ending {ending}, or choose a format with `format`.")
        return
    if target.suffix.lower() in PHOTO_SUFFIXES and not target.is_dir():
        raise UsageError(subject, "names a file, which works for a single photo only", "Give a folder.")
    if target.is_symlink() and not os.path.exists(target):  # noqa: PTH110 - a circle of links is not an error to it
        raise UsageError(subject, "is a broken link", "Remove it, or give another folder.")
    if target.exists() and not target.is_dir():
        raise UsageError(subject, "is a file, not a folder", "Give a folder.")
    for path in inputs:
        if path.is_dir() and target.is_dir() and path.samefile(target):
            raise UsageError(subject, "is an input folder, whose photos would be replaced", "Give another.")


def _check_full_folder(inputs: Sequence[Path], name: str, output: OutputConfig) -> None:
    subject, folder = f"`full_folder` {name}".rstrip(), Path(name)
    if not name:
        raise UsageError(subject, "names no folder", "Give one, or omit it.")
    if folder.suffix.lower() in PHOTO_SUFFIXES and not folder.is_dir():
        raise UsageError(subject, "names a file, and may have to hold several", "Give a folder.")
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        raise UsageError(subject, "is a file, not a folder", "Give a folder.")
    taken = [path if path.is_dir() else path.parent for path in inputs]
    taken += [] if output.output is None else [Path(output.output)]
    if os.path.realpath(folder) in [os.path.realpath(each) for each in taken]:
        raise UsageError(subject, "is the folder of the photos or of their results", "Give another one.")


def _check_suffix(suffix: str) -> None:
    if not suffix:
        cause = "is empty, so results would replace their photos"
        raise UsageError("`suffix`", cause, "Give some text, or a folder with `output`.")
    if suffix.isdigit():
        cause = f"'{suffix}' cannot be told apart from a photo's number"
        raise UsageError("`suffix`", cause, "Begin it with a character such as _.")
    if "/" in suffix or os.sep in suffix:
        raise UsageError("`suffix`", f"'{suffix}' is a path", "Use `output` for a folder.")


def _no_facts(_: Path) -> ShotFacts:
    return ShotFacts()


def plan_targets(
    sources: Sequence[Source],
    inputs: Sequence[Path],
    output: OutputConfig,
    facts_of: ReadFacts = _no_facts,
) -> TargetPlan:
    """One target for each source, decided by names alone, so that the next run finds the same ones.

    With a template that asks for it, by what a photo's header says and by its place among the sources, too.

    A target that exists and is one of the sources is refused. Any other is taken by the first source whose
    plain target it is; the next ones get their own suffix into the stem (IMG_1.heic.jpg), then a number.
    """
    identities = _identities(sources)
    owners: dict[str, Source] = {}
    by_path = {source.path: source for source in sources}
    names_file = output.output is not None and _names_one_file(inputs, Path(output.output))
    plan = TargetPlan(
        output=output, sources=by_path, owners=owners, identities=identities, names_file=names_file
    )
    possible = []
    reads_facts = bool(output.name_template and fields_of(output.name_template) & OF_SHOT)
    for number, source in enumerate(sources, start=1):
        if output.name_template:
            facts = facts_of(source.path) if reads_facts else ShotFacts()
            ending = result_suffix(source.path.suffix, output.format)
            name = filled(output.name_template, source.path, ending, number, facts)
            job = Job(source.path, _folder_of_result(source, output) / name)
        else:
            job = Job(source.path, _plain_target(source, inputs, output))
        if plan.accepts(job, identities):
            possible.append((source, job))
            owners.setdefault(comparable_name(job.target), source)
    for source, job in possible:
        if owners[comparable_name(job.target)] is source:
            plan.jobs.append(job)
            continue
        renamed = Job(source.path, _free_target(source, job.target, output, owners))
        plan.renamed.append(renamed)
        plan.plain[source.path] = job.target
        if plan.accepts(renamed, identities):
            plan.jobs.append(renamed)
    return plan


def _names_one_file(inputs: Sequence[Path], target: Path) -> bool:
    is_photo_name = target.suffix.lower() in PHOTO_SUFFIXES and not target.is_dir()
    return is_photo_name and len(inputs) == 1 and not inputs[0].is_dir()


def _folder_of_result(source: Source, output: OutputConfig) -> Path:
    return source.path.parent if output.output is None else Path(output.output) / source.below.parent


def _plain_target(source: Source, inputs: Sequence[Path], output: OutputConfig) -> Path:
    ending = result_suffix(source.path.suffix, output.format)
    if output.in_place:
        # A link stays one: what it leads to is replaced.
        return Path(os.path.realpath(source.path)) if source.path.is_symlink() else source.path
    if output.output is None:
        return source.path.with_name(source.path.stem + output.suffix + ending)
    target = Path(output.output)
    if _names_one_file(inputs, target):
        return target
    return target / source.below.with_name(source.below.stem + ending)


def _free_target(source: Source, plain: Path, output: OutputConfig, owners: dict[str, Source]) -> Path:
    """A target no other source has; it is entered into `owners`."""
    for candidate in _other_targets(source, plain, output):
        if owners.setdefault(comparable_name(candidate), source) is source:
            return candidate
    raise RuntimeError("an endless series of names came to its end")


def _other_targets(source: Source, plain: Path, output: OutputConfig) -> Iterator[Path]:
    name = source.path.stem + source.path.suffix.lower()
    suffix = "" if output.output is not None else output.suffix
    if output.name_template:  # which says how results are called
        yield from (plain.with_name(f"{plain.stem}-{number}{plain.suffix}") for number in count(2))
    yield plain.with_name(f"{name}{suffix}{plain.suffix}")
    for number in count(2):
        yield plain.with_name(f"{name}-{number}{suffix}{plain.suffix}")


def _reason_against(job: Job, identities: dict[tuple[int, int], Path]) -> PhotoError | None:
    """Why nothing may be written to the job's target, or None; asked of the disk, not of the names."""
    try:
        return _conflict(job, identities) or _blocked_folder(job)
    except OSError as error:
        cause = f"its result {job.target} cannot be written ({error.strerror})"
        return PhotoWriteError(job.source, cause, "Give another `output` folder.")


def _reason_against_place(job: Job) -> PhotoError | None:
    """Why a photo cannot be replaced by its result, or None."""
    ending = result_suffix(job.source.suffix, PRESERVE)
    if type_of_suffix(ending) != type_of_suffix(job.source.suffix):
        cause = f"its result is a {ending} file, which cannot take its place"
        return PhotoWriteError(job.source, cause, "Omit `in_place`.")
    if not os.access(job.target, os.W_OK):
        cause = "it is write-protected, and would be replaced by its result"
        return PhotoWriteError(job.source, cause, "Omit `in_place`, or take the protection off.")
    return _blocked_folder(job)


def _conflict(job: Job, identities: dict[tuple[int, int], Path]) -> PhotoError | None:
    """The identity of a file sees through symbolic links, hard links and file systems that ignore case."""
    if not job.target.exists():
        if job.target.is_symlink():
            cause = f"its result {job.target} is a broken link"
            return PhotoWriteError(job.source, cause, "Remove the link, or give another `output` folder.")
        return None
    replaced = identities.get(_identity(job.target))
    if replaced is not None:
        cause = f"its result {job.target} would replace the photo {replaced}"
        return PhotoWriteError(job.source, cause, "Give another `output` folder or `suffix`.")
    if job.target.is_dir():
        return PhotoWriteError(
            job.source, f"its result {job.target} is a folder", "Give another `output` folder."
        )
    return None


def _blocked_folder(job: Job) -> PhotoError | None:
    folder = job.target.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        cause = f"its result {job.target} would lie below {folder}, which is a file"
        return PhotoWriteError(job.source, cause, "Give another `output` folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        return PhotoWriteError(
            job.source, f"nothing can be written to {folder}", "Give another `output` folder."
        )
    return None


def _identities(sources: Sequence[Source]) -> dict[tuple[int, int], Path]:
    """Return the sources by what the disk knows them by; one that has just vanished fails when its turn comes."""
    found = {}
    for source in sources:
        with suppress(OSError):
            found[source.identity or _identity(source.path)] = source.path
    return found


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
