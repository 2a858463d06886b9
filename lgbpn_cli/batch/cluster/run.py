"""A run on workers: chunks go out while photos are still being found, outcomes come back one by one.

A few chunks a worker are on their way at any time. Where a worker dies, the photos that it may have died of are done
again, each alone; one that is alone with a third death has failed. All others just go on.
"""

from __future__ import annotations

import os
import pickle
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from lgbpn_cli.batch.cluster.backlog import FEWEST_PHOTOS, Backlog
from lgbpn_cli.batch.cluster.order import Answer, Task, WorkersOrder, packed, unpacked
from lgbpn_cli.batch.cluster.pool import Connection
from lgbpn_cli.batch.cluster.worker import denoise_chunk
from lgbpn_cli.batch.outcome import Failure, Listener, Outcome, Status
from lgbpn_cli.errors import DeviceError, LgbpnError, PhotoError, UsageError, shown
from lgbpn_cli.photos.atomic import remove_dead_parts
from lgbpn_cli.version import __version__

if TYPE_CHECKING:
    from distributed import Future

CHUNKS_A_WORKER = 2
"""On their way at a time: the one at hand and the next."""
AT_HAND = 3
"""A worker reads one photo, denoises one and writes one: it may have died of any of them."""
MOST_DEATHS = 3
"""A photo is tried so often."""
MOST_DEATHS_BEFORE_A_PHOTO = 10
"""So many workers in a row may die before they open one."""
TICK_S = 1.0


@dataclass
class _Chunk:
    """Photos that a worker has, or will have."""

    number: int
    waiting: dict[str, Task]
    """Those whose outcome is not known yet, in their order, by their source."""
    future: Future
    alone: bool
    again: bool
    """A worker had some of them before, and may have finished more than it told of."""
    began: bool = False
    stuck: str | None = None
    """Why its worker has ended itself."""


@dataclass
class Run:
    """One run on the workers of a connection."""

    connection: Connection
    order: WorkersOrder
    listener: Listener
    _backlog: Backlog = field(default_factory=Backlog)
    _again: deque[list[Task]] = field(default_factory=deque)
    """Chunks whose worker died, without what it had finished."""
    _alone: deque[Task] = field(default_factory=deque)
    """Photos that a worker may have died of."""
    _deaths: Counter[str] = field(default_factory=Counter)
    """Of the photos that a worker may have died of."""
    _deaths_before_a_photo: int = 0
    _chunks: dict[int, _Chunk] = field(default_factory=dict)
    _messages: SimpleQueue[tuple[str, Any]] = field(default_factory=SimpleQueue)
    _sent: int = 0
    _workers: int = 0
    _waits_for_workers: bool = False
    _looked: float = field(default_factory=time.monotonic)
    """When workers and scheduler were last looked after."""
    _resources: dict[str, int] | None = None

    def go_through(self, steps: Iterator[list[Task]]) -> None:
        """Have all photos of `steps` denoised, which are looked for meanwhile.

        Raises UsageError where a worker has another version or model, DeviceError where no workers are left.
        """
        self._listen()
        searching = True
        while True:
            self._send(more_will_come=searching)
            if not (searching or self._chunks):
                return
            if time.monotonic() - self._looked > TICK_S:
                self._look_after_connection()
            try:
                kind, content = self._messages.get(timeout=0.001 if searching else TICK_S)
            except Empty:
                if searching:
                    found = next(steps, None)
                    searching = found is not None
                    self._backlog.add(found or ())
                    self.listener.found_work(len(found or ()))
                continue
            if kind == "answer":
                self._hear(unpacked(content))
            else:
                self._end(content)

    def remove_parts(self) -> None:
        """Remove what workers were writing, to be called when they are gone."""
        tasks = [task for chunk in self._chunks.values() for task in chunk.waiting.values()]
        for folder in {Path(task.target).parent for task in tasks}:
            remove_dead_parts(folder)

    def _listen(self) -> None:
        self._topic = f"lgbpn-{os.getpid()}-{id(self)}"
        client = self.connection.client
        client.subscribe_topic(self._topic, lambda event: self._messages.put(("answer", event[1])))
        self._count_workers()

    def _count_workers(self) -> None:
        number = self.connection.number_of_workers()
        if number is None:
            return
        self._tell_whether_workers_come(number)
        if number != self._workers:
            self._workers = number
            self._resources = self.connection.resources()
            self.listener.workers(number)

    def _tell_whether_workers_come(self, number: int) -> None:
        """Say so where nothing can go on, and when it can; one's own workers are started again at once."""
        waits = number == 0 and not self.connection.starts_workers
        if waits and not self._waits_for_workers:
            self.listener.note("the scheduler has no workers: waiting for them")
        elif number and self._waits_for_workers:
            self.listener.note("workers are there: going on")
        self._waits_for_workers = waits

    def _look_after_connection(self) -> None:
        """See whether the scheduler is there, and how many workers."""
        if self.connection.is_lost():
            self._renew_connection()
        self.connection.replace_lost_workers()
        self._count_workers()
        self._looked = time.monotonic()

    def _renew_connection(self) -> None:
        """Wait for the scheduler, and send again what was on its way."""
        self.listener.note("the scheduler went away: waiting for it to come back")
        self._again += [list(chunk.waiting.values()) for chunk in self._chunks.values()]
        self._chunks.clear()
        self.connection.renew()
        self._listen()
        self.listener.note("the scheduler is back: going on")

    def _send(self, *, more_will_come: bool) -> None:
        """Keep a few chunks a worker on their way: the scheduler's memory does not depend on how many there are."""
        if more_will_come and not self._sent and len(self._backlog) < FEWEST_PHOTOS * 2 * self._workers:
            return  # or the first worker would get all of a small folder
        while len(self._chunks) < CHUNKS_A_WORKER * max(1, self._workers):
            alone = again = False
            if self._again:
                tasks, again = self._again.popleft(), True
            elif self._alone:
                tasks, alone, again = [self._alone.popleft()], True, True
            else:
                tasks = self._backlog.take(self._workers, more_will_come=more_will_come)
            if not tasks:
                return
            self._sent += 1
            number = self._sent
            future = self.connection.client.submit(
                denoise_chunk,
                __version__,
                pickle.dumps(self.order),
                number,
                packed(tasks),
                self._topic,
                key=(self._topic, number),
                resources=self._resources,
                pure=False,
            )
            waiting = {task.source: task for task in tasks}
            self._chunks[number] = _Chunk(number, waiting, future, alone, again)
            future.add_done_callback(lambda future, number=number: self._messages.put(("end", number)))

    def _hear(self, answer: Answer) -> None:
        if answer.note is not None:
            self.listener.note(answer.note)
        chunk = self._chunks.get(answer.chunk)
        if chunk is None:  # it was sent again under another number
            return
        if answer.began:
            chunk.again |= chunk.began  # its worker died, and the scheduler gave it to another one by itself
            chunk.began = True
            self._deaths_before_a_photo = 0
        if answer.stuck is not None:
            chunk.stuck = answer.stuck
        for outcome in answer.outcomes:
            self._tell(chunk, outcome)

    def _tell(self, chunk: _Chunk, outcome: Outcome) -> None:
        if chunk.waiting.pop(str(outcome.source), None) is None:
            return
        if outcome.status is Status.SKIPPED and chunk.again:  # by a worker that did not come to tell of it
            outcome = replace(outcome, status=Status.DONE)
        self.listener.finished(outcome)

    def _end(self, number: int) -> None:
        """Take leave of a chunk whose task has ended, well or not."""
        from distributed import KilledWorker

        chunk = self._chunks.get(number)
        if chunk is None:
            return
        status = chunk.future.status
        if status in ("cancelled", "lost"):  # with its scheduler
            self._renew_connection()
            return
        del self._chunks[number]
        if status == "finished":
            if chunk.waiting:  # answers that were lost on their way: look again
                self._again.append(list(chunk.waiting.values()))
            return
        error = chunk.future.exception()
        if isinstance(error, LgbpnError):
            raise error
        if isinstance(error, ImportError | AttributeError):
            cause = f"a worker cannot run it ({shown(error)})"
            raise UsageError("lgbpn", cause, "Install the same version of lgbpn wherever workers run.")
        how = "the process that worked on it died" if isinstance(error, KilledWorker) else shown(error)
        self._blame(chunk, chunk.stuck or how)

    def _blame(self, chunk: _Chunk, how: str) -> None:
        """Do the photos that a worker may have died of again, each alone, and the others as they come."""
        waiting = list(chunk.waiting.values())
        if not chunk.began:  # it died of something else, and had this chunk before it
            self._deaths_before_a_photo += 1
            if self._deaths_before_a_photo > MOST_DEATHS_BEFORE_A_PHOTO * max(1, self._workers):
                raise DeviceError("workers", f"they die before they open a photo ({how})", "See their logs.")
            self._again.append(waiting)
            return
        for task in waiting[:AT_HAND]:
            self._deaths[task.source] += 1
            if chunk.alone and self._deaths[task.source] >= MOST_DEATHS:
                self._fail(task, how)
            else:
                self._alone.append(task)
        if waiting[AT_HAND:]:
            self._again.append(waiting[AT_HAND:])

    def _fail(self, task: Task, how: str) -> None:
        times = self._deaths.pop(task.source)
        error = PhotoError(shown(task.source), f"{how}, {times} times", "Leave it out, or try it on its own.")
        outcome = Outcome(
            Path(task.source), Path(task.target), Status.FAILED, 0.0, failure=Failure(str(error))
        )
        self.listener.finished(outcome)
