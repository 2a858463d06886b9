"""What models can be called."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from lgbpn_cli.errors import ModelError
from lgbpn_cli.models import manifest
from lgbpn_cli.models.manifest import ModelEntry, ModelPart

DEFAULT_MODEL = "lgbpn-base"
"""The model that is used unless another is named."""
RESERVED_NAMES = ("auto", "scratch")
"""What -m and --from take in place of a name."""
WEIGHT_SUFFIX = ".safetensors"
"""With this at its end, what -m takes is a path."""


GIVE_ANOTHER = "Give it another name."
"""What helps whoever imports a model."""


def check_name(name: str, cure: str = "Choose a different name.") -> None:
    """Return if a model can be called `name` and found again; ModelError with that cure else."""
    subject = f"model '{name}'"
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        hint = cure if cure == GIVE_ANOTHER else "Use letters, digits, '-', '_' and '.'."
        raise ModelError(subject, "it is not a valid model name", hint)
    if name in RESERVED_NAMES:
        raise ModelError(subject, "this name means something else", cure)
    if name.endswith(WEIGHT_SUFFIX):
        raise ModelError(subject, "this name would be taken for a weight file", cure)


def known_model(name: str, parts: dict[str, ModelPart], folder: Path) -> ModelEntry | None:
    """Return the model called `name`, of `folder` or shipped, if it has these weights, whole; None if none has.

    Raises ModelError where another model has the name, or files that would be called alike: it would be lost, or
    a shipped one hidden.
    """
    own = manifest.read_manifest(folder)
    files = {each.file for each in parts.values()}
    for entry in own.values():
        if entry.name != name and files & {each.file for each in entry.parts.values()}:
            raise ModelError(
                f"model '{name}'",
                f"its files would replace those of '{entry.name}'",
                "Choose a different name.",
            )
    known = own.get(name) or manifest.read_manifest(manifest.shipped_folder()).get(name)
    if known is None:
        return None
    if any(
        part not in known.parts or known.parts[part].sha256 != each.sha256 for part, each in parts.items()
    ):
        whose = "another model" if known.folder == folder else "a model that ships with lgbpn"
        raise ModelError(f"model '{name}'", f"{whose} has this name", "Choose a different name.")
    with suppress(ModelError):
        for part in known.parts:
            manifest.check_file(part, known.part_path(part), known.parts[part].sha256)
        return known
    return None
