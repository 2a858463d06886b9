"""Reading what a program shows on a pseudo-terminal."""

from __future__ import annotations

import os


def read_terminal(descriptor: int) -> str:
    """All that is written to a pseudo-terminal until its other end is closed."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other end is closed
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts).decode()
        parts.append(part)
