"""Where reports go: refused before the work begins, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from lgbpn_cli.errors import PhotoWriteError, UsageError
from lgbpn_cli.photos.atomic import replace_file


def check_report_file(option: str, path: Path | None, ending: str) -> None:
    """Raise UsageError where a report cannot be written to `path`, as far as can be seen without trying.

    A file that is there will be replaced, so its name has to have the report's own ending. None is no report.
    """
    if path is None:
        return
    if path.suffix.lower() != ending:
        cause = f"'{path}' does not end in {ending}"
        raise UsageError(option, cause, "Name a file that may be replaced.")
    try:
        cause = _obstacle(path)
    except OSError as error:
        cause = f"{path} cannot be written ({error.strerror})"
    if cause:
        raise UsageError(option, cause, "Name another place.")


def write_report(option: str, path: Path, text: str) -> None:
    """Write the report; PhotoWriteError where that fails, and what was there stays."""
    try:
        with replace_file(path) as file:
            file.write(text.encode("utf-8", "replace"))  # a file's name may be no text at all
    except OSError as error:
        cause = f"{path} cannot be written ({error.strerror})"
        raise PhotoWriteError(option, cause, "Name another place.") from error


def _obstacle(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder"
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{path} would lie below {folder}, which is a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"nothing can be written to {folder}"
    return ""
