"""A result and what belongs to it, on their way to the disk."""

from __future__ import annotations

import filecmp
import shutil
from itertools import count
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.errors import PhotoWriteError, shown
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.photos.companions import with_companions
from lgbpn_cli.photos.faults import one_line
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.source_id import recorded_content
from lgbpn_cli.photos.write import write_photo

BACKUP_SUFFIX = ".orig"
"""Added to the whole name: no photo's ending, so that no later run takes a backup for a photo."""


def write_result(denoised: Denoised, target: Path, output: OutputConfig) -> None:
    """Write a result to `target`, and copy what belongs to its photo; raises what `write_photo` raises."""
    record = denoised.record if output.provenance else None
    if denoised.full is not None:  # before the result, which says that the photo is done
        _keep_full(denoised.full, target, output)
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


def _keep_full(full: Denoised, target: Path, output: OutputConfig) -> None:
    """Write a photo's result at full strength where its other result would lie, below the folder for those.

    One that is there already stays; raises PhotoWriteError where it was made otherwise and is not to be replaced.
    """
    folder, own = Path(output.full_folder or ""), Path(output.output or "")
    is_inside = bool(output.output) and target != own and target.is_relative_to(own)
    below = target.relative_to(own) if is_inside else Path(target.name)
    content = recorded_content(full.record.source)
    for number in count(1):  # without a folder of results, two of them may have one name
        place = folder / (below if number == 1 else below.with_name(f"{below.stem}-{number}{below.suffix}"))
        old = read_record(place)
        if place.exists() and (old is None or recorded_content(old.source) != content):
            continue
        if old is None or output.overwrite:
            write_photo(full.photo, place, record=full.record)
        elif (old.model, old.settings) != (full.record.model, full.record.settings):
            cause = f"{place} is a result of it made with other settings"
            raise PhotoWriteError(
                shown(full.photo.path), cause, "Add `overwrite`, or give another `full_folder`."
            )
        return
    raise RuntimeError("an endless series of names came to its end")


def keep_original(photo: Path) -> None:
    """Copy a photo that is to be replaced beside it, with its times, unless that was done already.

    Older copies of other content stay as they are, and it gets the next free name. Raises PhotoWriteError.
    """
    backup = photo.with_name(photo.name + BACKUP_SUFFIX)
    try:
        for number in count(2):
            if not backup.exists():
                break
            if filecmp.cmp(photo, backup, shallow=False):
                return
            backup = photo.with_name(f"{photo.name}{BACKUP_SUFFIX}-{number}")
        with photo.open("rb") as source, replace_file(backup, overwrite=False, times_of=photo.stat()) as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        cause = f"its backup {backup} cannot be written ({one_line(error.strerror or error)})"
        raise PhotoWriteError(shown(photo), cause, "Free some space, or omit `backup`.") from error
