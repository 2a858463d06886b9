"""One file for one model: a zip of its weight files, its card and its manifest entry, to pass on."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lgbpn_cli.config import PRESETS
from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.manifest import (
    ModelEntry,
    ModelPart,
    add_entry,
    changing,
    check_file,
    check_regular,
    entry_from,
    locked,
)
from lgbpn_cli.models.names import GIVE_ANOTHER, check_name, known_model
from lgbpn_cli.models.weight_file import read_weights

SUFFIX = ".lgbpn"
ENTRY_NAME = "model.json"
LARGEST_MEMBER_BYTES = 2**30
"""Above any model's weights, below what fills a disk."""
LARGEST_TEXT_BYTES = 1 << 20
"""Of an entry or a card."""
LARGEST_EXPANSION = 1032
"""The most bytes that one deflated byte can become."""
PIECE_BYTES = 1 << 16
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)
"""What reading raises for a zip or an entry that is not as it was written."""


def export_model(entry: ModelEntry, target: Path, *, overwrite: bool = False) -> None:
    """Write the model of `entry` to `target`; ModelError where it cannot, is there already, or the model is damaged."""
    verify_model(entry)
    if target.exists() and not overwrite:
        raise ModelError(target, "it is there already", "Give another name, or `overwrite`.")
    document = asdict(entry)
    del document["folder"]
    part = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
        part = Path(name)
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(ENTRY_NAME, json.dumps(document, indent=2, ensure_ascii=False))
            for each in entry.parts.values():
                archive.write(entry.folder / each.file, each.file)
            card = entry.folder / entry.card
            if entry.card and card.is_file():
                archive.write(card, entry.card)
        part.chmod(0o644)
        part.replace(target)
    except OSError as error:
        raise ModelError(
            target, f"cannot be written ({error.strerror})", "Check the folder and its space."
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def import_portable(file: Path, *, folder: Path, name: str | None = None) -> ModelEntry:
    """Unpack a model that `export_model` wrote into `folder`, under `name` or its own, and return its entry.

    The same model again is a success. Raises ModelError for other files, and for a name that is taken by another.
    """
    check_regular(file)
    with changing(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".import-") as temporary:
        found = _unpack(file, Path(temporary))
        verify_model(found)
        name = name or found.name
        check_name(name, GIVE_ANOTHER)
        with locked(folder):
            return _added(found, name, folder)


def _added(found: ModelEntry, name: str, folder: Path) -> ModelEntry:
    """Move the files of `found` into `folder` and return its entry there."""
    parts = {part: ModelPart(f"{name}-{part}.safetensors", old.sha256) for part, old in found.parts.items()}
    known = known_model(name, parts, folder)
    if known is not None:
        return known
    card = f"{name}.md" if found.card else ""
    for part, new in parts.items():
        (found.folder / found.parts[part].file).replace(folder / new.file)
    if card:
        (found.folder / found.card).replace(folder / card)
    entry = replace(found, name=name, parts=parts, card=card, folder=folder)
    add_entry(entry)
    return entry


def verify_model(entry: ModelEntry) -> None:
    """Return if every weight file of `entry` is there, has its checksum and can be read; ModelError else."""
    for part, each in entry.parts.items():
        path = entry.folder / each.file
        check_file(f"{part} of model '{entry.name}'", path, each.sha256)
        read_weights(path)


def _unpack(file: Path, folder: Path) -> ModelEntry:
    """Return the entry in `file`, its files now in `folder`; only the members that it names are taken."""
    try:
        with zipfile.ZipFile(file) as archive:
            _copy_member(archive, ENTRY_NAME, folder, LARGEST_TEXT_BYTES)
            entry = _entry(json.loads((folder / ENTRY_NAME).read_text(encoding="utf-8")), folder)
            for part in entry.parts.values():
                _copy_member(archive, part.file, folder, LARGEST_MEMBER_BYTES)
            card = entry.card in archive.namelist()
            if card:
                _copy_member(archive, entry.card, folder, LARGEST_TEXT_BYTES)
    except OSError as error:
        raise ModelError(file, f"cannot be read ({error.strerror})", "Check the path.") from error
    except _DAMAGE as error:
        raise ModelError(
            file, "not a model that lgbpn exported, or damaged", "Export it again with lgbpn models export."
        ) from error
    except RuntimeError as error:  # NotImplementedError is one, too
        raise ModelError(
            file,
            "has a password, or is packed in a way that lgbpn cannot read",
            "Export it again with lgbpn models export.",
        ) from error
    return entry if card else replace(entry, card="")


def _entry(document: dict[str, Any], folder: Path) -> ModelEntry:
    """Return the entry that `document` describes.

    Raises ValueError where it names no weights, or files elsewhere; ModelError where a newer version may know
    more.
    """
    entry = entry_from(document, folder)
    if not entry.parts or not set(entry.parts) <= {"teacher", "student", "raw"}:
        raise ValueError("it has no weights, or of an unknown kind")
    if entry.preset not in PRESETS:
        raise ModelError(f"model {entry.name!r}", f"its preset {entry.preset!r} is unknown", "Update lgbpn.")
    files = [each.file for each in entry.parts.values()] + [entry.card] * bool(entry.card)
    if len(set(files)) < len(files):
        raise ValueError("it names a file twice")
    for name in files:
        if Path(name).name != name or name in ("", ".."):
            raise ValueError(f"a file is called {name!r}")
    return entry


def _copy_member(archive: zipfile.ZipFile, name: str, folder: Path, largest_bytes: int) -> None:
    """Unpack a member into `folder` piece by piece: what it says about its size is not believed."""
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError(f"{name} is packed in another way")
    if member.file_size > min(largest_bytes, LARGEST_EXPANSION * member.compress_size):
        raise ValueError(f"{name} is too large")
    with archive.open(member) as packed, (folder / name).open("wb") as file:
        shutil.copyfileobj(packed, file, PIECE_BYTES)
