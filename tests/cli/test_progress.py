"""How times are written, and what a long search shows."""

from __future__ import annotations

import io
import sys
import threading
import time
from pathlib import Path

import pytest
from tqdm import tqdm

from lgbpn_cli.batch.outcome import Outcome, RunFacts, Status
from lgbpn_cli.cli.progress import Reporter, Timing, duration


def test_bars_share_no_semaphore_with_other_processes() -> None:
    """It would be a file in /dev/shm, which stays when a run is killed."""
    assert isinstance(tqdm.get_lock(), type(threading.RLock()))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (100, "1 min 40 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("longest_s", "quiet", "shown"), [(0.0, False, True), (60.0, False, False), (0.0, True, False)]
)
def test_only_a_long_search_is_shown(
    monkeypatch: pytest.MonkeyPatch, longest_s: float, quiet: bool, shown: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = Reporter(quiet=quiet, verbose=False, json_lines=False, timing=Timing(long_search_s=longest_s))
    for _ in ("by name", "by ISO"):
        for _ in range(3):
            reporter.found_file()
            time.sleep(0.15)  # tqdm draws ten times a second at most
        reporter.note("two were found")
    assert terminal.getvalue().count("looking for photos: 2 files") == 2 * shown
    assert terminal.getvalue().splitlines()[-1:] == ([] if quiet else ["two were found"])


def test_a_run_on_workers_says_what_it_skips_and_how_long_the_rest_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    said = Said()
    monkeypatch.setattr(sys, "stderr", said)
    done = Outcome(Path("in/a.png"), Path("out/a.png"), Status.DONE, 1.0, 2.0)
    timing = Timing(clock=lambda: now[0], heartbeat_s=0.001)
    with Reporter(quiet=False, verbose=False, json_lines=False, timing=timing) as reporter:
        reporter.prepared(RunFacts("cpu", "CPU", None, "student", 0, "{}"), 0)
        reporter.workers(1)
        for _ in range(3):
            reporter.found_file()
        reporter.finished(Outcome(Path("in/0.png"), Path("out/0.png"), Status.SKIPPED))
        reporter.found_work(0)
        said.wait_for("looking for photos: 3 files so far; 0.0 MP/s, 1 worker, 0 failed, 1 skipped\n")
        now[0] = 900.0
        reporter.found_work(100)
        now[0] = 910.0
        reporter.finished(done)
        said.wait_for(
            "1 of 100 photos done; 0.2 MP/s, 1 worker, 0 failed, 1 skipped; about 16 min 30 s left\n"
        )


class Said(io.StringIO):
    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 60
        while text not in self.getvalue():
            assert time.monotonic() < end, self.getvalue()[-1000:]
            time.sleep(0.001)
