"""Amounts of memory and of time, and parts, as people write them."""

from __future__ import annotations

import os
import re

from lgbpn_cli.cli.array_jobs import part_of_array_job
from lgbpn_cli.errors import UsageError

UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
"""Bytes of each unit, in small letters and without its B."""


def parse_bytes(option: str, text: str) -> int:
    """Return the bytes that `text` names: 800MB, 1.5GiB, 2g, 3000000. Raises UsageError for `option` otherwise."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    if found is None or found[2] not in UNITS or not (amount := int(float(found[1]) * UNITS[found[2]])):
        raise UsageError(f"{option} {text}", "not an amount of memory", "Use 800MB or 2GB, for example.")
    return amount


SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
"""Seconds of each unit of time."""


def parse_seconds(option: str, text: str) -> float:
    """Return the seconds that `text` names: 90s, 30m, 1.5h. Raises UsageError for `option` otherwise."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)\s*", text.lower())
    if found is None:
        raise UsageError(f"{option} {text}", "not a length of time", "Use 90s, 30m or 2h, for example.")
    return float(found[1]) * SECONDS[found[2]]


def parse_part(option: str, text: str) -> tuple[int, int]:
    """Return number and parts of a text such as 2/8; auto and auto/8 take the number from the array job that this is.

    Raises UsageError for `option` otherwise.
    """
    if re.fullmatch(r"auto(/[1-9][0-9]*)?", text):
        return part_of_array_job(option, text, os.environ)
    found = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    if found is None:
        raise UsageError(f"{option} {text}", "not a part", "The second of eight is 2/8.")
    return int(found[1]), int(found[2])
