"""`lgbpn train`: a whole recipe, from noisy photos to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.option_groups import with_option_groups
from lgbpn_cli.cli.recipe_runs import RunOptions, carry_out


@with_option_groups
def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a TOML file (see recipes/ in the project).")],
    options: RunOptions,
) -> None:
    """Train a model from scratch on folders of noisy photos, without any clean picture; or the noise estimator.

    The data sets that a recipe names are looked for in the folder LGBPN_DATA. To continue a run that was stopped, give
    the same command again.

    \b
    Examples:
      lgbpn train recipes/base.toml --run-folder runs/base
      lgbpn train recipes/noise-estimator.toml --run-folder runs/noise-estimator

    \b
    Exit codes:
      0    the model is trained
      1    the run cannot go on; its last checkpoint is kept
      2    something is wrong with the recipe or the device
      130  stopped with Ctrl-C; the same command continues from the last checkpoint
    """
    from lgbpn_cli.training import workshop

    if workshop.is_of_noise_estimator(recipe):
        path = carry_out(
            "lgbpn train", recipe, options, lambda run: workshop.train_noise_estimator(recipe, run)
        )
        typer.echo(f"The noise estimator is trained: {path}", err=True)
        return
    entry = carry_out("lgbpn train", recipe, options, lambda run: workshop.train(recipe, run))
    typer.echo(f"{entry.name} is trained: {entry.part_path('teacher')}", err=True)
