"""The photos of a run, found step by step, so that work starts long before the last folder is read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lgbpn_cli.batch.cluster.order import Task
from lgbpn_cli.batch.existing import already_there
from lgbpn_cli.batch.outcome import Listener
from lgbpn_cli.batch.selection import Selection, notes_on_choice, select_in_steps, select_sources
from lgbpn_cli.batch.work import EMPTY_PART, low_iso_note, work_of
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import Record


def find_tasks(
    inputs: Sequence[Path],
    output: OutputConfig,
    reading: ReadingProcess,
    listener: Listener,
    records: Sequence[Record],
) -> Iterator[list[Task]]:
    """Yield what is to be denoised, a step at a time; `listener` is told of all that is not.

    `records` are what results of this run may say of themselves; none where that depends on each photo's camera.
    """
    ignored: Counter[str] = Counter()
    there: Counter[str] = Counter()
    found = photos = low_iso = 0
    for selection in _steps(inputs, output, listener):
        work, photos = work_of(selection, inputs, output, reading, listener, photos)
        if records:
            work.remaining.compare(*records)
        for text in work.remaining.rename_notes():
            listener.note(text)
        work.report_photos(listener)
        ignored += selection.ignored
        there += work.remaining.counts()
        found += len(selection.sources) + len(selection.refused)
        low_iso += len(work.low_iso)
        sizes = {source.path: source.size_bytes for source in selection.sources}
        yield [Task(str(job.source), str(job.target), sizes[job.source]) for job in work.jobs]
    if 0 < photos < output.part[0]:
        listener.note(EMPTY_PART)
    if low_iso:
        listener.note(low_iso_note(low_iso, output.min_iso))
    for text in (*notes_on_choice(found, ignored), *already_there(there)):
        listener.note(text)


def _steps(inputs: Sequence[Path], output: OutputConfig, listener: Listener) -> Iterator[Selection]:
    """Return the photos in steps where results of different steps cannot meet, else in one step."""
    if _keep_apart(inputs, output):
        yield from select_in_steps(inputs, output, listener.found_file)
    else:
        yield select_sources(inputs, output, listener.found_file)


def _keep_apart(inputs: Sequence[Path], output: OutputConfig) -> bool:
    """Whether each step has result names of its own, and no result can be another step's photo.

    So it is where one folder is mirrored into another one. With --overwrite all photos have to be known first, so that
    none of them is replaced, and with a template, whose names may meet anywhere.
    """
    if (
        output.output is None
        or output.overwrite
        or output.name_template
        or len(inputs) != 1
        or not inputs[0].is_dir()
    ):
        return False
    folder, target = (Path(os.path.realpath(path)) for path in (inputs[0], output.output))
    return not folder.is_relative_to(target)
