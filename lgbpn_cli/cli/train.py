"""`lgbpn train`: a whole recipe, from noisy photos to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.options import DeviceOption, ModelsFolderOption
from lgbpn_cli.cli.step_progress import StepReporter


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a TOML file (see recipes/ in the project).")],
    run_folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the checkpoint; a run found there is resumed.",
            show_default="runs/RECIPE",
        ),
    ] = None,
    models_folder: ModelsFolderOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train a model from scratch on folders of noisy photos, without any clean picture.

    The data sets a recipe names are looked for below the folder in LGBPN_DATA. The same command continues
    a run that was stopped, from its last checkpoint.

    Example: lgbpn train recipes/base.toml --run-folder runs/base

    \b
    Exit codes:
      0    the model is trained
      1    the run cannot go on; its last checkpoint is kept
      2    the recipe or the device was wrong
      130  stopped with Ctrl-C; the same command goes on from the last checkpoint
    """
    from lgbpn_cli import workshop

    folder = run_folder or Path("runs") / recipe.stem
    reporter = StepReporter()
    try:
        entry = workshop.train(
            recipe, run_folder=folder, models_folder=models_folder, device=device, on_step=reporter
        )
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped after step {reporter.step}; the same command goes on from {folder}", err=True)
        raise typer.Exit(130) from stop
    finally:
        reporter.bar.close()
    typer.echo(f"{entry.name} is trained: {entry.part_path('teacher')}", err=True)
