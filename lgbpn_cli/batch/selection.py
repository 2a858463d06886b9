"""Which files are to be denoised; everything left out is counted or named."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.config.file_names import is_system_folder
from lgbpn_cli.errors import PhotoError, PhotoReadError, UnsupportedPhotoError, UsageError
from lgbpn_cli.photos.read import is_photo
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES, UNREAD_PICTURES

OTHER_TYPE = "of other file types"
HIDDEN = "hidden"
OWN_RESULT = "made by lgbpn"
LEADS_NOWHERE = "broken links"
NO_FILE = "not files but pipes or devices"
UNREAD = "a type that is not read"
EXCLUDED_FOLDER = "not entered (excluded by name)"
SUB_FOLDER = "not entered (sub-folders need `recursive`)"
IN_OUTPUT = "not entered (output folder)"
REPEATED = "given twice"
REPEATED_FOLDER = "not entered (links to folders that were)"
STEP_FILES = 1000
"""A large folder is looked through in steps of so many files, and a few more where they share a name."""


@dataclass(frozen=True)
class Source:
    """One photo to denoise."""

    path: Path
    """The file, by the name the user knows it."""
    below: Path
    """Its place below the input folder it was found in (a file given by name: the name alone)."""
    size_bytes: int = field(default=0, compare=False)
    identity: tuple[int, int] | None = field(default=None, compare=False)
    """What the disk knows the file by, where it was asked already."""


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
        return notes_on_choice(len(self.sources) + len(self.refused), self.ignored)


def notes_on_choice(found: int, ignored: Counter[str]) -> list[str]:
    """What the user should be told where so many photos were found and these entries were left out, a line each."""
    lines = [] if found else ["no photos to denoise were found"]
    if ignored:
        counts = [f"{number} {reason}" for reason, number in sorted(ignored.items())]
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
    selection = Selection()
    for step in select_in_steps(inputs, output, on_file):
        selection.sources += step.sources
        selection.refused += step.refused
        selection.ignored += step.ignored
    return selection


def select_in_steps(
    inputs: Sequence[Path], output: OutputConfig, on_file: Callable[[], None] = lambda: None
) -> Iterator[Selection]:
    """Return what `select_sources` does, a folder or a part of one at a time, as the disk is read.

    Files of a folder whose names are the same up to the first dot are in one step.
    """
    selector = _Selector(output, on_file)
    for path in inputs:
        if path.is_dir():
            yield from selector.add_folder(path)
        else:
            selector.add_named_file(path)
    yield selector.take_step()


def natural_key(name: str) -> tuple[str, str]:
    """A sort key by which IMG_9 comes before IMG_10; the exact name decides between equals."""
    return re.sub("[0-9]+", _number_key, name.casefold()), name


def _number_key(digits: re.Match[str]) -> str:
    """A text that sorts as the number does, and before all letters: how many digits it has, and these."""
    number = digits.group().lstrip("0")
    return f"\0{chr(len(number))}{number}"


def comparable_name(path: Path) -> str:
    """The path as a file system that ignores case and Unicode form would compare it."""
    return _folded(os.path.realpath(path))


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


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
        self._seen: set[int] = set()

    def take_step(self) -> Selection:
        """Return what was found since the last call."""
        step, self.selection = self.selection, Selection()
        return step

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

    def add_folder(self, folder: Path) -> Iterator[Selection]:
        """Take the photos of a folder the user named; give what was found step by step."""
        for real_folder, entries in self._walk(folder):
            for entry in entries:
                self._on_file()
                path = Path(entry.path)
                below = path.relative_to(folder)
                reason = self._reason_against(path, below, entry)
                if reason is None:
                    self._take(Source(path, below), entry, real_folder)
                elif reason == LEADS_NOWHERE:  # a photo that is missing; all else is left out on purpose
                    self._refuse(path, reason)
                else:
                    self.selection.ignored[reason] += 1
            yield self.take_step()

    def _refuse(self, path: Path, reason: str) -> None:
        causes = {
            HIDDEN: ("is a hidden file", "Rename it if it is a photo."),
            LEADS_NOWHERE: (
                "is a broken link",
                "Connect the disk it points to, or fetch the file.",
            ),
            NO_FILE: ("is not a regular file", "Give the file of a photo."),
            OWN_RESULT: ("was made by lgbpn and is not denoised again", "Give the original photo."),
        }
        known = f"Known are {', '.join(sorted(PHOTO_SUFFIXES))}."
        other = ("is not a photo of a known type", known)
        self.selection.refused.append((path, UnsupportedPhotoError(path, *causes.get(reason, other))))

    def _walk(self, top: Path) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """All entries that are not folders, a folder's own before those of its sub-folders, with its real path."""
        waiting = [top]
        entered: set[tuple[int, int]] = set()
        while waiting:
            folder = waiting.pop()
            sub_folders: list[os.DirEntry[str]] = []
            files: list[os.DirEntry[str]] = []
            try:
                status = folder.stat()
                with os.scandir(folder) as entries:  # which knows a folder from a file without asking again
                    for entry in entries:
                        (sub_folders if _is_folder(entry) else files).append(entry)
            except OSError as error:
                cause = f"the folder cannot be read ({error.strerror})"
                refusal = PhotoReadError(folder, cause, "Check its permissions.")
                self.selection.refused.append((folder, refusal))
                continue
            if (status.st_dev, status.st_ino) in entered:
                self.selection.ignored[REPEATED_FOLDER] += 1  # a link led to a folder that has been read
                continue
            entered.add((status.st_dev, status.st_ino))
            real_folder = os.path.realpath(folder)
            for step in _steps(files):
                yield real_folder, step
            sub_folders.sort(key=lambda entry: natural_key(entry.name), reverse=True)
            waiting += [path for path in map(Path, sub_folders) if self._enters(path, top)]

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

    def _reason_against(
        self,
        path: Path,
        below: Path | None = None,
        entry: os.DirEntry[str] | None = None,
        *,
        named: bool = False,
    ) -> str | None:
        """Return why a file is not taken; of one that was named the content decides, not its ending.

        `entry` is what its folder says of it.
        """
        if path.name.startswith("."):
            return HIDDEN
        ending = path.suffix.lower()
        if ending not in PHOTO_SUFFIXES and not (named and is_photo(path)):
            return f"{UNREAD_PICTURES[ending]} ({UNREAD})" if ending in UNREAD_PICTURES else OTHER_TYPE
        by_name = None if below is None else self._names.reason_against(below)
        if by_name is not None:
            return by_name
        if (entry or path).is_symlink() and not path.exists():
            return LEADS_NOWHERE
        if not (entry or path).is_file():  # opening a pipe that is called x.jpg would wait for ever
            return NO_FILE
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

    def _take(
        self, source: Source, entry: os.DirEntry[str] | None = None, real_folder: str | None = None
    ) -> None:
        try:
            status = (entry or source.path).stat()
        except OSError as error:  # it has just vanished
            cause = f"cannot be read ({error.strerror})"
            refusal = PhotoReadError(source.path, cause, "Check its name and permissions.")
            self.selection.refused.append((source.path, refusal))
            return
        if entry is None or real_folder is None or entry.is_symlink():
            name = comparable_name(source.path)
        else:
            name = _folded(os.path.join(real_folder, entry.name))  # noqa: PTH118 - a million of them
        # Hard links with different names are different photos to their owner; one name in two cases is not.
        key = hash((name, status.st_dev, status.st_ino))
        if key in self._seen:
            self.selection.ignored[REPEATED] += 1
            return
        self._seen.add(key)
        identity = (status.st_dev, status.st_ino)
        self.selection.sources.append(replace(source, size_bytes=status.st_size, identity=identity))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _steps(files: list[os.DirEntry[str]]) -> Iterator[list[os.DirEntry[str]]]:
    """Cut a folder's files, in their order, where the names up to the first dot differ: these may share a target.

    `files` is emptied on the way: an entry keeps what the disk said of it, which is a kilobyte.
    """
    files.sort(key=lambda entry: natural_key(entry.name), reverse=True)
    files.sort(key=lambda entry: natural_key(_base(entry.name)), reverse=True)
    step: list[os.DirEntry[str]] = []
    while files:
        if len(step) >= STEP_FILES and _base(step[-1].name) != _base(files[-1].name):
            yield step
            step = []
        step.append(files.pop())
    yield step


def _base(name: str) -> str:
    return unicodedata.normalize("NFC", name.partition(".")[0]).casefold()
