"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PART_PREFIX = ".lgbpn-"
PART_SUFFIX = ".part"
THIS_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
"""In the names of files that are being written: whether their writer lives can be asked on its own machine only."""
OLD_S = 24 * 3600.0
"""Nobody writes a photo for so long."""
_swept: set[Path] = set()


@contextmanager
def replace_file(
    target: Path, *, overwrite: bool = True, times_of: os.stat_result | None = None
) -> Iterator[BinaryIO]:
    """Return a new empty file, open for writing, that takes the target's name when the block ends well.

    Missing parent folders are made. When the block raises anything, KeyboardInterrupt included, the new file
    is removed and an old target stays as it was. What writers left that were killed is removed. The file appears with
    the access and modification time of `times_of`, and with the permissions of the target that it replaces.

    Raises OSError; FileExistsError where `overwrite` is false and the target has appeared meanwhile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    descriptor, part = _new_part(target.parent)
    held = os.dup(descriptor)  # its lock lasts until the file has its name
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.name == "nt":  # where no open file gets another name
            os.close(held)
            held = -1
        if overwrite:
            with suppress(OSError):  # there is none, or the file system knows no permissions
                shutil.copymode(target, part)
        if times_of is not None:
            os.utime(part, ns=(times_of.st_atime_ns, times_of.st_mtime_ns))
        if overwrite:
            part.replace(target)
        else:
            _move_to_free_name(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    finally:
        if held >= 0:
            os.close(held)


def _new_part(folder: Path) -> tuple[int, Path]:
    """Return a new file, open and locked, and its path."""
    # Not mkstemp: it makes files of mode 0600, and the umask that says what they should become cannot be
    # asked for without changing it for all threads. Here the system applies it.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        part = folder / f"{PART_PREFIX}{THIS_MACHINE}-{secrets.token_hex(8)}{PART_SUFFIX}"
        descriptor = os.open(part, flags, 0o666)
        _lock(descriptor)
        if os.fstat(descriptor).st_nlink:
            return descriptor, part
        os.close(descriptor)  # swept between these two lines, by another process


def _lock(descriptor: int) -> bool:
    """Return whether the file is locked for this process now; the system unlocks it when that dies."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: Path) -> None:
    """Remove what dead writers left; once a folder, for looking takes long in large ones."""
    if folder in _swept:
        return
    _swept.add(folder)
    remove_dead_parts(folder)


def remove_dead_parts(folder: Path) -> None:
    """Remove what writers left in a folder that are dead, as far as that can be known."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PART_PREFIX) and entry.name.endswith(PART_SUFFIX):
                with suppress(OSError):
                    _remove_if_dead(Path(entry.path))


def _remove_if_dead(part: Path) -> None:
    status = part.lstat()
    if not stat.S_ISREG(status.st_mode):
        return
    if part.name.startswith(f"{PART_PREFIX}{THIS_MACHINE}-") and fcntl is not None:
        descriptor = os.open(part, os.O_RDWR)
        try:
            if _lock(descriptor):
                part.unlink()
        finally:
            os.close(descriptor)
    elif time.time() - status.st_mtime > OLD_S:
        part.unlink()


def _move_to_free_name(part: Path, target: Path) -> None:
    """Give a file another name, unless that is taken."""
    try:
        target.hardlink_to(part)  # the only call that never replaces what another program has just written
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without hard links, such as exFAT
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        part.replace(target)
    else:
        part.unlink()
