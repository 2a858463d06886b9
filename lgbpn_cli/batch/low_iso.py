"""Photos of low ISO, left alone where the user asks for it: they have little noise to lose, but fine texture."""

from __future__ import annotations

from collections.abc import Sequence

from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.photos.shot import shot_in


def part_by_iso(jobs: Sequence[Job], min_iso: int) -> tuple[list[Job], list[Job]]:
    """Return the jobs to be done, and those whose photo says that its ISO is lower; only headers are read."""
    if min_iso == 0:
        return list(jobs), []
    low = [job for job in jobs if 0 < shot_in(job.source).iso < min_iso]
    left = set(low)
    return [job for job in jobs if job not in left], low
