"""Which files and folders a search takes by their names: the user's patterns, and folders that no photo is kept in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath

SYSTEM_FOLDERS = frozenset({
    "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "lost+found", "$recycle.bin",
    "system volume information", "__macosx", "@sharebin", "@tmp", "@__thumb", "~snapshot", "recycled", "recycler",
    "network trash folder", "temporary items", "found.000",
})  # fmt: skip
"""Thumbnails, bins and snapshots of Synology and QNAP boxes, NetApp, Windows, Linux and macOS, in small letters."""
SNAPSHOT_BEGIN = "@gmt-"
"""Samba's earlier versions of a folder."""
CATALOGUE_ENDINGS = (
    ".lrdata", ".lrcat-data", ".lrlibrary", ".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary",
    ".cocatalog",
)  # fmt: skip
"""Folders that a photo manager keeps for itself, previews of photos among them."""
NOT_ONLY = "not among the names wanted"
EXCLUDED = "excluded by name"


@dataclass(frozen=True)
class NamePatterns:
    """Patterns of the shell's kind, of which capitals and small letters are alike."""

    only: tuple[str, ...] = ()
    """One of these has to fit, if there are any."""
    exclude: tuple[str, ...] = ()
    """None of these may fit."""

    def reason_against(self, below: PurePath) -> str | None:
        """Return why a file is not taken, None when it is; `below` is its path below the folder searched.

        A pattern is compared with the file's name, with and without ending, and with that path and the folders in it.
        """
        names = _names(below)
        if fits(self.exclude, names):
            return EXCLUDED
        return None if not self.only or fits(self.only, names) else NOT_ONLY

    def excludes_folder(self, below: PurePath) -> bool:
        """Return whether nothing in a folder can be taken, so that it need not be entered."""
        return fits(self.exclude, {below.name, below.as_posix()})


EVERY_NAME = NamePatterns()


def fits(patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Return whether one of the patterns fits one of the names."""
    folded = [name.casefold() for name in names]
    return any(fnmatchcase(name, pattern.casefold()) for pattern in patterns for name in folded)


def is_system_folder(name: str) -> bool:
    """Return whether a folder of this name holds thumbnails, deleted files and the like instead of photos."""
    folded = name.casefold()
    return folded in SYSTEM_FOLDERS or folded.startswith(SNAPSHOT_BEGIN) or folded.endswith(CATALOGUE_ENDINGS)


def _names(below: PurePath) -> set[str]:
    parents = [parent for parent in below.parents if parent.name]
    return {below.name, below.stem, below.as_posix()} | {
        name for parent in parents for name in (parent.name, parent.as_posix())
    }
