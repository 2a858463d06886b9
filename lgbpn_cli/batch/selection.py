"""Which files are to be denoised; everything left out is counted or named."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoError, PhotoReadError, UnsupportedPhotoError, UsageError
from lgbpn_cli.file_names import is_system_folder
from lgbpn_cli.photos.read import is_photo
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES, UNREAD_PICTURES

OTHER_TYPE = "of other file types"
HIDDEN = "hidden"
OWN_RESULT = "made by lgbpn"
LEADS_NOWHERE = "broken links"
UNREAD = "a type that is not read"
EXCLUDED_FOLDER = "not entered (excluded by name)"
SUB_FOLDER = "not entered (sub-folders need -r)"
IN_OUTPUT = "not entered (output folder)"
REPEATED = "given twice"


@dataclass(frozen=True)
class Source:
    """One photo to denoise."""

    path: Path
    """The file, by the name the user knows it."""
    below: Path
    """Its place below the input folder it was found in (a file given by name: the name alone)."""


@dataclass
class Selection:
    """The photos of a run in their order, and what is not among them."""

    sources: list[Source] = field(default_factory=list)
    refused: list[tuple[Path, PhotoError]] = field(default_factory=list)
    """Inputs that cannot be denoised although the user named them, and folders that cannot be read."""
    ignored: Counter[str] = field(default_factory=Counter)
    """How many entries were left out, by reason."""

    def notes(self) -> list[str]:
        """What the user should be told about the choice of files, a line each."""
        lines = []
        if not self.sources and not self.refused:
            lines.append("no photos to denoise were found")
        if self.ignored:
            counts = [f"{number} {reason}" for reason, number in sorted(self.ignored.items())]
            lines.append(f"left out: {', '.join(counts)}")
        return lines


def may_be_input(name: str) -> bool:
    """Return whether this is the name of a photo, there or not, or of anything that is there."""
    return Path(name).suffix.lower() in PHOTO_SUFFIXES or os.path.exists(name)  # noqa: PTH110 - any length


def check_inputs(inputs: Sequence[Path]) -> None:
    """Raise UsageError for an input that is not there; call it before anything is done."""
    for path in inputs:
        try:
            path.stat()
        except FileNotFoundError as error:
            raise UsageError(path, "there is no such file or folder", "Check the spelling.") from error
        except OSError as error:
            raise UsageError(path, f"cannot be reached ({error.strerror})", "Check the path.") from error


def select_sources(
    inputs: Sequence[Path], output: OutputConfig, on_file: Callable[[], None] = lambda: None
) -> Selection:
    """The photos among `inputs`: files in the order given, each folder's own in natural order.

    A file reached twice is taken once. Folders are read with their sub-folders if `output.recursive`. `on_file` is
    called for each file in them: among a million, looking takes minutes.
    """
    selector = _Selector(output, on_file)
    for path in inputs:
        if path.is_dir():
            selector.add_folder(path)
        else:
            selector.add_named_file(path)
    return selector.selection


def natural_key(name: str) -> tuple[list[str | int], str]:
    """A sort key by which IMG_9 comes before IMG_10; the exact name decides between equals."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def comparable_name(path: Path) -> str:
    """The path as a file system that ignores case and Unicode form would compare it."""
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _real(path: Path) -> Path:
    """Return the path without links; unlike Path.resolve it takes those that lead in a circle as they are."""
    return Path(os.path.realpath(path))


class _Selector:
    """Collects a Selection; knows the output folder, the suffix of results, and the files it has seen."""

    def __init__(self, output: OutputConfig, on_file: Callable[[], None]) -> None:
        self.selection = Selection()
        self._on_file = on_file
        self._recursive = output.recursive
        self._suffix = output.suffix
        self._names = output.names
        self._output_folder = None if output.output is None else _real(Path(output.output))
        self._seen: set[tuple[str, int, int]] = set()

    def add_named_file(self, path: Path) -> None:
        """Take a file the user named, or refuse it with the reason."""
        by_name = self._names.reason_against(Path(path.name))
        if by_name is not None:
            self.selection.ignored[by_name] += 1
            return
        reason = self._reason_against(path, named=True)
        if reason is None:
            self._take(Source(path, Path(path.name)))
        else:
            self._refuse(path, reason)

    def add_folder(self, folder: Path) -> None:
        """Take the photos of a folder the user named."""
        for path in self._walk(folder):
            self._on_file()
            below = path.relative_to(folder)
            reason = self._reason_against(path, below)
            if reason is None:
                self._take(Source(path, below))
            elif reason == LEADS_NOWHERE:  # a photo that is missing; all else is left out on purpose
                self._refuse(path, reason)
            else:
                self.selection.ignored[reason] += 1

    def _refuse(self, path: Path, reason: str) -> None:
        causes = {
            HIDDEN: ("is a hidden file", "Rename it if it is a photo."),
            LEADS_NOWHERE: (
                "is a broken link",
                "Connect the disk it points to, or fetch the file.",
            ),
            OWN_RESULT: ("was made by lgbpn and is not denoised again", "Give the original photo."),
        }
        known = f"Known are {', '.join(sorted(PHOTO_SUFFIXES))}."
        other = ("is not a photo of a known type", known)
        self.selection.refused.append((path, UnsupportedPhotoError(path, *causes.get(reason, other))))

    def _walk(self, top: Path) -> Iterator[Path]:
        """All entries that are not folders, a folder's own before those of its sub-folders."""
        waiting = [top]
        entered: set[tuple[int, int]] = set()
        while waiting:
            folder = waiting.pop()
            try:
                status = folder.stat()
                paths = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
                sub_folders = [path for path in paths if path.is_dir()]
                files = [path for path in paths if not path.is_dir()]
            except OSError as error:
                cause = f"the folder cannot be read ({error.strerror})"
                refusal = PhotoReadError(folder, cause, "Check its permissions.")
                self.selection.refused.append((folder, refusal))
                continue
            if (status.st_dev, status.st_ino) in entered:
                continue  # a symbolic link led back to a folder that has been read
            entered.add((status.st_dev, status.st_ino))
            yield from files
            waiting += reversed([path for path in sub_folders if self._enters(path, top)])

    def _enters(self, folder: Path, top: Path) -> bool:
        if folder.name.startswith("."):
            self.selection.ignored[HIDDEN] += 1
        elif self._is_output(folder, top):
            self.selection.ignored[IN_OUTPUT] += 1
        elif is_system_folder(folder.name):
            self.selection.ignored[f"not entered ({folder.name}, a folder of a system or program)"] += 1
        elif not self._recursive:
            self.selection.ignored[SUB_FOLDER] += 1
        elif self._names.excludes_folder(folder.relative_to(top)):
            self.selection.ignored[EXCLUDED_FOLDER] += 1
        else:
            return True
        return False

    def _is_output(self, folder: Path, top: Path) -> bool:
        """Whether a sub-folder of `top` holds results; a `top` in the output folder has no such."""
        output = self._output_folder
        if output is None or _real(top).is_relative_to(output):
            return False
        return _real(folder).is_relative_to(output)

    def _reason_against(self, path: Path, below: Path | None = None, *, named: bool = False) -> str | None:
        """Return why a file is not taken; of one that was named the content decides, not its ending."""
        if path.name.startswith("."):
            return HIDDEN
        ending = path.suffix.lower()
        if ending not in PHOTO_SUFFIXES and not (named and is_photo(path)):
            return f"{UNREAD_PICTURES[ending]} ({UNREAD})" if ending in UNREAD_PICTURES else OTHER_TYPE
        by_name = None if below is None else self._names.reason_against(below)
        if by_name is not None:
            return by_name
        if path.is_symlink() and not path.exists():
            return LEADS_NOWHERE
        if not path.is_file():  # opening a pipe that is called x.jpg would wait for ever
            return OTHER_TYPE
        if self._lies_beside_its_source(path) or read_record(path) is not None:
            return OWN_RESULT
        return None

    def _lies_beside_its_source(self, path: Path) -> bool:
        if not self._suffix or not path.stem.endswith(self._suffix):
            return False
        stem = path.stem.removesuffix(self._suffix)
        if not stem:
            return False
        # A result whose plain name was taken has its source's whole name in front of the suffix.
        names = [stem, *(stem + ending for ending in PHOTO_SUFFIXES)]
        names += [stem + ending.upper() for ending in PHOTO_SUFFIXES]
        return any(path.with_name(name).is_file() for name in names)

    def _take(self, source: Source) -> None:
        try:
            status = source.path.stat()
        except OSError as error:  # it has just vanished
            cause = f"cannot be read ({error.strerror})"
            refusal = PhotoReadError(source.path, cause, "Check its name and permissions.")
            self.selection.refused.append((source.path, refusal))
            return
        # Hard links with different names are different photos to their owner; one name in two cases is not.
        key = (comparable_name(source.path), status.st_dev, status.st_ino)
        if key in self._seen:
            self.selection.ignored[REPEATED] += 1
            return
        self._seen.add(key)
        self.selection.sources.append(source)
