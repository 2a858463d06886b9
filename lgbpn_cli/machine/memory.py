"""The memory that there is, and how much of it may be planned with. Known without PyTorch, which takes seconds."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

PROGRAM_BYTES = 230_000_000
"""What the program occupies beside photos and the network's tile, most of it PyTorch; 205 to 215 MB were measured."""
READER_BYTES = 35_000_000
"""What the process that reads photos occupies between two of them; 25 to 34 MB were measured."""
SHARE_OF_FREE = 0.6
"""How much of the free memory is planned with: other programs want some, and photos are read and written meanwhile."""
CGROUP_LIMIT, CGROUP_USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
"""Where a Linux container finds what memory it may use, and uses."""


OWN_STATUS, RESET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def free_bytes() -> int:
    """Return the memory of this machine, or of its container, that can be had now."""
    import psutil  # here, for processes that only read photos do not need it

    return int(min(psutil.virtual_memory().available, _container_free_bytes()))


def room_for_reading(limit_bytes: int | None = None) -> int:
    """Return the memory that reading one photo may take where the whole program may take `limit_bytes`.

    None stands for a share of what is free.
    """
    share = int(SHARE_OF_FREE * free_bytes())
    if limit_bytes is None:
        return share
    return max(0, min(share, limit_bytes - PROGRAM_BYTES - READER_BYTES))


def _container_free_bytes() -> float:
    """Return what the limit of this process's container leaves; infinite without one."""
    try:
        return int(CGROUP_LIMIT.read_text()) - int(CGROUP_USED.read_text())
    except (OSError, ValueError):
        return float("inf")


def watch_peak() -> Callable[[], int]:
    """Return what tells by how many bytes this process grew at most since now; 0 where the system does not tell."""
    try:
        RESET_PEAK.write_text("5")
        before = _own("VmRSS")
    except (OSError, ValueError, IndexError):
        return lambda: 0
    return lambda: max(0, _own("VmHWM") - before)


def _own(name: str) -> int:
    """Return one of the figures that Linux keeps of this process, in bytes."""
    return int(OWN_STATUS.read_text().partition(f"{name}:")[2].split()[0]) * 1024


MMAP_THRESHOLD, MMAP_MAX, ARENA_MAX = -3, -4, -8
"""Numbers of these settings of the C library (mallopt(3))."""
LARGE_BYTES = 4_000_000
MOST_LARGE_BUFFERS = 65536
"""As many as the C library allows by itself."""


def share_one_heap() -> None:
    """Let all threads from now on take memory from one heap, where the C library would give some their own (glibc).

    What threads freed in heaps of their own stays with the process: 18 MB for each HEIC of 12 megapixels, whose decoder
    starts threads anew.
    """
    mallopt = _of_c_library("mallopt")
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)


def free_large_buffers_at_once() -> None:
    """Let buffers of megabytes go back to the system when they are freed, as the C library does by itself (glibc).

    Where they are kept for the next, tiles and photos of many sizes leave the heap in pieces that none fits into: half
    a gigabyte more after seven photos of 12 megapixels. It takes a few per cent of the time.
    """
    mallopt = _of_c_library("mallopt")
    if mallopt is not None:
        mallopt(MMAP_MAX, MOST_LARGE_BUFFERS)
        mallopt(MMAP_THRESHOLD, LARGE_BYTES)


def keep_to_a_limit() -> None:
    """Let this process keep as little as it can of what was freed, as is worth its time where memory has a limit."""
    share_one_heap()
    free_large_buffers_at_once()


def give_back_freed() -> None:
    """Give the system back what this process has freed, where the C library would keep it for later (glibc).

    A network's tiles leave hundreds of megabytes behind, on top of which the next step would take its own.
    """
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


@cache
def _of_c_library(name: str) -> Any | None:
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):  # another C library, or Windows
        return None
