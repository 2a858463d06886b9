"""The tool's own mark inside its results: what made them, and with which settings.

JPEG keeps it in a COM segment, PNG in a tEXt chunk, TIFF in private tag 65207; always as the same JSON text.
Other programs find the same text as an event in the photo's XMP history.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.header import opened_header
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.source_id import recorded_content

PROGRAM = "lgbpn"


@dataclass(frozen=True)
class Record:
    """How a result was made."""

    version: str
    """Version of this program."""
    model: str
    """The model's name."""
    settings: str
    """Canonical JSON text of all settings that decide about the pixels."""
    source: str = ""
    """What tells the photo it was made from from others; see `source_id`."""

    def to_text(self) -> str:
        """Return the record as one line of ASCII."""
        values: dict[str, Any] = {
            name: value for name, value in asdict(self).items() if value or name != "source"
        }
        return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))

    def to_mark(self) -> Mark:
        """Return what is written into a result."""
        return Mark(self.to_text(), f"{PROGRAM} {self.version}", recorded_content(self.source))

    @classmethod
    def from_text(cls, text: str) -> Record | None:
        """Return the record that `to_text` made this text from, or None for any other text."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        values: dict[str, Any] = {
            field.name: found.get(field.name, "" if field.name == "source" else None) for field in fields(cls)
        }
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        return cls(**texts) if len(texts) == len(values) else None


def read_record(path: Path) -> Record | None:
    """Return the record inside a result of this program, or None for every other file, damaged ones included.

    Reads the beginning of the file (the directory, of a TIFF) and no pixels. Never raises.
    """
    try:
        with opened_header(path) as header:
            mark = header.mark
    except (DamagedFileError, UnsupportedFileError, OSError, ValueError, MemoryError):
        return None
    return None if mark is None else Record.from_text(mark)
