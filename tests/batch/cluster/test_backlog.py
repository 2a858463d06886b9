"""Photos that wait for a worker."""

from __future__ import annotations

import sys

from lgbpn_cli.batch.cluster import backlog
from lgbpn_cli.batch.cluster.backlog import Backlog
from lgbpn_cli.batch.cluster.order import Task


def tasks(count: int, size_bytes: int) -> list[Task]:
    return [
        Task(f"/archive/box 7/scan {number}.tif", f"/out/box 7/scan {number}.tif", size_bytes)
        for number in range(count)
    ]


def taken(size_bytes: int, count: int = 2500, workers: int = 4, *, more_will_come: bool = True) -> list[int]:
    waiting = Backlog()
    waiting.add(tasks(count, size_bytes))
    chunks = []
    while chunk := waiting.take(workers, more_will_come=more_will_come):
        chunks.append(chunk)
    assert [task for chunk in chunks for task in chunk] == tasks(count, size_bytes)
    assert len(waiting) == 0
    return [len(chunk) for chunk in chunks]


def test_a_chunk_is_as_large_as_its_photos_allow() -> None:
    assert set(taken(1000)[:20]) == {64}
    assert set(taken(20_000_000)[:20]) == {26}
    assert set(taken(500_000_000)[:20]) == {16}
    assert min(taken(1000)[:-1]) == 16


def test_chunks_get_smaller_towards_the_end() -> None:
    sizes = taken(1000, more_will_come=False)
    assert sizes[0] == 64
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-8:] == [1] * 8


def test_a_few_photos_are_shared_by_all_workers() -> None:
    assert taken(1000, count=6, workers=3, more_will_come=False) == [1] * 6


def test_many_photos_take_little_memory() -> None:
    waiting = Backlog()
    waiting.add(tasks(100_000, 1000))
    assert len(waiting) == 100_000
    assert sum(map(sys.getsizeof, waiting._packed)) < 3_000_000
    assert backlog.FEWEST_PHOTOS <= len(waiting.take(1, more_will_come=True)) <= backlog.MOST_PHOTOS
