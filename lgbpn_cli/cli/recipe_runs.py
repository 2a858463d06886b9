"""What the commands have in common that carry out a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from lgbpn_cli.cli.options import DeviceOption, ModelsFolderOption
from lgbpn_cli.cli.step_progress import StepReporter

if TYPE_CHECKING:
    from lgbpn_cli.training.engine.run import RecipeRun

Made = TypeVar("Made")


@dataclass(frozen=True)
class RunOptions:
    """Where a recipe is carried out."""

    run_folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for the run's checkpoint and other files; a run found there is resumed.",
            show_default="runs/RECIPE",
        ),
    ] = None
    models_folder: ModelsFolderOption = None
    device: DeviceOption = "auto"


def carry_out(command: str, recipe: Path, options: RunOptions, make: Callable[[RecipeRun], Made]) -> Made:
    """Return what `make` makes, showing its steps. Ctrl-C ends the command, which says how to go on."""
    from lgbpn_cli.training import workshop

    folder = options.run_folder or Path("runs") / recipe.stem
    reporter = StepReporter()
    try:
        return make(
            workshop.plan_run(folder, options.models_folder, options.device, f"{command} {recipe}", reporter)
        )
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped after step {reporter.step}; the same command goes on from {folder}", err=True)
        raise typer.Exit(130) from stop
    finally:
        reporter.bar.close()
