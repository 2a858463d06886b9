"""Photos of low ISO, left alone where the user asks for it: they have little noise to lose, but fine texture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.photos.shot import shot_in


def part_by_iso(
    jobs: Sequence[Job], min_iso: int, on_file: Callable[[], None]
) -> tuple[list[Job], list[Job]]:
    """Return the jobs to be done, and those whose photo says that its ISO is lower; only headers are read.

    `on_file` is told of each.
    """
    if min_iso == 0:
        return list(jobs), []
    done: list[Job] = []
    low: list[Job] = []
    for job in jobs:
        on_file()
        (low if 0 < shot_in(job.source).iso < min_iso else done).append(job)
    return done, low
