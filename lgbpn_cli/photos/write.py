"""A photo file out: `write_photo`."""

from __future__ import annotations

import errno
from pathlib import Path

from lgbpn_cli.errors import PhotoWriteError, ResultExistsError, shown
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.photos.codecs import new_files
from lgbpn_cli.photos.faults import EncodingError, one_line
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.record import Record

CURES = {
    errno.ENOSPC: "Free some space, or choose another folder.",
    errno.EDQUOT: "Free some space, or choose another folder.",
    errno.EACCES: "Choose a folder you may write to.",
    errno.EPERM: "Choose a folder you may write to.",
    errno.EROFS: "Choose a folder you may write to.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}


def write_photo(
    photo: Photo,
    target: Path,
    *,
    record: Record | None = None,
    overwrite: bool = True,
    times: bool = False,
) -> None:
    """Write the photo's pixels to `target`, with all else from the file the photo was read from.

    The type is `photo.format`; `convert.as_result` makes another one of it.

    The file appears whole or not at all; an old one is replaced, missing folders are made. `record` becomes
    the tool's own mark inside the file and replaces an older one; without it a mark of the source stays. With `times`
    it has the times of the source's file when it appears.

    Raises PhotoWriteError; an old target is then as it was and no partial file is left. ResultExistsError is one
    of these: there is a target, and `overwrite` is false.
    """
    write = new_files(photo.format).write
    mark = None if record is None else record.to_mark()
    try:
        status = photo.path.stat() if times else None
        with replace_file(target, overwrite=overwrite, times_of=status) as file:
            write(photo, file, mark)
    except EncodingError as error:
        raise PhotoWriteError(shown(target), error.cause, error.cure) from error
    except MemoryError as error:
        cure = "Close other programs and run again."
        raise PhotoWriteError(shown(target), "there is not enough memory to write it", cure) from error
    except FileExistsError as error:
        cure = "Nothing was changed; `overwrite` replaces it."
        raise ResultExistsError(shown(target), "it is there already", cure) from error
    except OSError as error:
        cause = f"cannot be written ({one_line(error.strerror or error)})"
        cure = CURES.get(error.errno or 0, "Check the folder, or choose another one.")
        raise PhotoWriteError(shown(target), cause, cure) from error
