"""Standard output and error that are closed, full, or read by nobody: no reason for a traceback, or to stop working."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO, cast


def mend_streams() -> None:
    """Make what is written to closed streams go nowhere, and to a failing stderr as far as it goes.

    A closed descriptor would be given to the next file that is opened, and a library's words end up in a photo.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - as long as the process
    sys.stderr = cast(TextIO, _Tolerant(sys.stderr))


def flush_output() -> str:
    """Write out what was printed, and return why that fails; empty where it does not, or nobody reads it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        send_output_nowhere()
    except OSError as error:
        send_output_nowhere()
        return error.strerror or str(error)
    return ""


def send_output_nowhere() -> None:
    """Let what is still printed go nowhere: Python would complain about it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


class _Tolerant:
    """A text stream for people: what cannot be written to it is lost, and that is all."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
