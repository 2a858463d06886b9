"""What a run says: a progress bar and a summary for people on stderr, JSON lines for programs on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from types import TracebackType
from typing import Any

from tqdm import tqdm

from lgbpn_cli.batch.outcome import Job, Outcome, RunFacts, Status
from lgbpn_cli.cli.heartbeat import Heartbeat
from lgbpn_cli.cli.streams import send_output_nowhere
from lgbpn_cli.errors import shown

LONG_SEARCH_S = 1.0
"""Looking for photos is shown when it takes longer."""


class NobodyReadsError(KeyboardInterrupt):
    """What a program was to be told cannot be told: the run stops as after Ctrl-C, and no photo is to blame."""


class Reporter:
    """A `Listener` that prints, and counts for the summary and the exit code.

    Without a terminal there is no bar, but a line for each finished photo, and one every half minute about the photo
    at hand. `quiet` leaves only failures.
    """

    def __init__(self, *, quiet: bool, verbose: bool, json_lines: bool, done: str = "denoised") -> None:
        """The clock starts here."""
        self._quiet = quiet
        self._verbose = verbose
        self._json_lines = json_lines
        self._done = done
        self._on_terminal = sys.stderr.isatty()
        self._facts: RunFacts | None = None
        self._outcomes: list[Outcome] = []
        self._start = time.monotonic()
        self._bars: _Bars | None = None
        self._search: tqdm | None = None
        self._heartbeat = Heartbeat(self._where, quiet=quiet)
        self._files = 0
        self._photos: int | None = None
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
        if self._search is None and not self._quiet:
            self._search = tqdm(desc="looking for photos", unit=" files", delay=LONG_SEARCH_S, **_of_bars())
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
        self._outcomes.append(outcome)
        if self._bars is not None and outcome.seconds is not None:
            self._bars.move_photos()
        if self._json_lines:
            self._tell_programs(outcome)
        if not self._quiet:
            self._tell(outcome)

    def _tell_programs(self, outcome: Outcome) -> None:
        """Write a photo's JSON line; raise NobodyReadsError where that is not possible."""
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
            raise NobodyReadsError from error

    def close(self, *, interrupted: bool) -> int:
        """Remove the bars, print the summary, and return the exit code."""
        self._end_search()
        if self._bars is not None:
            self._bars.close()
        counts = Counter(outcome.status for outcome in self._outcomes)
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
        done = sum(outcome.seconds is not None for outcome in self._outcomes)
        photos = f"{done} of {_photos(self._photos)} done"
        return photos if self._at_hand is None else f"{photos}; {self._at_hand}"

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
            self._print(f"{outcome.source} -> {outcome.target}")
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
        if outcome.colour_shift_levels is not None:
            fields["colour_shift_levels"] = [round(shift, 3) for shift in outcome.colour_shift_levels]
        if outcome.failure is not None:
            fields["error"] = outcome.failure.message
        return fields

    def _summary(self, counts: Counter[Status], interrupted: bool) -> str:
        others = [f"{counts[kind]} {kind}" for kind in (Status.SKIPPED, Status.FAILED) if counts[kind]]
        more = f" ({', '.join(others)})" if others else ""
        if counts[Status.PLANNED]:
            return self._planned_summary(counts[Status.PLANNED], more)
        if not (interrupted or counts[Status.DONE] or counts[Status.FAILED]):
            return f"nothing to do{more}"
        took = duration(time.monotonic() - self._start)
        text = f"{_photos(counts[Status.DONE])} {self._done} in {took}{more}"
        if interrupted:
            return f"stopped: {text}; run it again to go on"
        done = [outcome for outcome in self._outcomes if outcome.status is Status.DONE]
        folders = {outcome.target.parent for outcome in done if outcome.target is not None}
        if len(folders) == 1:
            text += f", see {folders.pop()}"
        elif folders:
            text += f", in {len(folders)} folders"
        return text

    def _planned_summary(self, planned: int, more: str) -> str:
        estimates = [outcome for outcome in self._outcomes if outcome.status is Status.PLANNED]
        seconds = sum(outcome.seconds or 0.0 for outcome in estimates)
        megapixels = sum(outcome.megapixels or 0.0 for outcome in estimates)
        unknown = sum(outcome.megapixels is None for outcome in estimates)
        text = f"dry run: {_photos(planned)} would be denoised{more}, {megapixels:.1f} megapixels"
        text += f", about {duration(seconds)} (an estimate from one small tile; the photos were not decoded)"
        return f"{text}; {_photos(unknown)} of unknown size not counted in" if unknown else text

    def _print_failures(self, failed: int) -> None:
        if not failed:
            return
        self._print(f"lgbpn: {_photos(failed)} failed:")
        for outcome in self._outcomes:
            if outcome.failure is None:
                continue
            self._print(f"  {outcome.failure.message}")
            if self._verbose and outcome.failure.traceback:
                for line in outcome.failure.traceback.splitlines():
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

    def move_photos(self) -> None:
        self._photos.update()

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


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number} photos"
