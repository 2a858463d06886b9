"""What belongs to a photo but lies outside its file's contents: XMP sidecars, which are copied before the result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lgbpn_cli.errors import PhotoWriteError, ResultExistsError, shown
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.photos.faults import one_line
from lgbpn_cli.photos.sidecars import is_file, sidecar_for, xmp_sidecars


@contextmanager
def with_companions(source: Path, target: Path) -> Iterator[None]:
    """Copy the photo's sidecars to where its result's belong, before the block writes that result.

    A run that dies in between leaves no result, so the next one does the photo again; the other way round it would
    take the photo for done, and the sidecar would be missing for good. If the block fails, they are removed again.
    Those of a raw file go without its develop history, which is for the pixels of the raw file. A sidecar that lies
    there already, perhaps with later edits, is left alone. Raises PhotoWriteError, and
    PhotoReadError for a sidecar that cannot be read.
    """
    made: list[Path] = []
    try:
        try:
            for old, new in xmp_sidecars(source, target):
                if is_file(old) and not new.exists():
                    xmp = sidecar_for(old, source, target)
                    if xmp is None:
                        continue
                    with replace_file(new) as file:
                        file.write(xmp)
                    made.append(new)
        except OSError as error:
            cause = f"its sidecar cannot be copied ({one_line(error.strerror or error)})"
            raise PhotoWriteError(shown(target), cause, "Free some space, or check the folder.") from error
        yield
    except ResultExistsError:  # its sidecar belongs to it
        raise
    except BaseException:
        for new in made:
            with suppress(OSError):
                new.unlink()
        raise
