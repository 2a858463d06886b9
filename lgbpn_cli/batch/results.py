"""A result and what belongs to it, on their way to the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.errors import PhotoWriteError, shown
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.photos.companions import with_companions
from lgbpn_cli.photos.faults import one_line
from lgbpn_cli.photos.write import write_photo

BACKUP_SUFFIX = ".orig"
"""Added to the whole name: no photo's ending, so that no later run takes a backup for a photo."""


def write_result(denoised: Denoised, target: Path, output: OutputConfig) -> None:
    """Write a result to `target`, and copy what belongs to its photo; raises what `write_photo` raises."""
    record = denoised.record if output.provenance else None
    if output.in_place == "backup":
        keep_original(target)
    with with_companions(denoised.photo.path, target):
        write_photo(
            denoised.photo,
            target,
            record=record,
            overwrite=output.overwrite or bool(output.in_place),
            times=output.preserve_times,
        )


def keep_original(photo: Path) -> None:
    """Copy a photo that is to be replaced beside it, with its times; an older copy, which is the original, stays.

    Raises PhotoWriteError.
    """
    backup = photo.with_name(photo.name + BACKUP_SUFFIX)
    try:
        if backup.exists():
            return
        with photo.open("rb") as source, replace_file(backup, overwrite=False, times_of=photo.stat()) as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        cause = f"its backup {backup} cannot be written ({one_line(error.strerror or error)})"
        raise PhotoWriteError(shown(photo), cause, "Free some space, or omit `backup`.") from error
