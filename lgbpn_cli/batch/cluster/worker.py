"""What runs on a worker: one chunk of photos after the other, with a model that is loaded once."""

from __future__ import annotations

import atexit
import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lgbpn_cli.batch.cluster.order import Answer, Task, WorkersOrder, packed, unpacked
from lgbpn_cli.batch.outcome import Job, Outcome, RunFacts, Status
from lgbpn_cli.batch.pipeline import run_jobs
from lgbpn_cli.batch.steps import Cameras, reader, reading_process, steps_of
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.by_camera import AUTO_MODEL
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.errors import LgbpnError, ModelError, UsageError
from lgbpn_cli.machine.memory import keep_to_a_limit
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.version import __version__

STUCK_EXIT_CODE = 75
TELL_S = 0.1
"""Outcomes that come faster are told together: an answer costs client and scheduler as much as finding ten photos."""
_one_at_a_time = threading.Lock()
"""Workers may have several threads, and a model is for one."""
_ready: dict[bytes, _Ready] = {}
"""What this process has prepared, by its order; one order at a time."""


@dataclass(frozen=True)
class _Ready:
    """A loaded model and the process that reads photos for it."""

    order: WorkersOrder
    denoiser: Denoiser
    reading: ReadingProcess


def denoise_chunk(version: str, packed_order: bytes, chunk: int, packed_tasks: bytes, topic: str) -> None:
    """Denoise the photos of a chunk; every outcome is told under `topic` when it is there.

    Raises UsageError where this worker would give other results than the client expects.
    """
    from distributed import get_worker
    from distributed.utils import sync

    worker = get_worker()

    def say(answer: Answer) -> None:
        """Send an answer; it is on its way to the client when this returns, whatever happens to this process."""
        sync(worker.loop, worker.scheduler.log_event, topic=topic, msg=packed(answer))

    check_version(version, worker.address)
    with _one_at_a_time:
        ready = prepare_once(packed_order, worker.address)
        say(Answer(chunk, began=True))
        run_chunk(ready, chunk, unpacked(packed_tasks), say)


def run_chunk(ready: _Ready, chunk: int, tasks: Sequence[Task], say: Callable[[Answer], None]) -> None:
    """Denoise the photos of a chunk and tell `say` how each ended."""
    order = ready.order
    output = order.output
    device = ready.denoiser.model.device.name
    camera = Cameras(keep=order.model == AUTO_MODEL)
    read = reader(ready.reading, order, camera)
    limited = order.settings.max_memory_bytes is not None and device == "cpu"
    with Teller(chunk, say, patience_s=2 * output.photo_time_limit_s) as listener:
        steps = steps_of(read, ready.denoiser, camera, order.settings, listener, overlap=not limited)
        jobs = list(_not_there(tasks, output, listener))
        listener.tell()  # so that, whatever a photo does to this process, those before it are known
        run_jobs(jobs, steps, listener)


def _not_there(tasks: Sequence[Task], output: OutputConfig, listener: Teller) -> Iterator[Job]:
    """Yield the photos without a result; a worker that died may not have told of one that it had just made."""
    for task in tasks:
        job = Job(Path(task.source), Path(task.target))
        if job.target.exists() and not (output.overwrite or output.in_place):
            listener.finished(Outcome(job.source, job.target, Status.SKIPPED))
        else:
            yield job


def check_version(version: str, address: str) -> None:
    """Raise UsageError where this worker has another version than the client."""
    if version != __version__:
        cause = f"it has lgbpn {__version__}, and this is {version}"
        raise UsageError(f"worker {address}", cause, "Install the same version everywhere.")


def prepare_once(packed_order: bytes, address: str) -> _Ready:
    """Return what the order needs. Raises ModelError where this machine has another model than the client.

    Whatever else it raises of its own, such as for a model that is missing, names the worker, too.
    """
    if packed_order in _ready:
        return _ready[packed_order]
    for earlier in _ready.values():
        earlier.reading.close()
    _ready.clear()
    order: WorkersOrder = pickle.loads(packed_order)
    try:
        denoiser = _denoiser_of(order)
    except LgbpnError as error:
        raise type(error)(f"worker {address}: {error.subject}", error.cause, error.cure) from error
    found = tuple(record.settings for record in denoiser.records)
    if found != order.expected:
        cause = f"model '{denoiser.model.name}' is another one there ({', '.join(found)})"
        raise ModelError(f"worker {address}", cause, "Put the same model on all machines.")
    is_cpu = denoiser.model.device.name == "cpu"
    limit_bytes = order.settings.max_memory_bytes if is_cpu else None
    if limit_bytes is not None:
        keep_to_a_limit()
    reading = reading_process(order.output, limit_bytes)
    atexit.register(reading.close)
    _ready[packed_order] = _Ready(order, denoiser, reading)
    return _ready[packed_order]


def _denoiser_of(order: WorkersOrder) -> Denoiser:
    named = None if order.model == AUTO_MODEL else order.model
    denoiser = replace(prepare(named, order.device, order.settings), output=order.output)
    denoiser.check_plan()
    return denoiser


class Teller:
    """The `Listener` of a worker. When nothing has moved for too long it ends the process, which frees the worker."""

    def __init__(self, chunk: int, say: Callable[[Answer], None], *, patience_s: float) -> None:
        """`say` sends an answer about the chunk."""
        self._chunk = chunk
        self._say = say
        self._patience_s = patience_s
        self._moved = self._told = time.monotonic()
        self._finished: deque[Outcome] = deque()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._watch_time, name="watch", daemon=True)

    def __enter__(self) -> Teller:
        """Watch the time from now on."""
        self._watch.start()
        return self

    def __exit__(self, *error: object) -> None:
        """No more."""
        self._over.set()
        self._watch.join()
        self.tell()

    def _watch_time(self) -> None:
        while not self._over.wait(min(TELL_S, self._patience_s / 4)):
            # Where the scheduler goes away, what is kept is told when it is back, or found again.
            with suppress(Exception):
                self.tell()
            if time.monotonic() - self._moved > self._patience_s:
                with suppress(Exception):  # the scheduler may be what is stuck
                    self._say(Answer(self._chunk, stuck=f"nothing moved for {self._patience_s:g} s"))
                os._exit(STUCK_EXIT_CODE)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._say(Answer(self._chunk, note=text))

    def finished(self, outcome: Outcome) -> None:
        """Pass it on, at once or within `TELL_S`."""
        self._moved = time.monotonic()
        self._finished.append(outcome)
        if self._moved - self._told >= TELL_S:
            self.tell()

    def tell(self) -> None:
        """Pass on what has finished; threads may call this at the same time."""
        outcomes = []
        with suppress(IndexError):  # another thread took the last one
            while self._finished:
                outcomes.append(self._finished.popleft())
        if not outcomes:
            return
        self._told = time.monotonic()
        try:
            self._say(Answer(self._chunk, outcomes=tuple(outcomes)))
        except BaseException:
            self._finished.extendleft(reversed(outcomes))
            raise

    def started(self, job: Job) -> None:
        """A sign of life."""
        self._moved = time.monotonic()

    def tile(self, done: int, total: int) -> None:
        """A sign of life."""
        self._moved = time.monotonic()

    def planned(self, plan: object) -> None:
        """Workers' plans are not shown."""

    def found_file(self) -> None:
        """Workers look for none."""

    def found_work(self, photos: int) -> None:
        """Workers look for none."""

    def prepared(self, facts: RunFacts, photos: int) -> None:
        """The client has said it."""

    def workers(self, number: int) -> None:
        """The client counts them."""
