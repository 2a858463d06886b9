"""The noise of photos, told without removing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lgbpn_cli.batch.selection import check_inputs, select_sources
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.config.file_names import EVERY_NAME, NamePatterns
from lgbpn_cli.photos.prepare import read_guarded
from lgbpn_cli.photos.reading_process import ReadingProcess

if TYPE_CHECKING:
    from lgbpn_cli.batch.probe import Probe


def probe_noise(
    inputs: Sequence[Path],
    *,
    recursive: bool = False,
    names: NamePatterns = EVERY_NAME,
    on_note: Callable[[str], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Probe:
    """The noise of the photos among `inputs`, files and folders, whose names fit.

    `on_step` is told how many of how many are done.
    Raises UsageError for a missing input, ModelError where the noise estimator is missing or damaged.
    """
    from lgbpn_cli.batch.probe import Probe, probe_photos

    check_inputs(inputs)
    selection = select_sources(inputs, OutputConfig(recursive=recursive, names=names))
    if on_note is not None:
        for text in selection.notes():
            on_note(text)
    refused = [str(error) for _, error in selection.refused]
    if not selection.sources:
        return Probe(failures=refused)
    from lgbpn_cli.noise.estimator import cell_levels

    with ReadingProcess() as reading:
        paths = [source.path for source in selection.sources]
        found = probe_photos(
            paths, cell_levels(), on_step, lambda path: read_guarded(reading, path, as_mosaic=True)
        )
    found.failures[:0] = refused
    return found
