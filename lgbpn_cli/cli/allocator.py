"""How this process keeps memory: a setting for all of it, so the command makes it and the library does not."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Names of the settings in glibc's mallopt(3)."""


def keep_freed_buffers() -> None:
    """Make the C library keep large freed buffers for the next allocation.

    glibc otherwise gives every large buffer back to the system and fetches it again page by page, which took
    half of the time of a network call on the CPU (measured with and without it). Other C libraries are left alone.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
