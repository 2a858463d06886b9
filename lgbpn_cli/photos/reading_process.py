"""A process of its own for what opens photo files, so that no file can take the run with it.

Decoders are native code: on a damaged file one may crash, never end, or take all memory there is. Here that ends
the child, which is one photo's failure, and the next call starts another. It is a wall against faults, not against
attacks that would take over a decoder: what the child answers is trusted.
"""

from __future__ import annotations

import mmap
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ParamSpec, TypeVar

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UsageError, shown
from lgbpn_cli.machine.memory import room_for_reading
from lgbpn_cli.photos.faults import DAMAGED_CURE, one_line

MOST_WORDS_BYTES = 1 << 16
END_PATIENCE_S = 2.0
START_CURE = "Set TMPDIR to a folder that you may write to, allow more open files, or close other programs."
P = ParamSpec("P")
T = TypeVar("T")


class ReadingProcess:
    """Calls functions of this package in a child process, which is started when it is first needed.

    Large arrays come back in memory that both processes share, without a copy here. One call runs at a time.
    """

    def __init__(
        self,
        *,
        time_limit_s: float = OutputConfig.photo_time_limit_s,
        max_bytes: Callable[[], int] = room_for_reading,
    ) -> None:
        """Nothing is started yet. `time_limit_s` is the most a call may take, `max_bytes` tells its most memory."""
        self.time_limit_s = time_limit_s
        self.max_bytes = max_bytes
        self.words: list[str] = []
        """What decoders wrote to stderr during the last call, line by line."""
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._folder: Path | None = None
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> ReadingProcess:
        """Return the process, started: it gets ready while the caller goes on. Raises UsageError."""
        try:
            self._start()
        except OSError as error:
            raise UsageError("reading photos", _why_not_started(error), START_CURE) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        self.close()

    def call(self, path: Path, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `function` returns there, or raise what it raises; it is called with the other arguments.

        Raises PhotoReadError about `path` where the child cannot start, dies, or the time limit is over.
        """
        with self._one_at_a_time:
            try:
                child = self._start()
            except OSError as error:
                raise PhotoReadError(shown(path), _why_not_started(error), START_CURE) from error
            over = threading.Event()
            timer = threading.Timer(self.time_limit_s, _end_in_time, (child, over))
            timer.daemon = True
            timer.start()
            try:
                answer = self._ask(child, (function, args, kwargs, self.max_bytes(), self.time_limit_s))
            except (EOFError, OSError, pickle.UnpicklingError):
                raise self._failure(path, timed_out=over.is_set()) from None
            except BaseException:  # Ctrl-C: what is still on its way would be taken for the next answer
                self.close()
                raise
            finally:
                timer.cancel()
            self.words = self._written()
        succeeded, value = answer
        if succeeded:
            result: T = value
            return result
        raise value

    def close(self) -> None:
        """End the child, if there is one; it has nothing to lose."""
        if self._child is not None:
            self._child.kill()
        self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._stderr = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - it lives as long as the child
        # Made by the child where it needs one, and removed by whoever of the two is left.
        self._folder = Path(tempfile.gettempdir(), f"lgbpn-{os.urandom(8).hex()}")
        # Not multiprocessing, which would run the caller's main module again; and -P, or a numpy.py beside the
        # photos would be imported.
        program = f"import gc, sys; gc.disable(); sys.path[:] = {sys.path!r}; "
        program += (
            f"from lgbpn_cli.photos.reading_child import main; gc.enable(); main({str(self._folder)!r})"
        )
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], request: object) -> tuple[bool, Any]:
        if child.stdin is None or child.stdout is None:
            raise EOFError
        pickle.dump(request, child.stdin, protocol=5)
        child.stdin.flush()
        data, pixels, extents = pickle.load(child.stdout)
        if pixels is None:
            answer: tuple[bool, Any] = pickle.loads(data)
            return answer
        path = Path(pixels.format(pid=child.pid))
        with path.open("r+b") as file:
            shared = memoryview(mmap.mmap(file.fileno(), 0))
        child.stdin.write(b"\n")  # the child may let go of it
        child.stdin.flush()
        shared_answer: tuple[bool, Any] = pickle.loads(
            data, buffers=[shared[begin:end] for begin, end in extents]
        )
        return shared_answer

    def _written(self) -> list[str]:
        if self._stderr is None:
            return []
        self._stderr.seek(0)
        text = self._stderr.read(MOST_WORDS_BYTES).decode("utf-8", "replace")
        self._stderr.seek(0)
        self._stderr.truncate()
        return text.splitlines()

    def _failure(self, path: Path, *, timed_out: bool) -> PhotoReadError:
        """Return the error for a child that is gone, and clear it away."""
        words = self._written()
        code = self._end()
        if timed_out:
            cause = f"reading it took longer than {self.time_limit_s:g} s, and was stopped"
            return PhotoReadError(shown(path), cause, "Allow more time, or skip it.")
        if code == -getattr(signal, "SIGKILL", 0) != 0:
            cause = "the system stopped its reader, most likely because memory ran out"
            return PhotoReadError(shown(path), cause, "Close other programs, or skip it.")
        if code > 0:  # as Python ends, not as a crash does
            cause = f"the process that reads photos ended ({one_line(words[-1] if words else f'exit code {code}')})"
            return PhotoReadError(
                shown(path), cause, "Allow it more memory and larger files, or skip the photo."
            )
        how = f"exit code {code}" if code == 0 else _name_of_signal(-code)
        return PhotoReadError(shown(path), f"its decoder crashed ({how}): the file is damaged", DAMAGED_CURE)

    def _end(self) -> int:
        """Return the exit code of the child, which is gone or on its way, and clear away what it needed."""
        child, self._child = self._child, None
        code = 0
        if child is not None:
            with suppress(OSError):
                child.stdin.close()  # type: ignore[union-attr]  # by which it knows
            try:
                code = child.wait(END_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                code = child.wait()
            child.stdout.close()  # type: ignore[union-attr]
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        return code


def _why_not_started(error: OSError) -> str:
    return f"the process for it cannot be started ({one_line(error.strerror or error)})"


def _end_in_time(child: subprocess.Popen[bytes], over: threading.Event) -> None:
    over.set()
    child.kill()


def _name_of_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
