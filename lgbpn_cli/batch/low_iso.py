"""Photos of low ISO, left alone where the user asks for it: they have little noise to lose, but fine texture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.photos.shot import Shot


def part_by_iso(
    jobs: Sequence[Job], min_iso: int, shot_in: Callable[[Path], Shot], on_file: Callable[[], None]
) -> tuple[list[Job], list[Job]]:
    """Return the jobs to be done, and those whose photo says that its ISO is lower; only headers are read.

    `shot_in` reads one, `on_file` is told of each.
    """
    if min_iso == 0:
        return list(jobs), []
    done: list[Job] = []
    low: list[Job] = []
    for job in jobs:
        on_file()
        (low if 0 < _iso_of(job.source, shot_in) < min_iso else done).append(job)
    return done, low


def _iso_of(source: Path, shot_in: Callable[[Path], Shot]) -> int:
    try:
        return shot_in(source).iso
    except Exception:  # noqa: BLE001 - a photo that cannot be opened fails when its turn comes, and says why
        return 0
