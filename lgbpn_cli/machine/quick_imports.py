"""Imports without a search for garbage: modules are none, and looking through them again and again takes as long."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_garbage_yet() -> Iterator[None]:
    """Do not look for garbage while the block imports large libraries; afterwards as before, but never in them."""
    was_enabled, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        # Where nothing was imported it would keep garbage of the caller's, again with each call.
        if len(sys.modules) > known:
            gc.freeze()
        if was_enabled:
            gc.enable()
