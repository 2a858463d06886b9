"""Whether results are what their records say, read top to bottom in `verify_results`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lgbpn_cli.batch.selection import check_inputs, natural_key
from lgbpn_cli.batch.verification.difference import Difference
from lgbpn_cli.batch.verification.find_photo import FoundPhoto, PhotoSearch
from lgbpn_cli.config.file_names import is_system_folder
from lgbpn_cli.denoise.record import facts_in
from lgbpn_cli.errors import DeviceError, LgbpnError, ModelError, unforeseen
from lgbpn_cli.models.manifest import (
    check_file,
    check_regular,
    file_sha256,
    models_with,
    shipped_noise_estimator,
)
from lgbpn_cli.photos.read import is_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES

WeightsState = Literal["same", "missing", "damaged"]
ROUNDING_LEVELS = 1.0
"""Another processor, or another number of cores, may round otherwise: by no more than this it is the same picture."""
NO_RECORD = "it has no record of lgbpn: it is not a result, was made without one, or another program has saved it since"


@dataclass(frozen=True)
class Verified:
    """What is known of one result."""

    result: Path
    record: Record | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """The settings in the record."""
    photo: FoundPhoto | None = None
    weights_state: WeightsState | None = None
    weights: str = ""
    """What `load_model` takes for them, where they are here."""
    again: Difference | None = None
    """By how much it differs from what is made of the same photo with the same weights now."""
    problems: tuple[str, ...] = ()
    """What speaks against it or could not be verified, each with what to do."""

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems

    def document(self) -> dict[str, object]:
        """Return all of it as JSON takes it."""
        record, photo = self.record, self.photo
        return {
            "result": str(self.result),
            "good": self.is_good,
            "version": None if record is None else record.version,
            "model": None if record is None else record.model,
            "settings": self.facts,
            "photo": None if photo is None or photo.path is None else str(photo.path),
            "photo_state": None if photo is None else photo.state,
            "weights_state": self.weights_state,
            "again": None if self.again is None else asdict(self.again),
            "problems": list(self.problems),
        }


def results_among(inputs: Sequence[Path], *, recursive: bool) -> tuple[list[Path], int]:
    """Return the files that were named, and the results in the folders; and how many photos there are no results.

    Raises UsageError for an input that is not there.
    """
    check_inputs(inputs)
    found: list[Path] = []
    others = 0
    for path in inputs:
        if not path.is_dir():
            found.append(path)
            continue
        for file in _photos_in(path, recursive=recursive):
            if read_record(file) is None:
                others += 1
            else:
                found.append(file)
    return list(dict.fromkeys(found)), others


def verify_results(
    results: Sequence[Path],
    photos: Sequence[Path] = (),
    *,
    weights: Path | None = None,
    again: bool = False,
    device: str = "auto",
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Verified]:
    """Give what is known of each result, in turn; with `again` it is made anew and compared.

    `photos` are where their photos are looked for: files, and folders with all below; else round each result.
    `weights` is a weight file that no manifest names. Raises UsageError or ModelError for a call that cannot work.
    """
    check_inputs(photos)
    named = None if weights is None else (_checksum(weights), weights)
    search = PhotoSearch(photos)
    with ReadingProcess() as reading:
        for done, path in enumerate(results):
            on_step(done, len(results))
            verified = _verified(path, search, named)
            if again and verified.weights and verified.photo is not None and verified.photo.state == "same":
                verified = _compared(verified, reading, device)
            yield verified


def _verified(path: Path, search: PhotoSearch, named: tuple[str, Path] | None) -> Verified:
    """Return what the record of a result says, and whether its photo and weights are here."""
    record = read_record(path)
    if record is None:
        what = NO_RECORD if is_photo(path) else "it is not a photo that can be read"
        return Verified(path, problems=(f"{what}. Give a result of lgbpn.",))
    try:
        facts = facts_in(record)
        part, checksum = str(facts["part"]), str(facts["model_sha256"])
    except (ValueError, TypeError, KeyError, RecursionError):
        problem = f"its record, of version {record.version}, cannot be read. Denoise its photo again."
        return Verified(path, record, problems=(problem,))
    photo = search.find(path, record.source)
    state, weights, problem = _weights(record.model, part, checksum, named)
    problems = [*_photo_problems(photo), *([problem] if problem else []), *_estimator_problems(facts)]
    return Verified(path, record, facts, photo, state, weights, problems=tuple(problems))


def _photo_problems(photo: FoundPhoto) -> Iterator[str]:
    if photo.state == "not recorded":
        yield "its record does not say which photo it was made from. Denoise its photo again."
    elif photo.state == "not found":
        yield "its photo is not found. Say where it is with `photos`."
    elif photo.state == "changed":
        yield (
            f"{photo.path} has the name of its photo and other contents: changed since, or another one. "
            "Say where the photo is with `photos`, or denoise it again."
        )


def _weights(
    name: str, part: str, checksum: str, named: tuple[str, Path] | None
) -> tuple[WeightsState, str, str]:
    """Return whether the weights of a result are here, what `load_model` takes for them, and what is wrong."""
    if named is not None and named[0] == checksum:
        return "same", str(named[1]), ""
    entries = sorted(models_with(checksum, part), key=lambda entry: entry.name != name)
    for entry in entries:
        try:
            check_file(f"{part} of model '{entry.name}'", entry.part_path(part), checksum)
        except ModelError as error:
            return "damaged", "", str(error)
        return "same", entry.name, ""
    cause = f"the weights of its model '{name}' ({part}, {checksum[:12]}) are not here, or have changed"
    return "missing", "", f"{cause}. Import them, or give their file with `model`."


def _estimator_problems(facts: dict[str, Any]) -> Iterator[str]:
    """Give what is wrong where the noise was measured with another noise estimator than the one here."""
    wanted = facts.get("noise_estimator_sha256")
    if wanted is not None and shipped_noise_estimator()[1] != wanted:
        yield "its noise was measured with another noise estimator. Use the version of lgbpn that made it."


def _compared(verified: Verified, reading: ReadingProcess, device: str) -> Verified:
    """Return the same with what making it anew led to."""
    from lgbpn_cli.batch.verification.again import made_again

    record, photo = verified.record, verified.photo
    if record is None or photo is None or photo.path is None:
        raise RuntimeError("there is nothing to make it from")
    try:
        found = made_again(
            verified.result, record, verified.facts, photo.path, verified.weights, reading, device
        )
    except DeviceError:
        raise
    except LgbpnError as error:
        return replace(verified, problems=(*verified.problems, f"it cannot be made again: {error}"))
    except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
        problem = f"it cannot be made again: {unforeseen(photo.path, error)}"
        return replace(verified, problems=(*verified.problems, problem))
    if found is None:
        problem = "made again, it has another size: it was changed since. Denoise its photo again."
        return replace(verified, problems=(*verified.problems, problem))
    if found.largest_levels > ROUNDING_LEVELS:
        problem = (
            f"made again, it differs by up to {found.largest_levels:.3g} of 255, in the mean by "
            f"{found.mean_levels:.2g}. It was changed since, or made by another version or on another device."
        )
        return replace(verified, again=found, problems=(*verified.problems, problem))
    return replace(verified, again=found)


def _photos_in(folder: Path, *, recursive: bool) -> Iterator[Path]:
    """Give the photos of a folder in natural order; of those below it, too, but for what systems keep there."""
    for entry in sorted(folder.iterdir(), key=lambda path: natural_key(path.name)):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if recursive and not entry.is_symlink() and not is_system_folder(entry.name):
                yield from _photos_in(entry, recursive=True)
        elif entry.suffix.lower() in PHOTO_SUFFIXES and entry.is_file():
            yield entry


def _checksum(weights: Path) -> str:
    check_inputs([weights])
    check_regular(weights)
    return file_sha256(weights)
