"""The photo that a result was made of, found by the digests in the result's record: it names no file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.source_id import content_of, digest_of_name, recorded_content, recorded_name

PhotoState = Literal["same", "changed", "not found", "not recorded"]


@dataclass(frozen=True)
class FoundPhoto:
    """What there is of a result's photo."""

    state: PhotoState
    path: Path | None = None


@dataclass
class _Files:
    """Some files by what tells them apart without being opened."""

    by_size: dict[str, list[Path]] = field(default_factory=dict)
    by_name: dict[str, list[Path]] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterator[Path]) -> _Files:
        files = cls()
        for path in paths:
            with suppress(OSError):
                status = path.stat()
                if stat.S_ISREG(status.st_mode):  # to read from a pipe would wait for ever
                    files.by_size.setdefault(str(status.st_size), []).append(path)
                    files.by_name.setdefault(digest_of_name(path), []).append(path)
        return files


class PhotoSearch:
    """Knows the files of some folders by size and by name; each folder is read once, when it is first needed."""

    def __init__(self, places: Sequence[Path]) -> None:
        """`places` are photos, and folders of them with all below; without any, those round each result are taken."""
        self._given = _Files.of(file for place in places for file in _below(place)) if places else None
        self._near: dict[Path, _Files] = {}

    def find(self, result: Path, source: str) -> FoundPhoto:
        """Return the photo that `source`, of the record in `result`, tells of.

        Of files with its contents the first is taken, whatever its name; `changed` is one that has its name alone.
        """
        content = recorded_content(source)
        if not content:
            return FoundPhoto("not recorded")
        changed = None
        for files in self._files_for(result):
            for path in files.by_size.get(content.partition(":")[0], []):
                with suppress(OSError):
                    if content_of(path) == content and not path.samefile(result):
                        return FoundPhoto("same", path)
            for path in files.by_name.get(recorded_name(source), []):
                # A result often has its photo's name: neither this one nor another is what is looked for.
                if changed is None and read_record(path) is None:
                    changed = path
        return FoundPhoto("not found") if changed is None else FoundPhoto("changed", changed)

    def _files_for(self, result: Path) -> Iterator[_Files]:
        if self._given is not None:
            yield self._given
            return
        own = Path(os.path.realpath(result)).parent
        for folder in dict.fromkeys((own, own.parent)):
            if folder not in self._near:
                self._near[folder] = _Files.of(iter(sorted(_in_folder(folder))))
            yield self._near[folder]


def _in_folder(folder: Path) -> list[Path]:
    """Return what a folder holds; nothing of one that cannot be read."""
    with suppress(OSError):
        return list(folder.iterdir())
    return []


def _below(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
    for folder, _, names in os.walk(place):
        yield from (Path(folder) / name for name in sorted(names))
