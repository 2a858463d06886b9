"""Photo after photo through three steps: the network runs while the next is read and the last written.

At most three photos are in memory: one ahead, one in the network, one being written. Reading and writing each
have one thread; the network and everything a listener is told stay in the main thread, where Ctrl-C arrives.
"""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from lgbpn_cli.batch.outcome import Failure, Job, Listener, Outcome, Status
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.denoise.working import colour_shift_levels
from lgbpn_cli.errors import LgbpnError, ResultExistsError, shown, unforeseen
from lgbpn_cli.image.types import OnTile
from lgbpn_cli.machine.memory import give_back_freed
from lgbpn_cli.machine.stopwatch import during
from lgbpn_cli.photos.photo import Photo

NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
T = TypeVar("T")


@dataclass(frozen=True)
class Steps:
    """What is done to each photo. Any exception fails that photo alone."""

    read: Callable[[Path], Photo]
    run: Callable[[Photo, OnTile], Denoised]
    write: Callable[[Denoised, Path], None]
    is_done: Callable[[Path], bool] = lambda _: False
    """Whether a photo's target needs nothing any more: another run may have written it since this one began."""
    overlap: bool = True
    """Read and write while the network runs; without, one photo at a time is in memory."""


@dataclass(frozen=True)
class _Attempt(Generic[T]):
    """What one step gave, and the time it took."""

    result: T | Failure
    seconds: float


@dataclass
class Opening:
    """The first photos of a run, up to the first that can be read."""

    failed: list[Outcome]
    """Of the photos before it, in their order."""
    first: _Attempt[Photo] | None
    """The photo; None where none can be read."""

    def take_first(self) -> _Attempt[Photo] | None:
        """Return the photo and forget it: it would stay in memory for as long as the run lasts."""
        first, self.first = self.first, None
        return first


def open_first(jobs: Sequence[Job], read: Callable[[Path], Photo]) -> Opening:
    """Read photos until one is whole: bad ones are known before there is a network, which takes seconds."""
    failed: list[Outcome] = []
    for job in jobs:
        with during("decode"):
            attempt = _attempt(job.source, lambda source=job.source: read(source))  # type: ignore[misc]
        if not isinstance(attempt.result, Failure):
            return Opening(failed, attempt)
        failed.append(Outcome(job.source, job.target, Status.FAILED, attempt.seconds, failure=attempt.result))
    return Opening(failed, None)


def run_jobs(
    jobs: Sequence[Job], steps: Steps, listener: Listener, *, first: _Attempt[Photo] | None = None
) -> None:
    """Take every job through `steps` and tell `listener` how each ended, in the order of `jobs`.

    `first` is the first job's photo where that is read already (see `open_first`). KeyboardInterrupt goes
    through to the caller, after the photo that is being written is whole.
    """
    if not jobs:
        return
    with ThreadPoolExecutor(1, "reader") as reader, ThreadPoolExecutor(1, "writer") as writer:
        line = _Line(steps, listener, writer)
        # Taken from here and kept nowhere: a photo would stay in memory until its result is on the disk.
        ahead = [_submit_read(reader, steps, jobs[0]) if first is None else _done(first)]
        first = None  # or it would stay in memory
        try:
            for number, job in enumerate(jobs, start=1):
                with during("decode"):
                    read = ahead.pop().result()
                more = number < len(jobs)
                if more and steps.overlap:
                    ahead.append(_submit_read(reader, steps, jobs[number]))
                line.process(job, read)
                del read
                if more and not steps.overlap:
                    line.settle()
                    give_back_freed()
                    ahead.append(_submit_read(reader, steps, jobs[number]))
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
            _whatever_comes(line.settle)


def _whatever_comes(settle: Callable[[], None]) -> None:
    """Let the last photo become whole, however often Ctrl-C is pressed meanwhile."""
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            settle()
            break
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
    if interrupted is not None:
        raise interrupted


def _attempt(source: Path, step: Callable[[], T]) -> _Attempt[T]:
    """The one boundary at which an error becomes the failure of one photo."""
    start = time.perf_counter()
    result: T | Failure
    try:
        result = step()
    except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
        result = describe_failure(source, error)
    return _Attempt(result, time.perf_counter() - start)


def describe_failure(source: Path, error: Exception) -> Failure:
    """One line about `error` for the user; the traceback is kept where the error was not foreseen."""
    if isinstance(error, LgbpnError):
        # An error about the photo begins with it; others are about its result, a model, or a device.
        is_about_photo = error.subject in (str(source), shown(source))
        message = str(error) if is_about_photo else f"{source}: {error}"
        reason = error.__cause__
        return Failure(message, is_full_disk=isinstance(reason, OSError) and reason.errno in NO_SPACE)
    return Failure(str(unforeseen(source, error)), traceback.format_exc())


def _submit_read(reader: ThreadPoolExecutor, steps: Steps, job: Job) -> Future[_Attempt[Photo]]:
    return reader.submit(_attempt, job.source, lambda: steps.read(job.source))


def _done(attempt: _Attempt[Photo]) -> Future[_Attempt[Photo]]:
    future: Future[_Attempt[Photo]] = Future()
    future.set_result(attempt)
    return future


@dataclass(frozen=True)
class _Writing:
    """A photo on its way to the disk."""

    job: Job
    attempt: Future[_Attempt[Status]]
    seconds_before: float
    megapixels: float
    colour_shift_levels: tuple[float, ...] | None
    model: str
    device: str


class _Line:
    """The main thread's end: runs the network, hands results to the writer, reports in order."""

    def __init__(self, steps: Steps, listener: Listener, writer: ThreadPoolExecutor) -> None:
        self._steps = steps
        self._listener = listener
        self._writer = writer
        self._writing: _Writing | None = None

    def process(self, job: Job, read: _Attempt[Photo]) -> None:
        """Run the network over a photo that was read and hand it to the writer, or report its failure."""
        photo = read.result
        if isinstance(photo, Failure):
            self._fail(job, photo, read.seconds, None)
            return
        if self._steps.is_done(job.target):
            self.settle()
            self._listener.finished(Outcome(job.source, job.target, Status.SKIPPED))
            return
        for text in photo.notes:
            self._listener.note(f"{job.source}: {text}")
        self._listener.started(job)
        ran = _attempt(job.source, lambda: self._run(photo))
        seconds = read.seconds + ran.seconds
        if isinstance(ran.result, Failure):
            self._fail(job, ran.result, seconds, photo.megapixels)
            return
        denoised, shift = ran.result
        for text in denoised.notes:
            self._listener.note(f"{job.source}: {text}")
        self.settle()
        attempt = self._writer.submit(_attempt, job.source, lambda: self._write(denoised, job.target))
        self._writing = _Writing(
            job, attempt, seconds, photo.megapixels, shift, denoised.record.model, denoised.device
        )

    def _run(self, photo: Photo) -> tuple[Denoised, tuple[float, ...] | None]:
        denoised = self._steps.run(photo, self._on_tile)
        if photo.camera is not None and denoised.photo.camera is None:  # rendered since: not the same colours
            return denoised, None
        with during("colours"):
            return denoised, colour_shift_levels(photo, denoised.photo)

    def _write(self, denoised: Denoised, target: Path) -> Status:
        try:
            self._steps.write(denoised, target)
        except ResultExistsError:
            return Status.SKIPPED
        return Status.DONE

    def settle(self) -> None:
        """Wait for the photo that is being written, if any, and report it."""
        writing = self._writing
        if writing is None:
            return
        with during("encode"):
            written = writing.attempt.result()
        self._writing = None
        failure = written.result if isinstance(written.result, Failure) else None
        status = Status.FAILED if isinstance(written.result, Failure) else written.result
        self._listener.finished(
            Outcome(
                writing.job.source,
                writing.job.target,
                status,
                writing.seconds_before + written.seconds,
                writing.megapixels,
                failure,
                writing.colour_shift_levels if status is Status.DONE else None,
                writing.model if status is Status.DONE else None,
                writing.device if status is Status.DONE else None,
            )
        )

    def _on_tile(self, done: int, total: int) -> None:
        if self._writing is not None and self._writing.attempt.done():
            self.settle()  # a photo is reported when it is there, not when the next one is
        self._listener.tile(done, total)

    def _fail(self, job: Job, failure: Failure, seconds: float, megapixels: float | None) -> None:
        self.settle()
        self._listener.finished(Outcome(job.source, job.target, Status.FAILED, seconds, megapixels, failure))
