"""Where and on what a recipe is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.engine.trainer import TrainingProgress


@dataclass(frozen=True)
class RecipeRun:
    """One run of a recipe; the same once more goes on where it was stopped."""

    data_root: Path
    """Folder of the data sets that the recipe names."""
    run_folder: Path
    """Folder of the checkpoint and whatever else the run keeps."""
    models_folder: Path
    """Folder of the finished model."""
    device: Device
    command: str
    """How a user calls it, for the model's card."""
    on_step: Callable[[TrainingProgress], None] | None = None
    """Told of every step."""
