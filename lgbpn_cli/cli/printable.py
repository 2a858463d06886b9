"""Text from outside, such as file names, made fit for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text on one line: a file name may hold line breaks and commands to the terminal."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
