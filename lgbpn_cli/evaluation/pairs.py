"""Which noisy photo belongs to which reference: the one of the same stem."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.photo import PHOTO_SUFFIXES


@dataclass(frozen=True)
class PairedFiles:
    """The pairs of two folders, and how many files of each found no partner."""

    pairs: tuple[tuple[Path, Path], ...]
    noisy_alone: int
    reference_alone: int


def pair_files(noisy: Path, reference: Path) -> PairedFiles:
    """Return the pairs of two folders by file stem, sorted, or the one pair of two files.

    Raises UsageError where a path is missing, one is a file and the other a folder, or nothing pairs.
    """
    for path in (noisy, reference):
        if not path.exists():
            raise UsageError(path, "there is no such file or folder", "Check the path.")
    if noisy.is_file() and reference.is_file():
        return PairedFiles(((noisy, reference),), 0, 0)
    if noisy.is_file() or reference.is_file():
        raise UsageError(noisy, "a file cannot be paired with a folder", "Give two files or two folders.")
    left, right = _by_stem(noisy), _by_stem(reference)
    common = sorted(left.keys() & right.keys())
    if not common:
        raise UsageError(noisy, f"no photo there has the name of one in {reference}", "Pairs are found by file name.")
    pairs = tuple((left[stem], right[stem]) for stem in common)
    return PairedFiles(pairs, len(left) - len(common), len(right) - len(common))


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in PHOTO_SUFFIXES}
