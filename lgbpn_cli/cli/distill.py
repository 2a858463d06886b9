"""`lgbpn distill`: a fast student from a teacher and noisy photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.option_groups import with_option_groups
from lgbpn_cli.cli.recipe_runs import RunOptions, carry_out

if TYPE_CHECKING:
    from lgbpn_cli.training.student.distil import DistillationProgress


@with_option_groups
def distill(
    recipe: Annotated[
        Path, typer.Argument(help="The recipe, a TOML file (see recipes/student.toml in the project).")
    ],
    options: RunOptions,
) -> None:
    """Train a fast student on what a teacher makes of noisy photos, without any clean photo.

    The teacher cleans the noisy photos that the recipe names; the student learns to give the same results, and to
    remove new noise from cleaned photos and drawn pictures. The data sets are looked for in the folder LGBPN_DATA. To
    continue a run that was stopped, give the same command again.

    Example: lgbpn distill recipes/student.toml --run-folder runs/student

    \b
    Exit codes:
      0    the student is trained; the model runs it as --quality fast and best
      1    the run cannot go on; its last checkpoint is kept
      2    something is wrong with the recipe, the teacher or the device
      130  stopped with Ctrl-C; the same command continues from the last checkpoint
    """
    from lgbpn_cli.training import workshop

    entry = carry_out("lgbpn distill", recipe, options, lambda run: workshop.distill(recipe, run, _say_photo))
    typer.echo(f"{entry.name} has a student: {entry.part_path('student')}", err=True)


def _say_photo(progress: DistillationProgress) -> None:
    if progress.photo % 50 == 0 or progress.photo == progress.photos:
        typer.echo(f"prepared {progress.photo} of {progress.photos} photos", err=True)
