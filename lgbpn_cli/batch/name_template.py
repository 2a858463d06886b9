"""Names of results from a template, such as `{date}/{stem}_{iso}_dn.{ext}`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from string import Formatter

from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.shot import Shot

FIELDS = ("stem", "ext", "folder", "date", "iso", "camera", "counter")
OF_SHOT = {"date", "iso", "camera"}
"""Fields that the photo's header has to be read for."""
UNKNOWN = "unknown"
COUNTER_DIGITS = 4
UNKNOWN_SHOT = Shot()


@dataclass(frozen=True)
class ShotFacts:
    """What a photo's header says of how it was shot."""

    shot: Shot = UNKNOWN_SHOT
    time: str = ""
    """As EXIF has it: 2026:11:30 12:00:00; empty where it is not known."""


ReadFacts = Callable[[Path], ShotFacts]


def check_template(template: str) -> None:
    """Raise UsageError for a template that names no file below a folder."""
    subject = f"`name_template` {template}"
    try:
        fields = fields_of(template)
    except ValueError as error:
        raise UsageError(
            subject, f"is not a template ({error})", "Use {stem}_dn.{ext}, for instance."
        ) from error
    if unknown := fields - set(FIELDS):
        known = ", ".join(f"{{{field}}}" for field in (*FIELDS, "model"))
        raise UsageError(subject, f"has an unknown field {{{min(unknown)}}}", f"Known are {known}.")
    if not fields & {"stem", "counter"}:
        cause = "gives all photos of a folder one name"
        raise UsageError(subject, cause, "Put {stem} or {counter} into it.")
    path = PurePosixPath(template.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise UsageError(
            subject, "leads out of the folder of the results", "Use `output` for another folder."
        )


def with_model(template: str, model: str) -> str:
    """Return the template with the name of a run's model, or of its file, in the place of {model}."""
    return template.replace("{model}", _as_part(Path(model).stem))


def fields_of(template: str) -> set[str]:
    """Return the fields that a template names. Raises ValueError for braces that do not match and for conversions."""
    found = set()
    for _, field, format_, conversion in Formatter().parse(template):
        if field is None:
            continue
        if format_ or conversion:
            raise ValueError(f"{{{field}}} takes no format")
        found.add(field)
    return found


def filled(template: str, photo: Path, ending: str, number: int, facts: ShotFacts) -> Path:
    """Return the relative path that a template gives for a photo whose result ends in `ending`, such as .jpg.

    What is not known is called unknown. Nothing that a photo says of itself can name another folder.
    """
    values = {
        "stem": photo.stem,
        "ext": ending.removeprefix("."),
        "folder": photo.absolute().parent.name or UNKNOWN,
        "date": "-".join(facts.time[:10].split(":")) if re.match(r"\d{4}:\d\d:\d\d", facts.time) else UNKNOWN,
        "iso": str(facts.shot.iso or UNKNOWN),
        "camera": facts.shot.camera or UNKNOWN,
        "counter": f"{number:0{COUNTER_DIGITS}d}",
    }
    path = Path(template.format(**{field: _as_part(value) for field, value in values.items()}))
    return path if "ext" in fields_of(template) else path.with_name(path.name + ending)


def _as_part(text: str) -> str:
    """Return a text as part of a file name on any system; other signs than those become a hyphen."""
    kept = "".join("-" if sign in '/\\:*?"<>|' or not sign.isprintable() else sign for sign in text)
    return kept.strip() if kept.strip(" .") else UNKNOWN
