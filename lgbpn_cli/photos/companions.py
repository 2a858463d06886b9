"""What belongs to a photo but lies outside its file: XMP sidecars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lgbpn_cli.errors import PhotoWriteError, ResultExistsError, shown
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.photos.faults import one_line

SIDECAR_SUFFIXES = (".xmp", ".XMP")


@contextmanager
def with_companions(source: Path, target: Path) -> Iterator[None]:
    """Copy the photo's sidecars to where its result's belong, before the block writes that result.

    A run that dies in between leaves no result, so the next one does the photo again; the other way round it would
    take the photo for done, and the sidecar would be missing for good. If the block fails, they are removed again.
    A sidecar that lies there already, perhaps with later edits, is left alone. Raises PhotoWriteError.
    """
    made: list[Path] = []
    try:
        try:
            for old, new in _sidecars(source, target):
                if _is_file(old) and not new.exists():
                    with replace_file(new) as file:
                        file.write(old.read_bytes())
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


def _is_file(path: Path) -> bool:
    with suppress(OSError):  # with the suffix, a name can be too long for the file system
        return path.is_file()
    return False


def _sidecars(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Return pairs of paths, by both customs: IMG_1.xmp and IMG_1.NEF.xmp."""
    for suffix in SIDECAR_SUFFIXES:
        yield source.with_name(source.stem + suffix), target.with_name(target.stem + suffix)
        yield source.with_name(source.name + suffix), target.with_name(target.name + suffix)
