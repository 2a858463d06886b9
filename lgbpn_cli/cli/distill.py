"""`lgbpn distill`: a fast student from a teacher and noisy photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.options import DeviceOption, ModelsFolderOption
from lgbpn_cli.cli.step_progress import StepReporter

if TYPE_CHECKING:
    from lgbpn_cli.training.student.distil import DistillationProgress


def distill(
    recipe: Annotated[
        Path, typer.Argument(help="The recipe, a TOML file (see recipes/student.toml in the project).")
    ],
    run_folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the teacher's estimates and the checkpoint; a run found there is resumed.",
            show_default="runs/RECIPE",
        ),
    ] = None,
    models_folder: ModelsFolderOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train a fast student on what a teacher makes of noisy photos, without any clean photo.

    The teacher cleans the noisy photos that the recipe names; the student learns to give the same results, and to
    remove new noise from cleaned photos and drawn pictures. The data sets are looked for below the folder in
    LGBPN_DATA. The same command continues a run that was stopped.

    Example: lgbpn distill recipes/student.toml --run-folder runs/student

    \b
    Exit codes:
      0    the student is trained; the model runs it as --quality fast and best
      1    the run cannot go on; its last checkpoint is kept
      2    the recipe, the teacher or the device was wrong
      130  stopped with Ctrl-C; the same command goes on from the last checkpoint
    """
    from lgbpn_cli import workshop

    folder = run_folder or Path("runs") / recipe.stem
    reporter = StepReporter()
    try:
        entry = workshop.distill(
            recipe,
            run_folder=folder,
            models_folder=models_folder,
            device=device,
            on_photo=_say_photo,
            on_step=reporter,
        )
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped after step {reporter.step}; the same command goes on from {folder}", err=True)
        raise typer.Exit(130) from stop
    finally:
        reporter.bar.close()
    typer.echo(f"{entry.name} has a student: {entry.part_path('student')}", err=True)


def _say_photo(progress: DistillationProgress) -> None:
    if progress.photo % 50 == 0 or progress.photo == progress.photos:
        typer.echo(f"prepared {progress.photo} of {progress.photos} photos", err=True)
