"""What could not be measured: every file in full for programs, many of one cause in a line for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgbpn_cli.errors import LgbpnError, unforeseen

NAMED_OF_ONE_CAUSE = 3
"""How many files of one cause a line names before it counts the rest."""


@dataclass(frozen=True)
class Problem:
    """A file that was left out, or a result that is missing."""

    subject: str
    """The file; a method's label comes before it where only that method is concerned."""
    cause: str
    """Why, and what to do about it."""

    def __str__(self) -> str:
        """The problem as one line."""
        return f"{self.subject}: {self.cause}"


def problem_of(subject: str, error: Exception) -> Problem:
    """Return the problem that `error` is; an error that was not foreseen is about `subject`."""
    known = error
    if not isinstance(known, LgbpnError):
        memory_cure = "Close other programs, or take a crop."
        known = unforeseen(subject, error, memory_cure=memory_cure, cure="It is left out.")
    return Problem(known.subject, f"{known.cause}. {known.cure}")


def stopped_after(done: int, total: int) -> Problem:
    """Return what a report says of a run that Ctrl-C ended."""
    return Problem("stopped", f"{done} of {total} photos are measured")


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Return a line for each problem, but one for all that have the same cause where these are many."""
    by_cause: dict[str, list[str]] = {}
    for problem in problems:
        by_cause.setdefault(problem.cause, []).append(problem.subject)
    lines = []
    for cause, subjects in by_cause.items():
        if len(subjects) <= NAMED_OF_ONE_CAUSE:
            lines += [f"{subject}: {cause}" for subject in subjects]
        else:
            named = ", ".join(subjects[:NAMED_OF_ONE_CAUSE])
            more = len(subjects) - NAMED_OF_ONE_CAUSE
            lines.append(f"{len(subjects)} files: {cause}: {named}, and {more} more (the JSON names all)")
    return lines
