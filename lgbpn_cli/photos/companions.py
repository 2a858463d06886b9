"""What belongs to a photo but lies outside its file's contents: XMP sidecars and times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lgbpn_cli.errors import PhotoWriteError, shown
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.photos.faults import one_line

SIDECAR_SUFFIXES = (".xmp", ".XMP")


def copy_companions(source: Path, target: Path, *, times: bool) -> None:
    """Copy the photo's sidecars to its result, by the result's name, and its times if asked for.

    A sidecar that lies there already, perhaps with later edits, is left alone. Raises PhotoWriteError.
    """
    try:
        for old, new in _sidecars(source, target):
            if _is_file(old) and not new.exists():
                with replace_file(new) as file:
                    file.write(old.read_bytes())
        if times:
            status = source.stat()
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        cause = f"it is written, but its sidecar or times are not ({one_line(error.strerror or error)})"
        raise PhotoWriteError(shown(target), cause, "Copy them yourself.") from error


def _is_file(path: Path) -> bool:
    with suppress(OSError):  # with the suffix, a name can be too long for the file system
        return path.is_file()
    return False


def _sidecars(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Return pairs of paths, by both customs: IMG_1.xmp and IMG_1.NEF.xmp."""
    for suffix in SIDECAR_SUFFIXES:
        yield source.with_name(source.stem + suffix), target.with_name(target.stem + suffix)
        yield source.with_name(source.name + suffix), target.with_name(target.name + suffix)
