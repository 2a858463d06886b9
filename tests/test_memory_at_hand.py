"""Memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli import memory
from lgbpn_cli.device import resident_bytes

MEGABYTE_BYTES = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is known to keep what was freed")
def test_what_was_freed_is_given_back() -> None:
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("not glibc")
    last = None
    kept = []
    for _ in range(
        4000
    ):  # small pieces, with one above them that stays: the C library keeps all of the others
        kept.append(np.full(10_000, 1.0))
    last = np.full(10_000, 1.0)
    kept.clear()
    before = resident_bytes()
    memory.give_back_freed()
    assert before - resident_bytes() > 200 * MEGABYTE_BYTES
    assert last is not None


def test_another_c_library_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back_freed()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak")
def test_the_peak_since_then_is_told_though_it_is_over() -> None:
    np.ones(400 * MEGABYTE_BYTES // 8)
    memory.give_back_freed()  # what earlier tests left behind could be taken without growing
    peak = memory.watch_peak()
    np.ones(100 * MEGABYTE_BYTES // 8)
    assert 95 * MEGABYTE_BYTES < peak() < 120 * MEGABYTE_BYTES


def test_where_no_peak_is_told_it_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "RESET_PEAK", tmp_path / "no/such/file")
    assert memory.watch_peak()() == 0
