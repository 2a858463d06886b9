"""The report page of a run of `lgbpn denoise`: its photos before and after, judged without references.

Pictures are looked at while they are at hand, and only a part of each: 20 megapixels in double precision would
take gigabytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.evaluation.metrics import to_levels
from lgbpn_cli.evaluation.provenance import protocol, run_facts
from lgbpn_cli.evaluation.report.files import check_report_file, write_report
from lgbpn_cli.evaluation.report.gallery import Gallery, Layer, Rectangle, most_detail
from lgbpn_cli.evaluation.report.page import as_page
from lgbpn_cli.evaluation.report.scores import NOISY, EvaluationReport, MethodResult, Score
from lgbpn_cli.evaluation.run import score_without_reference
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.image.types import OnTile
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.camera_colour import render

OPTION = "`html`"
WINDOW_SIDE_PX = 1024
"""Side of the part of a photo that is looked at: the one with the most detail."""
GUIDE_STEP_PX = 4
"""The detail is sought in every fourth pixel of every fourth row."""

Run = Callable[[Photo, OnTile], Denoised]
Write = Callable[[Denoised, Path], None]


@dataclass(frozen=True, eq=False)
class _Seen:
    """The part of one photo that is looked at, before and after."""

    before: np.ndarray
    after: np.ndarray
    window: Rectangle
    orientation: int
    seconds: float
    megapixels: float


class DenoisePage:
    """Collects the photos of one run, and writes the page of those whose result was written."""

    def __init__(self, path: Path, budget_bytes: int, *, command: str) -> None:
        """Raise UsageError where the page could not be written to `path`."""
        check_report_file(OPTION, path, ".html")
        self.path = path
        self._config = EvaluationConfig(noisy=Path(), reference=None, report_bytes=budget_bytes)
        self._command = command
        self._label = ""
        self._facts: dict[str, object] = {}
        self._folder: Path | None = None
        self._gallery = Gallery(budget_bytes, 0)
        self._seen: dict[Path, _Seen] = {}
        self._scores: dict[str, list[Score]] = {}

    def begin(self, label: str, facts: dict[str, object], sources: Sequence[Path]) -> None:
        """Take what the run's results have in common; the photos share the budget of bytes evenly."""
        self._label, self._facts = label, facts
        self._gallery = Gallery(self._config.report_bytes, len(sources))
        self._scores = {NOISY: [], label: []}
        self._folder = _common_folder(sources)

    def watch(self, run: Run) -> Run:
        """Return `run`, so that each photo and its result are looked at."""

        def run_and_look(photo: Photo, on_tile: OnTile) -> Denoised:
            start = time.perf_counter()
            denoised = run(photo, on_tile)
            self._seen[photo.path] = _look(photo, denoised.photo, time.perf_counter() - start)
            return denoised

        return run_and_look

    def keep(self, write: Write) -> Write:
        """Return `write`, so that each photo whose result is written comes into the page."""

        def write_and_keep(denoised: Denoised, target: Path) -> None:
            # Taken first: what fails to be written must not stay in memory.
            source = denoised.photo.path
            seen = self._seen.pop(source)
            write(denoised, target)
            self._add(source, target, seen)

        return write_and_keep

    def write(self) -> bool:
        """Write the page and return True, or False where no photo was denoised; what was there stays then.

        Raises PhotoWriteError.
        """
        if not self._gallery.photos:
            return False
        described = protocol(self._config)
        del described["blind_loss"]  # it would cost another pass of the network
        described["part"] = f"figures are of the {WINDOW_SIDE_PX}x{WINDOW_SIDE_PX} px with the most detail"
        report = EvaluationReport(
            (
                MethodResult(NOISY, {"kind": "input"}, tuple(self._scores[NOISY])),
                MethodResult(self._label, self._facts, tuple(self._scores[self._label])),
            ),
            has_reference=False,
            conventions=(),
            problems=(),
            facts=run_facts(described, self._command),
            bootstrap_seed=self._config.bootstrap_seed,
            gallery=tuple(self._gallery.photos),
        )
        write_report(OPTION, self.path, as_page(report, self.path.parent))
        return True

    def _add(self, source: Path, target: Path, seen: _Seen) -> None:
        whole = source.absolute()
        name = (whole if self._folder is None else whole.relative_to(self._folder)).as_posix()
        before, after = to_levels(seen.before, rounded=True), to_levels(seen.after, rounded=True)
        for label, picture, seconds in ((NOISY, before, 0.0), (self._label, after, seen.seconds)):
            score = score_without_reference(name, picture, before, seconds)
            self._scores[label].append(replace(score, megapixels=seen.megapixels))
        layers: list[Layer] = [(NOISY, before, source), (self._label, after, target)]
        self._gallery.add(name, layers, orientation=seen.orientation, window=seen.window)


def _common_folder(sources: Sequence[Path]) -> Path | None:
    """Return the folder that all photos lie below; None for none: two drives of Windows have nothing in common."""
    try:
        return Path(os.path.commonpath({str(source.absolute().parent) for source in sources}))
    except ValueError:
        return None


def _look(photo: Photo, clean: Photo, seconds: float) -> _Seen:
    height, width = clean.pixels.shape[:2]
    part_height, part_width = min(height, WINDOW_SIDE_PX), min(width, WINDOW_SIDE_PX)
    guide = clean.pixels[::GUIDE_STEP_PX, ::GUIDE_STEP_PX].mean(axis=2)
    small = (-(-part_height // GUIDE_STEP_PX), -(-part_width // GUIDE_STEP_PX))
    top, left = (GUIDE_STEP_PX * place for place in most_detail(guide, *small))
    top, left = min(top, height - part_height), min(left, width - part_width)
    part = (slice(top, top + part_height), slice(left, left + part_width))
    # Copies of the part: a view would keep the whole photo in memory.
    before, after = (replace(each, pixels=each.pixels[part]) for each in (photo, clean))
    if before.camera is not None and after.camera is None:  # rendered after it was denoised
        before = replace(before, pixels=render(before.pixels, before.camera), linear=False, camera=None)
    window = Rectangle(left, top, part_width, part_height, width, height)
    return _Seen(to_working(before), to_working(after), window, photo.orientation, seconds, photo.megapixels)
