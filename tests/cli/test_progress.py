"""How times are written."""

from __future__ import annotations

import pytest

from lgbpn_cli.cli.progress import duration


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
