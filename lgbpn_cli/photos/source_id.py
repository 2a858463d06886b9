"""Which photo a result was made of, so that another photo of the same name is not taken for it.

What is written into results are digests: a file name would tell strangers more than its owner means to.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SAMPLE_BYTES = 1 << 16
"""Of a file's beginning, middle and end: as much as tells two photos apart, however large they are."""
DIGEST_LETTERS = 12


@dataclass(frozen=True)
class SourceId:
    """What tells a photo's file from others."""

    name: str
    size: str
    modified_ns: str
    content: str
    shot: str
    """Of the time it was shot; empty where it does not say."""

    def __str__(self) -> str:
        """Return the form that is written into results."""
        return ":".join((self.name, self.size, self.modified_ns, self.content, self.shot))


def source_id_of(path: Path, shot_time: str) -> str:
    """Return what tells the file at `path` from others; `shot_time` is empty where it does not say. Raises OSError."""
    status = path.stat()
    shot = _digest(shot_time.encode()) if shot_time else ""
    return str(
        SourceId(digest_of_name(path), str(status.st_size), str(status.st_mtime_ns), _content(path), shot)
    )


def is_made_of(recorded: str, path: Path, shot_time: Callable[[], str]) -> bool:
    """Return whether a result with this record was made of the photo at `path`; True where that is not known.

    A photo that got other metadata is still the same: its name and `shot_time`, which is asked for only where nothing
    quicker tells, are. One with other contents that does not say when it was shot counts as another. Raises OSError.
    """
    parts = recorded.split(":")
    if len(parts) != 5:
        return True
    known = SourceId(*parts)
    if known.name != digest_of_name(path):
        return False
    status = path.stat()
    if (known.size, known.modified_ns) == (str(status.st_size), str(status.st_mtime_ns)):
        return True
    if known.size == str(status.st_size) and known.content == _content(path):
        return True
    now = shot_time()
    return bool(now) and known.shot == _digest(now.encode())


def recorded_content(recorded: str) -> str:
    """Return what a result's record says of the size and contents of its source; empty where it says nothing."""
    parts = recorded.split(":")
    if len(parts) != 5:
        return ""
    known = SourceId(*parts)
    return f"{known.size}:{known.content}"


def recorded_name(recorded: str) -> str:
    """Return what a result's record says of the name of its source; empty where it says nothing."""
    parts = recorded.split(":")
    return SourceId(*parts).name if len(parts) == 5 else ""


def content_of(path: Path) -> str:
    """Return the same of the file at `path`. Raises OSError."""
    return f"{path.stat().st_size}:{_content(path)}"


def digest_of_name(path: Path) -> str:
    """Return what tells a file's name from others, whatever its case and Unicode form."""
    return _digest(unicodedata.normalize("NFC", path.name).casefold().encode("utf-8", "surrogateescape"))


def _content(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for begin in (0, (size - SAMPLE_BYTES) // 2, size - SAMPLE_BYTES):
            file.seek(max(0, begin))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:DIGEST_LETTERS]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST_LETTERS]
