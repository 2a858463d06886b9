"""Signals that end a process: they stop a run as Ctrl-C does, with its summary and without partial files."""

from __future__ import annotations

import signal
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")
"""What a cluster sends when the time is up, and a terminal when it is closed; Windows has the first alone."""


def stop_as_ctrl_c_does() -> None:
    """Let these signals raise KeyboardInterrupt, unless they are ignored already, as under nohup."""
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
