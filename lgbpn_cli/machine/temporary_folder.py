"""A folder for files that nobody needs for long; what a program leaves that is killed goes with the next one's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PREFIX = "lgbpn-while-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Return a new empty folder, which is removed when the block ends. Raises OSError."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        lock = _locked(Path(name), wait=True)
        try:
            yield Path(name)
        finally:
            if lock is not None:
                os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's folders that no process holds any more; on Windows, which has no such locks, none."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if not entry.name.startswith(PREFIX) or not entry.is_dir(follow_symlinks=False):
                continue
            lock = _locked(Path(entry.path), wait=False)
            if lock is None:
                continue
            with suppress(OSError):
                # One that has just been made is empty, and its maker waits to lock it.
                if os.fstat(lock).st_uid == os.getuid() and any(Path(entry.path).iterdir()):
                    shutil.rmtree(entry.path, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """Return the open folder, locked until it is closed or its process ends; None where that cannot be."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
