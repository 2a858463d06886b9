"""A sign of life where there is no progress bar: a line every half minute about how far a run is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from lgbpn_cli.cli.flags import shown

EVERY_S = 30.0


class Heartbeat:
    """Prints what `words` returns to stderr every half minute while its block runs; nothing on a terminal.

    A thread of its own does it: reading, measuring and writing a large photo take minutes, too, and report nothing
    meanwhile.
    """

    def __init__(
        self, words: Callable[[], str], *, quiet: bool = False, every_s: float | None = None
    ) -> None:
        """`words` is called in the other thread; where it returns no text, nothing is printed."""
        self._words = words
        self._every_s = EVERY_S if every_s is None else every_s
        self._quiet = quiet or sys.stderr.isatty()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Heartbeat:
        """Begin."""
        if not self._quiet:
            self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; no line comes after that."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(self._every_s):
            text = self._words()
            try:
                if text:
                    print(shown(text), file=sys.stderr, flush=True)
            except (OSError, ValueError):  # nobody reads it any more
                return


def said(bar: Any, units: str) -> str:
    """Return what a tqdm bar would show, a hidden one, too, which knows no units: 3 of 24 photos."""
    return f"{bar.n} of {bar.total} {units}" if bar.total else "starting"
