"""Memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.machine import memory
from lgbpn_cli.machine.device import resident_bytes

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
    monkeypatch.setattr(memory, "_of_c_library", lambda name: None)
    memory.give_back_freed()
    memory.free_large_buffers_at_once()
    memory.share_one_heap()


IN_PIECES = """
import sys
import numpy as np
from lgbpn_cli.cli.allocator import keep_freed_buffers
from lgbpn_cli.machine.device import resident_bytes
from lgbpn_cli.machine.memory import free_large_buffers_at_once
keep_freed_buffers()
if sys.argv[1] == "at once":
    free_large_buffers_at_once()
buffers, pieces = [], []
for _ in range(50):
    buffers.append(np.ones(1_000_000))
    pieces.append(np.ones(100))  # in the way of giving back what lies below
before = resident_bytes()
buffers.clear()
print(before - resident_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is known to keep what was freed")
@pytest.mark.parametrize(("how", "freed"), [("at once", True), ("kept", False)])
def test_large_buffers_go_back_between_small_ones_that_stay(how: str, freed: bool) -> None:
    command = [sys.executable, "-c", IN_PIECES, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (int(done.stdout) > 350 * MEGABYTE_BYTES) == freed


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
