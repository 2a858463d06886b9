"""What a run says: a progress bar and a summary for people on stderr, JSON lines for programs on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from lgbpn_cli.batch.outcome import Job, Outcome, RunFacts, Status
from lgbpn_cli.cli.bars import tqdm
from lgbpn_cli.cli.flags import shown, with_flags
from lgbpn_cli.cli.heartbeat import Heartbeat
from lgbpn_cli.cli.streams import send_output_nowhere
from lgbpn_cli.cli.tally import Tally

RESULTS_WITHOUT_SPACE = 3
"""So many in a row: the disk is full, and denoising all others would be in vain."""


@dataclass(frozen=True)
class Timing:
    """When a run says how far it is."""

    clock: Callable[[], float] = time.monotonic
    long_search_s: float = 1.0
    """Looking for photos is shown when it takes longer."""
    heartbeat_s: float | None = None
    """Seconds between two lines where there is no bar; None: as usual."""


class CannotGoOnError(KeyboardInterrupt):
    """Going on is in vain, which has been said: the run stops as after Ctrl-C, and no photo is to blame."""


class Reporter:
    """A `Listener` that prints, and counts for the summary and the exit code.

    Without a terminal there is no bar, but a line for each finished photo, and one every half minute about the photo
    at hand. `quiet` leaves only failures.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        verbose: bool,
        json_lines: bool,
        done: str = "denoised",
        timing: Timing = Timing(),
    ) -> None:
        """The clock starts here."""
        self._timing = timing
        self._quiet = quiet
        self._verbose = verbose
        self._json_lines = json_lines
        self._done = done
        self._on_terminal = sys.stderr.isatty()
        self._facts: RunFacts | None = None
        self._tally = Tally()
        self._start = self._work_start = timing.clock()
        self._bars: _Bars | None = None
        self._search: tqdm | None = None
        self._heartbeat = Heartbeat(self._where, quiet=quiet, every_s=timing.heartbeat_s)
        self._files = 0
        self._without_space = 0
        self._photos: int | None = None
        self._workers: int | None = None
        self._at_hand: _AtHand | None = None

    def __enter__(self) -> Reporter:
        """From now on there is a sign of life every half minute."""
        self._heartbeat.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No sign of life comes any more."""
        self._heartbeat.__exit__(kind, error, trace)

    def found_file(self) -> None:
        """Count the files that were looked at, where that takes long."""
        self._files += 1
        if self._search is None and self._bars is None and not self._quiet:
            self._search = tqdm(
                desc="looking for photos", unit=" files", delay=self._timing.long_search_s, **_of_bars()
            )
        if self._search is not None:
            self._search.update()

    def note(self, text: str) -> None:
        """Print a line to stderr, above the bars."""
        self._end_search()
        if not self._quiet:
            self._print(text)

    def prepared(self, facts: RunFacts, photos: int) -> None:
        """Say what the device's choice means for the user, once, and show the bar."""
        self._end_search()
        self._facts = facts
        self._photos = photos
        if facts.device_note:
            self.note(facts.device_note)
        if self._verbose:
            self._print(f"model {facts.model} on {facts.device_description}")
            self._print(f"settings {facts.settings}")
        if not self._quiet:
            self._bars = _Bars(photos)

    def found_work(self, photos: int) -> None:
        """Make the bar longer."""
        if not self._photos:  # so far all that was found had its result: that tells nothing of the others
            self._work_start = self._timing.clock()
        self._photos = (self._photos or 0) + photos
        if self._bars is not None:
            self._bars.lengthen(self._photos)

    def workers(self, number: int) -> None:
        """Show it beside the bar."""
        self._workers = number

    def started(self, job: Job) -> None:
        """Show the photo's name beside the bar."""
        self._at_hand = _AtHand(shown(job.source.name))
        if self._bars is not None:
            self._bars.start_photo(shown(job.source.name))

    def planned(self, plan: object) -> None:
        """Show how a photo is done, where details are asked for."""
        if self._verbose:
            self._print(f"plan: {plan}")

    def tile(self, done: int, total: int) -> None:
        """Move the bar of the tiles."""
        if self._at_hand is not None:
            self._at_hand.tiles = done, total
        if self._bars is not None:
            self._bars.move_tiles(done, total)

    def finished(self, outcome: Outcome) -> None:
        """Count the photo, move the bar, print its line."""
        self._tally.add(outcome)
        if self._bars is not None:
            self._bars.move_photos(int(outcome.seconds is not None), self._pace())
        if self._json_lines:
            self._tell_programs(outcome)
        if not self._quiet:
            self._tell(outcome)
        self._look_at_space(outcome)

    def _look_at_space(self, outcome: Outcome) -> None:
        """Raise CannotGoOnError where the disk of the results is full."""
        if outcome.status is Status.DONE:
            self._without_space = 0
        elif outcome.failure is not None and outcome.failure.is_full_disk:
            self._without_space += 1
        if self._without_space == RESULTS_WITHOUT_SPACE:
            self._print(
                "stopped: the disk of the results is full; free some space, and run it again to go on"
            )
            raise CannotGoOnError

    def _tell_programs(self, outcome: Outcome) -> None:
        """Write a photo's JSON line; raise CannotGoOnError where that is not possible."""
        try:
            tqdm.write(json.dumps(self._fields(outcome)), file=sys.stdout)
            sys.stdout.flush()
        except OSError as error:
            self._json_lines = False
            send_output_nowhere()
            why = f"the --json output cannot be written ({error.strerror or error})"
            if isinstance(error, BrokenPipeError):
                why = "the program that reads the --json output has ended"
            self._print(f"stopped: {why}; run it again to go on")
            raise CannotGoOnError from error

    def close(self, *, interrupted: bool) -> int:
        """Remove the bars, print the summary, and return the exit code."""
        self._end_search()
        if self._bars is not None:
            self._bars.close()
        counts = self._tally.counts
        if not self._quiet:
            self._print(self._summary(counts, interrupted))
        self._print_failures(counts[Status.FAILED])
        if interrupted:
            return 130
        return 1 if counts[Status.FAILED] else 0

    def _where(self) -> str:
        """Return how far the run is."""
        if self._photos is None:
            return f"looking for photos: {self._files} files so far" if self._files else "starting"
        done = self._tally.worked
        text = f"{done} of {_photos(self._photos)} done"
        if self._workers is None and self._at_hand is None and done == self._photos:
            return ""  # it waits for photos to arrive
        if self._workers is None:
            return text if self._at_hand is None else f"{text}; {self._at_hand}"
        if not self._photos and self._files:
            text = f"looking for photos: {self._files} files so far"
        text = f"{text}; {self._pace()}"
        if 0 < done < self._photos:
            left_s = (self._timing.clock() - self._work_start) * (self._photos - done) / done
            text += f"; about {duration(left_s)} left"
        return text

    def _pace(self) -> str:
        """Return how a run on workers goes; empty for any other."""
        if self._workers is None:
            return ""
        speed = self._tally.megapixels / max(0.001, self._timing.clock() - self._work_start)
        workers = "1 worker" if self._workers == 1 else f"{self._workers} workers"
        counts = self._tally.counts
        skipped = f", {counts[Status.SKIPPED]} skipped" if counts[Status.SKIPPED] else ""
        return f"{speed:.1f} MP/s, {workers}, {counts[Status.FAILED]} failed{skipped}"

    def _end_search(self) -> None:
        if self._search is not None:
            self._search.close()
            self._search = None

    def _print(self, text: str) -> None:
        tqdm.write(shown(text), file=sys.stderr)

    def _tell(self, outcome: Outcome) -> None:
        if outcome.status is Status.FAILED:
            self._print(f"{outcome.source}: failed")
        elif outcome.status is Status.PLANNED:
            facts = [] if outcome.megapixels is None else [f"{outcome.megapixels:.1f} megapixels"]
            if outcome.expected_bytes is not None:
                facts.append(f"about {_amount(outcome.expected_bytes)} of memory")
            size = f" ({', '.join(facts)})" if facts else ""
            self._print(f"{outcome.source} -> {outcome.target}{size}")
        elif outcome.status is Status.DONE and (self._verbose or not self._on_terminal):
            facts = [duration(outcome.seconds or 0.0)]
            if self._verbose and outcome.colour_shift_levels is not None:
                shifts = " ".join(f"{shift:+.2f}" for shift in outcome.colour_shift_levels)
                facts.append(f"mean colour shift {shifts} of 255 levels")
            self._print(f"{outcome.source} -> {outcome.target} ({', '.join(facts)})")
        elif outcome.status is Status.SKIPPED and self._verbose:
            reason = "its ISO is low" if outcome.target is None else f"{outcome.target} is already there"
            self._print(f"{outcome.source}: {reason}")

    def _fields(self, outcome: Outcome) -> dict[str, object]:
        facts = self._facts
        fields: dict[str, object] = {
            "source": str(outcome.source),
            "target": None if outcome.target is None else str(outcome.target),
            "status": outcome.status.value,
            "seconds": None if outcome.seconds is None else round(outcome.seconds, 3),
            "megapixels": outcome.megapixels,
            "device": outcome.device or (None if facts is None else facts.device),
            "model": outcome.model or (None if facts is None else facts.model),
            "seed": None if facts is None else facts.seed,
        }
        if outcome.expected_bytes is not None:
            fields["memory_bytes"] = outcome.expected_bytes
        if outcome.colour_shift_levels is not None:
            fields["colour_shift_levels"] = [round(shift, 3) for shift in outcome.colour_shift_levels]
        if outcome.failure is not None:
            fields["error"] = with_flags(outcome.failure.message)
        return fields

    def _summary(self, counts: Counter[Status], interrupted: bool) -> str:
        others = [f"{counts[kind]} {kind}" for kind in (Status.SKIPPED, Status.FAILED) if counts[kind]]
        more = f" ({', '.join(others)})" if others else ""
        if counts[Status.PLANNED]:
            return self._planned_summary(counts[Status.PLANNED], more)
        if not (interrupted or counts[Status.DONE] or counts[Status.FAILED]):
            return f"nothing to do{more}"
        took = duration(self._timing.clock() - self._start)
        text = f"{_photos(counts[Status.DONE])} {self._done} in {took}{more}"
        if interrupted:
            return f"stopped: {text}; run it again to go on"
        folders = self._tally.folders
        if len(folders) == 1:
            (folder,) = folders
            text += ", see this folder" if folder == Path() else f", see {folder}"
        elif folders:
            text += f", in {len(folders)} folders"
        return text

    def _planned_summary(self, planned: int, more: str) -> str:
        tally = self._tally
        text = f"dry run: {_photos(planned)} would be denoised{more}, {tally.megapixels:.1f} megapixels"
        text += f", about {duration(tally.seconds)}"
        if tally.expected_bytes:
            text += f", at most {_amount(tally.expected_bytes)} of memory"
        text += " (an estimate from one small tile; the photos were not decoded)"
        unknown = tally.of_unknown_size
        return f"{text}; {_photos(unknown)} of unknown size not counted in" if unknown else text

    def _print_failures(self, failed: int) -> None:
        if not failed:
            return
        self._print(f"lgbpn: {_photos(failed)} failed:")
        for failure in self._tally.failures:
            self._print(f"  {failure.message}")
            if self._verbose and failure.traceback:
                for line in failure.traceback.splitlines():
                    self._print(f"    {line}")


def _of_bars() -> dict[str, Any]:
    # disable=None: no bars where stderr is not a terminal
    return {"file": sys.stderr, "disable": None, "leave": False, "dynamic_ncols": True}


class _AtHand:
    """The photo that the network works on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start = time.monotonic()
        self.tiles = 0, 0

    def __str__(self) -> str:
        """Return how far it is, and about how long the network still takes."""
        done, total = self.tiles
        took_s = time.monotonic() - self._start
        text = f"{self._name}: {duration(took_s)} so far"
        if done:
            text += f", {done} of {total} tiles"
        return (
            text if done in (0, total) else f"{text}, about {duration(took_s * (total - done) / done)} left"
        )


class _Bars:
    """One bar over the photos and one below it over the tiles of the photo at hand."""

    def __init__(self, photos: int) -> None:
        self._photos = tqdm(total=photos, unit="photo", position=0, **_of_bars())
        self._tiles = tqdm(total=0, unit="tile", position=1, **_of_bars())

    def start_photo(self, name: str) -> None:
        self._photos.set_description(name)
        self._tiles.reset(total=0)

    def move_tiles(self, done: int, total: int) -> None:
        self._tiles.total = total
        self._tiles.update(done - self._tiles.n)

    def move_photos(self, by: int, pace: str) -> None:
        if pace:
            self._photos.set_postfix_str(pace, refresh=False)
        if by:
            self._photos.update(by)

    def lengthen(self, photos: int) -> None:
        self._photos.total = photos
        self._photos.refresh()

    def close(self) -> None:
        self._tiles.close()
        self._photos.close()


def duration(seconds: float) -> str:
    """A time for people: 0.4 s, 25 s, 1 min 40 s, 2 h 5 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number} photos"
