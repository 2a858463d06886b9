"""Photos that were found and wait for a worker: a million of them in a few tens of megabytes."""

from __future__ import annotations

import pickle
import zlib
from collections import deque
from collections.abc import Sequence

from lgbpn_cli.batch.cluster.order import Task

MOST_PHOTOS = 64
FEWEST_PHOTOS = 16
CHUNK_BYTES = 512_000_000
"""A chunk has `MOST_PHOTOS`, or as many as have so many bytes, but `FEWEST_PHOTOS` at least."""


class Backlog:
    """A queue of tasks, compressed: the names in a folder are alike."""

    def __init__(self) -> None:
        """It is empty."""
        self._packed: deque[bytes] = deque()
        self._open: deque[Task] = deque()
        self._packed_tasks = 0

    def __len__(self) -> int:
        """How many tasks wait."""
        return self._packed_tasks + len(self._open)

    def add(self, tasks: Sequence[Task]) -> None:
        """Put tasks at the end."""
        for begin in range(0, len(tasks), 1000):
            part = [(task.source, task.target, task.size_bytes) for task in tasks[begin : begin + 1000]]
            self._packed.append(zlib.compress(pickle.dumps(part), 1))
            self._packed_tasks += len(part)

    def take(self, workers: int, *, more_will_come: bool) -> list[Task]:
        """Take the next chunk; towards the end chunks get smaller, so that all workers end together."""
        fewest = FEWEST_PHOTOS if more_will_come else 1
        most = max(fewest, min(MOST_PHOTOS, len(self) // (2 * max(1, workers))))
        chunk: list[Task] = []
        size_bytes = 0
        while len(chunk) < most and (len(chunk) < FEWEST_PHOTOS or size_bytes < CHUNK_BYTES):
            if not self._open:
                if not self._packed:
                    break
                part = pickle.loads(zlib.decompress(self._packed.popleft()))
                self._open.extend(Task(*fields) for fields in part)
                self._packed_tasks -= len(part)
            chunk.append(self._open.popleft())
            size_bytes += chunk[-1].size_bytes
        return chunk
