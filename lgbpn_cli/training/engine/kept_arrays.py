"""Arrays that take long to make, kept in files of a run's folder, so that an interrupted run goes on with them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray[np.generic]]


def kept_arrays(kept: Path, made_of: str, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays in the file `kept` where they are made of the same, else what `make` gives, once written there.

    A file that is missing, cut off or of something else is written anew.
    """
    known = _read(kept, made_of)
    if known is not None:
        return known
    arrays = make()
    handle, part = tempfile.mkstemp(dir=kept.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, *arrays, made_of=made_of)
    Path(part).replace(kept)
    return arrays


def digest(picture: NDArray[np.uint8]) -> str:
    """Return what tells a picture from others: its shape, and the SHA-256 of its pixels."""
    return f"{picture.shape} {hashlib.sha256(picture.tobytes()).hexdigest()}"


def digest_of_all(pictures: Iterable[NDArray[np.uint8]]) -> str:
    """Return what tells a set of pictures from others."""
    return hashlib.sha256(" ".join(map(digest, pictures)).encode()).hexdigest()


def _read(kept: Path, made_of: str) -> Arrays | None:
    try:
        with kept.open("rb") as file, np.load(file) as content:
            if str(content["made_of"]) != made_of:
                return None
            return [content[f"arr_{number}"] for number in range(len(content.files) - 1)]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
