"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PART_PREFIX = ".lgbpn-"
PART_SUFFIX = ".part"


@contextmanager
def replace_file(target: Path, *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Return a new empty file, open for writing, that takes the target's name when the block ends well.

    Missing parent folders are made. When the block raises anything, KeyboardInterrupt included, the new file
    is removed and an old target stays as it was. After kill -9 a `.lgbpn-*.part` file may be left.

    Raises OSError; FileExistsError where `overwrite` is false and the target has appeared meanwhile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not mkstemp: it makes files of mode 0600, and the umask that says what they should become cannot be
    # asked for without changing it for all threads. Here the system applies it.
    part = target.parent / f"{PART_PREFIX}{secrets.token_hex(8)}{PART_SUFFIX}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(part, flags, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            part.replace(target)
        else:
            _move_to_free_name(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


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
