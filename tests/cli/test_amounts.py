"""Amounts of time, and parts, as people write them."""

from __future__ import annotations

import pytest

from lgbpn_cli.cli.amounts import parse_part, parse_seconds
from lgbpn_cli.errors import UsageError


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5 h", 5400), ("2MIN", 120)])
def test_an_amount_of_time_is_read(text: str, seconds: float) -> None:
    assert parse_seconds("--time-limit", text) == seconds


@pytest.mark.parametrize("text", ["30", "", "m", "-1m", "1d", "1m30s"])
def test_anything_else_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--time-limit"):
        parse_seconds("--time-limit", text)


def test_a_part_is_read() -> None:
    assert parse_part("--part", "2/8") == (2, 8)


@pytest.mark.parametrize("text", ["2", "2/", "/8", "a/b", "-1/8", "2 of 8", "1.5/2", "\uff11/\uff12"])
def test_what_is_no_part_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--part"):
        parse_part("--part", text)
