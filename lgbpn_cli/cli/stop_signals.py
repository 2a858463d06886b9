"""Signals that end a process: they stop a run as Ctrl-C does, with its summary and without partial files."""

from __future__ import annotations

import os
import signal
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")
"""What a cluster sends when the time is up, and a terminal when it is closed; Windows has the first alone."""
_in_charge = False


def stop_as_ctrl_c_does() -> None:
    """Let these signals raise KeyboardInterrupt, unless they are ignored already, as under nohup."""
    global _in_charge
    _in_charge = True
    on_terminal = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def interrupt(number: int, frame: FrameType | None) -> None:
        if signal.Signals(number).name == "SIGHUP":
            # The terminal is gone: what is written to it fails, and with that the end of the run.
            for descriptor in on_terminal:
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        raise KeyboardInterrupt

    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)


def finish_undisturbed() -> None:
    """Ignore every further signal to stop: what is left to do is to say and write what was found.

    Nothing is changed where the commands are part of another program, which has its own mind about signals.
    """
    if not _in_charge:
        return
    for name in ("SIGINT", *NAMES):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_IGN)
