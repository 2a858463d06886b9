"""Checkpoints of a training run: written atomically, so that a kill at any moment leaves a whole one."""

from __future__ import annotations

import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import torch

from lgbpn_cli.errors import TrainingError

UNPICKLING_ERRORS = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
    pickle.UnpicklingError,
)
"""What the unpickler raises for bytes that were changed or cut off."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, texts, containers of them) to `path`, replacing an older one whole.

    Raises TrainingError where the disk refuses; the older checkpoint then still stands.
    """
    part, content = path.with_suffix(".part"), io.BytesIO()
    torch.save(state, content)  # not into the file: a full disk would be told of in words of its own
    try:
        with part.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TrainingError(
            path,
            f"the checkpoint could not be written ({error.strerror})",
            "Free some space and start again: the run resumes (lgbpn finetune: with `resume`).",
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return the state that `save_checkpoint` wrote. Raises TrainingError for anything else."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except UNPICKLING_ERRORS as error:
        raise TrainingError(
            path, f"not a readable checkpoint ({type(error).__name__})", "Delete it to start again."
        ) from error
    return state
