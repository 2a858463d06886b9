"""How times are written, and what a long search shows."""

from __future__ import annotations

import io
import sys
import time

import pytest

from lgbpn_cli.cli import progress
from lgbpn_cli.cli.progress import Reporter, duration


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
    monkeypatch.setattr(progress, "LONG_SEARCH_S", longest_s)
    reporter = Reporter(quiet=quiet, verbose=False, json_lines=False)
    for _ in ("by name", "by ISO"):
        for _ in range(3):
            reporter.found_file()
            time.sleep(0.15)  # tqdm draws ten times a second at most
        reporter.note("two were found")
    assert terminal.getvalue().count("looking for photos: 2 files") == 2 * shown
    assert terminal.getvalue().splitlines()[-1:] == ([] if quiet else ["two were found"])
