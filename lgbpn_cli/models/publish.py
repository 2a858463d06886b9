"""The one way by which a network that training made becomes part of a model: weights, card, manifest entry."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from safetensors.torch import save
from torch import Tensor

from lgbpn_cli.config import NetworkConfig, RawConfig, StudentConfig
from lgbpn_cli.errors import ModelError
from lgbpn_cli.models import manifest
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, check_file, file_sha256, locked
from lgbpn_cli.models.names import check_name
from lgbpn_cli.models.weight_file import AdaptedBase, write_weights
from lgbpn_cli.photos.atomic import replace_file

CARD_TEMPLATE = Path(__file__).with_name("card.md")
HEADINGS = {"teacher": "## The teacher", "student": "## The student", "raw": "## The raw network"}
DATA_MARKS = {"teacher": "", "student": "; student: ", "raw": "; raw: "}
"""What the data of each part begin with, where an entry lists those of several."""


@dataclass(frozen=True)
class Publication:
    """One network and what is to be known of it."""

    name: str
    """Of the model that it becomes a part of."""
    part: str
    """teacher, student or raw."""
    weights: dict[str, Tensor]
    shape: NetworkConfig | StudentConfig | RawConfig
    preset: str
    """A teacher's own shift preset; of the other parts that of their teacher."""
    network: str
    """The network in words, for the card."""
    data: str
    """What it learned from."""
    licence: str
    steps: int
    command: str
    """The command that made it."""
    schedule: str = ""
    """What the card says behind the number of steps."""
    details: tuple[str, ...] = ()
    """Further lines of the card; those that begin with blanks belong to the one before."""
    cameras: tuple[tuple[str, int], ...] = ()
    begins_model: bool = False
    """A model of that name in the folder is replaced as a whole; its other parts learned from another teacher."""
    adapts: AdaptedBase | None = None
    """The student that `weights` are an adapter to; None: they are all weights."""
    base: str = ""
    """Model whose parts serve where the new one has none of its own."""


def publish(new: Publication, folder: Path) -> ModelEntry:
    """Return the manifest entry of the model of that name in `folder`, which has the new part and keeps its others.

    A model that ships has its other parts copied beside the new one: an entry hides the shipped one of its name.
    Weights are written first, under a name that no part has; a kill at any moment leaves a whole model.
    Raises ModelError for a name that no model can have, and where the folder cannot be changed.
    """
    check_name(new.name)
    with locked(folder):
        known = manifest.read_manifest(folder).get(new.name)
        kept = None if new.begins_model else known or _shipped_in(folder, new.name, new.part)
        part = _write_part(new, folder, known)
        today = datetime.now(UTC).date().isoformat()
        others = {} if kept is None else {name: each for name, each in kept.parts.items() if name != new.part}
        entry = replace(
            kept or ModelEntry(new.name, new.preset, {}, steps=new.steps, date=today, command=new.command),
            parts={**others, new.part: part},
            training_data=_all_data("" if kept is None else kept.training_data, new, alone=not others),
            licence=new.licence,
            card=f"{new.name}.md",
            cameras=new.cameras or (() if kept is None else kept.cameras),
            base=new.base or ("" if kept is None else kept.base),
            folder=folder,
        )
        if new.part == "teacher":
            entry = replace(entry, preset=new.preset, steps=new.steps, date=today, command=new.command)
        _write_card(entry, new, part, today, anew=new.begins_model)
        add_entry(entry)
        _remove_files(known, entry)
    return entry


def publish_noise_estimator(weights: dict[str, Tensor], notes: dict[str, str], folder: Path) -> Path:
    """Return the new noise estimator's file in `folder`, float16, with `notes` in its header; the manifest names it.

    An older one is removed. Until then it keeps its name, and the new one's has its checksum: a kill at any moment
    leaves a whole one. Raises ModelError where the folder cannot be changed.
    """
    half = {name: value.detach().cpu().half().contiguous() for name, value in weights.items()}
    content = save(half, metadata=notes)
    sha256 = hashlib.sha256(content).hexdigest()
    with locked(folder):
        known = manifest.noise_estimator_of(folder) if (folder / manifest.MANIFEST_NAME).exists() else None
        usual = folder / "noise-estimator.safetensors"
        path = usual.with_stem(f"{usual.stem}-{sha256[:12]}") if usual.exists() else usual
        with replace_file(path) as file:
            file.write(content)
        manifest.add_noise_estimator(ModelPart(path.name, sha256), folder)
        if known is not None and known.file != path.name:
            (folder / Path(known.file).name).unlink(missing_ok=True)
    return path


def check_new_name(name: str) -> None:
    """Return if a user's model can be called `name`; ModelError for unusable names and those of shipped models."""
    check_name(name)
    if name in manifest.read_manifest(manifest.shipped_folder()):
        raise ModelError(
            f"model '{name}'", "a model that ships with lgbpn has this name", "Choose a different name."
        )


def _shipped_in(folder: Path, name: str, part: str) -> ModelEntry | None:
    """Return the entry of the shipped model, its parts but `part` copied into `folder`; None where there is none."""
    shipped = manifest.read_manifest(manifest.shipped_folder()).get(name)
    if shipped is None or folder.resolve() == shipped.folder.resolve():
        return None
    parts = {}
    for other, file in shipped.parts.items():
        if other != part:
            source = shipped.part_path(other)
            check_file(f"model '{name}'", source, file.sha256)
            parts[other] = ModelPart(_free_name(folder, name, other, file.sha256), file.sha256)
            shutil.copyfile(source, folder / parts[other].file)
    return replace(shipped, parts=parts)


def _write_part(new: Publication, folder: Path, known: ModelEntry | None) -> ModelPart:
    """Write the weights beside those of the known model, which stay until the manifest no longer names them."""
    beside = folder / f".{new.name}-{new.part}.new"
    write_weights(beside, new.weights, new.shape, new.preset, adapts=new.adapts)
    sha256 = file_sha256(beside)
    file = _free_name(folder, new.name, new.part, sha256)
    beside.replace(folder / file)
    return ModelPart(file, sha256)


def _free_name(folder: Path, name: str, part: str, sha256: str) -> str:
    """Return the usual name of a weight file, or one with its checksum where that name is another's."""
    stem = name if part == "teacher" else f"{name}-{part}"
    usual = f"{stem}.safetensors"
    named = {
        each.file: each.sha256
        for entry in manifest.read_manifest(folder).values()
        for each in entry.parts.values()
    }
    return usual if named.get(usual, sha256) == sha256 else f"{stem}-{sha256[:12]}.safetensors"


def _remove_files(known: ModelEntry | None, entry: ModelEntry) -> None:
    """Remove the weight files of the model as it was that no model names any more."""
    named = {
        each.file for model in manifest.read_manifest(entry.folder).values() for each in model.parts.values()
    }
    for part in () if known is None else known.parts.values():
        if part.file not in named and part.file == Path(part.file).name:
            (entry.folder / part.file).unlink(missing_ok=True)


def _all_data(known: str, new: Publication, *, alone: bool) -> str:
    """Return what all parts learned from: what is known of the others, and the new part's."""
    if alone:
        return new.data
    pattern = "|".join(re.escape(mark) for mark in DATA_MARKS.values() if mark)
    first, *rest = re.split(f"({pattern})", known)
    data = {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}
    data[DATA_MARKS[new.part]] = new.data
    return "".join(f"{mark}{data[mark]}" for mark in DATA_MARKS.values() if mark in data)


def _write_card(entry: ModelEntry, new: Publication, part: ModelPart, today: str, *, anew: bool) -> None:
    """Put the new part's section into the card, in the place of an older one; the rest of the card stays."""
    path = entry.folder / entry.card
    card = path.read_text(encoding="utf-8") if path.exists() and not anew else f"# {entry.name}\n"
    section = Template(CARD_TEMPLATE.read_text(encoding="utf-8")).substitute(
        heading=HEADINGS[new.part],
        network=new.network,
        command=new.command,
        data=new.data,
        details="".join(f"{line}\n" if line.startswith(" ") else f"- {line}\n" for line in new.details),
        steps=f"{new.steps} {new.schedule}".strip(),
        date=today,
        licence=new.licence,
        sha256=part.sha256,
    )
    heading = re.escape(HEADINGS[new.part])
    before, *after = re.split(rf"^{heading}\n(?:(?!## ).*\n?)*", card, maxsplit=1, flags=re.MULTILINE)
    sections = [before.rstrip(), section.rstrip(), *(text.rstrip() for text in after if text.strip())]
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
