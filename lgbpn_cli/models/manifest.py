"""The manifest: which models a folder holds, with checksum, data, licence and the command that made each."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from lgbpn_cli.errors import ModelError

MANIFEST_NAME = "manifest.json"
LOCK_NAME = ".manifest.lock"
_CURE_OF_OWN_MANIFEST = (
    "Fix or delete this file: the weight files stay (`model` takes their paths), "
    "and models can be imported again."
)


@dataclass(frozen=True)
class ModelPart:
    """One weight file of a model family."""

    file: str
    """File name, beside the manifest."""
    sha256: str
    """Checksum of the whole file."""


@dataclass(frozen=True)
class ModelEntry:
    """A model family: a teacher (LG-BPN) and, where there is one, a student."""

    name: str
    preset: str
    """Name of the shift preset it is used with unless told otherwise."""
    parts: dict[str, ModelPart]
    """`teacher`, and later `student`."""
    training_data: str = ""
    licence: str = ""
    steps: int = 0
    date: str = ""
    command: str = ""
    """The command that made it."""
    card: str = ""
    """File name of the model card, beside the manifest."""
    cameras: tuple[tuple[str, int], ...] = ()
    """Camera and ISO of the photos that a fine-tuned model learned from."""
    base: str = ""
    """Model whose parts serve where this one has none of its own; empty: there is none."""
    folder: Path = field(default=Path(), compare=False)
    """Where the files lie; not stored."""

    def part_path(self, part: str) -> Path:
        """Return the path of the weight file of `part`; ModelError where the family has none."""
        if part not in self.parts:
            raise ModelError(
                f"model '{self.name}'", f"it has no {part}", f"It has: {', '.join(sorted(self.parts))}."
            )
        return self.folder / self.parts[part].file

    def with_part(self, part: str) -> ModelEntry:
        """Return the entry that has `part`: this one, the shipped one of the same name, or that of its base."""
        if part in self.parts:
            return self
        hidden = read_manifest(shipped_folder()).get(self.name)
        if hidden is not None and part in hidden.parts:
            return hidden
        base = all_models().get(self.base) if self.base != self.name else None
        return self if base is None else replace(base, base="").with_part(part)


def shipped_folder() -> Path:
    """Return the folder of the models that come with the tool, in an installation or in a checkout."""
    # Found, not imported: the folder holds data only, and in a checkout it lies at the top of the project.
    spec = importlib.util.find_spec("lgbpn_cli.weights")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(__file__).resolve().parents[2] / "weights"


def user_folder() -> Path:
    """Return the folder of the user's own models (not created here)."""
    return user_data_path("lgbpn", appauthor=False) / "models"


def read_manifest(folder: Path) -> dict[str, ModelEntry]:
    """Return the models of `folder` by name; none where there is no manifest. ModelError if it is damaged.

    A folder that may not be entered has none: another user's home is one, under sudo and in containers.
    """
    path = folder / MANIFEST_NAME
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises for such folders
        return {}
    with _readable(path) as document:
        entries = [entry_from(fields, folder) for fields in document["models"]]
    return {entry.name: entry for entry in entries}


def noise_estimator_of(folder: Path) -> ModelPart | None:
    """Return the noise estimator that the manifest of `folder` names; ModelError if it cannot be read."""
    with _readable(folder / MANIFEST_NAME) as document:
        named = document.get("noise_estimator")
        return None if named is None else ModelPart(**named)


def shipped_noise_estimator() -> tuple[Path, str]:
    """Return the file of the noise estimator, which serves all models, and its SHA-256.

    Raises ModelError if it is missing or damaged.
    """
    folder = shipped_folder()
    part = noise_estimator_of(folder)
    if part is None:
        raise ModelError(folder / MANIFEST_NAME, "it names no noise estimator", "Install again.")
    check_file("the noise estimator", folder / part.file, part.sha256, cure="Install again.")
    return folder / part.file, part.sha256


def add_noise_estimator(part: ModelPart, folder: Path) -> None:
    """Write into the manifest of `folder` that its noise estimator is `part`."""
    with locked(folder):
        _write_manifest(read_manifest(folder), folder, noise_estimator=asdict(part))


def check_regular(path: Path) -> None:
    """Raise ModelError for what is there but no file: to read from a pipe would wait for its other end for ever."""
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - a name may be longer than a file's
        raise ModelError(path, "it is not a file", "Give the file of a model.")


def check_file(what: str, path: Path, sha256: str, *, cure: str = "Install or import it again.") -> None:
    """Return if the file of `what` is there and has its checksum; ModelError, with that cure, else."""
    if not path.is_file():
        raise ModelError(what, f"its file {path} is missing", cure)
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(
            what, f"{path} cannot be read ({error.strerror})", "Check its permissions."
        ) from error
    if found != sha256:
        raise ModelError(what, f"{path} is damaged (its checksum differs from the manifest's)", cure)


@contextmanager
def _readable(path: Path) -> Iterator[dict[str, Any]]:
    """Give the manifest at `path`; whoever does not find in it what should be there raises ModelError."""
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        shipped = path.parent == shipped_folder()
        words = (str(error).splitlines() or [""])[0][:100]
        raise ModelError(
            path,
            f"the manifest cannot be read ({type(error).__name__}: {words})",
            "Install again." if shipped else _CURE_OF_OWN_MANIFEST,
        ) from error


def entry_from(fields: dict[str, Any], folder: Path) -> ModelEntry:
    """Return the entry with these fields, as JSON has them; TypeError, ValueError or KeyError if one is wrong."""
    parts = {name: ModelPart(**part) for name, part in fields["parts"].items()}
    cameras = tuple(_camera(each) for each in fields.get("cameras", ()))
    entry = ModelEntry(**{**fields, "parts": parts, "cameras": cameras}, folder=folder)
    texts = [
        entry.name,
        entry.preset,
        entry.training_data,
        entry.licence,
        entry.date,
        entry.command,
        entry.card,
        entry.base,
    ]
    for text in texts + [text for part in parts.values() for text in (part.file, part.sha256)]:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is not text")
        text.encode()  # half of a surrogate pair, which JSON can name, could not be written again
    if not isinstance(entry.steps, int):
        raise TypeError(f"{entry.steps!r} is not a number of steps")
    return entry


def _camera(pair: object) -> tuple[str, int]:
    """Return the camera and ISO of `pair`; TypeError if it is none. EXIF has no larger ISO than 32 bits."""
    match pair:
        case [str(camera), int(iso)] if 0 <= iso < 2**32:
            camera.encode()
            return camera, iso
    raise TypeError(f"{pair!r} is not a camera with its ISO")


def add_entry(entry: ModelEntry) -> None:
    """Write `entry` into the manifest of its folder, replacing an entry of the same name."""
    with locked(entry.folder):
        _write_manifest({**read_manifest(entry.folder), entry.name: entry}, entry.folder)


def remove_model(name: str) -> ModelEntry:
    """Remove the user's model `name` with its weight files and card, and return what its entry was.

    Files that another model names, or that lie elsewhere, stay. Raises ModelError for other models, and where a
    file cannot be removed.
    """
    folder = user_folder()
    removed = read_manifest(folder).get(name)
    if removed is None:
        shipped = find_model(name)
        raise ModelError(
            f"model '{shipped.name}'", "it ships with lgbpn", "Only your own models can be removed."
        )
    with locked(folder):
        entries = read_manifest(folder)
        entries.pop(name, None)
        _write_manifest(entries, folder)
        others = {file for entry in entries.values() for file in _files(entry)}
        for file in _files(removed) - others:
            if file == Path(file).name and (folder / file).is_file():
                (folder / file).unlink()
    return removed


def _files(entry: ModelEntry) -> set[str]:
    """Return the names of the weight files and the card of `entry`."""
    return {part.file for part in entry.parts.values()} | ({entry.card} - {""})


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Make `folder`; ModelError where something there cannot be written or removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ModelError(
            error.filename or folder,
            f"cannot be changed ({error.strerror or error})",
            "Check the folder, its space and the length of the name.",
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the manifest of `folder` meanwhile; the one that has it may take it again."""
    # Not at the top: it takes as long to import as all else here, and most commands change nothing.
    from filelock import FileLock

    with changing(folder), FileLock(folder / LOCK_NAME, is_singleton=True):
        yield


def _write_manifest(entries: dict[str, ModelEntry], folder: Path, **others: dict[str, str]) -> None:
    """Make these the models of `folder`, and `others` what else its manifest names; the rest of it stays."""
    models = [asdict(each) for _, each in sorted(entries.items())]
    for model in models:
        del model["folder"]
    path = folder / MANIFEST_NAME
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    text = json.dumps({**document, "models": models, **others}, indent=2, ensure_ascii=False) + "\n"
    handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(part).chmod(0o644)
    Path(part).replace(path)


def all_models() -> dict[str, ModelEntry]:
    """Return every model there is by name; a user's model hides a shipped one of the same name."""
    return {**read_manifest(shipped_folder()), **read_manifest(user_folder())}


def find_model(name: str) -> ModelEntry:
    """Return the model called `name`; ModelError, naming those there are, where there is none."""
    models = all_models()
    if name not in models:
        there = ", ".join(sorted(models)) or "none"
        raise ModelError(
            f"model '{name}'",
            "there is no model with this name",
            f"Models here: {there}.",
        )
    return models[name]


def models_with(sha256: str, part: str) -> list[ModelEntry]:
    """Return the models whose weight file for `part` has this checksum, by what their manifests say."""
    return [
        entry for entry in all_models().values() if part in entry.parts and entry.parts[part].sha256 == sha256
    ]


def model_for_camera(camera: str, iso: int, part: str | None) -> str | None:
    """Return the name of the user's model that learned from this camera, of several the one nearest in ISO.

    `part` is the part that it has to have; None: any. One that learned from camera raw has other parts from its base:
    it is taken for these where there is no other. None is returned for cameras that no model has learned.
    """

    def distance(shot: tuple[str, int]) -> float:
        return abs(math.log2(shot[1] / iso)) if iso > 0 and shot[1] > 0 else math.inf

    candidates = [
        (
            part != "raw" and "raw" in entry.parts,
            min(distance(shot) for shot in entry.cameras if shot[0] == camera),
            name,
        )
        for name, entry in read_manifest(user_folder()).items()
        if any(shot[0] == camera for shot in entry.cameras) and (part is None or part in entry.parts)
    ]
    return min(candidates)[-1] if camera and candidates else None


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of the file at `path`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
