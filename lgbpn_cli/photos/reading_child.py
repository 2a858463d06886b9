"""The child's side of `reading_process`: takes calls from stdin, gives answers to stdout, until stdin ends."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from lgbpn_cli.machine.memory import give_back_freed, share_one_heap

# What a call will need: imported while the parent looks for photos.
from lgbpn_cli.photos import convert, read, record, shot  # noqa: F401

ALIGNED_BYTES = 64
ROOM_BYTES = 256_000_000
"""What allocators set apart without using it: the memory limit leaves so much more."""
STACKS_BYTES = 32_000_000
"""The same of the threads that decoders have for one processor core."""


def main(folder: str) -> None:
    """Answer calls until there are no more; `folder` is the name of one for files, should they be needed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the parent decides when a run ends
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    share_one_heap()
    os.dup2(2, 1)  # whatever a library prints is not an answer
    try:
        _answer_all(calls, answers, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the parent may have been killed


def _answer_all(calls: BinaryIO, answers: BinaryIO, folder: str) -> None:
    while True:
        try:
            function, args, kwargs, max_bytes, time_limit_s = pickle.load(calls)
        except EOFError:
            return
        _limit_memory(max_bytes)
        _limit_time(2 * time_limit_s)
        outcome = _outcome(function, args, kwargs)
        give_back_freed()  # before the answer is copied to where the parent sees it
        _give(outcome, calls, answers, folder)
        del outcome, function, args, kwargs
        give_back_freed()
        _limit_time(0)


def _outcome(function: Any, args: Any, kwargs: Any) -> tuple[bool, Any]:
    try:
        return True, function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - the parent raises it again
        error.add_note(traceback.format_exc())
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001 - some libraries' exceptions cannot be built anew
            return False, RuntimeError(f"{type(error).__name__}: {error}")
        return False, error


def _give(outcome: tuple[bool, Any], calls: BinaryIO, answers: BinaryIO, folder: str) -> None:
    """Write the answer; arrays go into memory that the parent opens, too, and then says so."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(outcome, protocol=5, buffer_callback=buffers.append)
    extents: list[tuple[int, int]] = []
    end = 0
    for buffer in buffers:
        begin = end + -end % ALIGNED_BYTES
        end = begin + buffer.raw().nbytes
        extents.append((begin, end))
    if not end:
        pickle.dump((pickle.dumps(outcome, protocol=5), None, []), answers)
        answers.flush()
        return
    with _shared_file(folder) as file:
        for buffer, (begin, _) in zip(buffers, extents, strict=True):
            file.seek(begin)
            file.write(buffer.raw())
        file.flush()
        pickle.dump((data, file.name if isinstance(file.name, str) else _by_number(file), extents), answers)
        answers.flush()
        calls.read(1)
    # The parent has opened it, so what is in it stays. On Windows only those go that it has let go of since.
    shutil.rmtree(folder, ignore_errors=True)


def _shared_file(folder: str) -> BinaryIO:
    """Return a file in memory where the system has such files, else one on the disk."""
    if hasattr(os, "memfd_create"):  # not /dev/shm, which is tiny in many containers
        descriptor = os.memfd_create("lgbpn")
        if Path(f"/proc/self/fd/{descriptor}").exists():
            return os.fdopen(descriptor, "r+b")
        os.close(descriptor)
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    return Path(name).open("r+b")


def _by_number(file: BinaryIO) -> str:
    return f"/proc/{{pid}}/fd/{file.fileno()}"


def _limit_time(seconds: float) -> None:
    """Let the system end this process then: a parent that was killed cannot, and no decoder can keep it from that."""
    if hasattr(signal, "setitimer"):
        with suppress(ValueError, OverflowError, OSError):  # a limit of years
            signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(max_bytes: int) -> None:
    """Let the system refuse this process more memory than that above what it has; where it can."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    limit = pages * resource.getpagesize() + max_bytes + ROOM_BYTES + (os.cpu_count() or 1) * STACKS_BYTES
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
