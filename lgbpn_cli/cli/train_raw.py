"""`lgbpn train-raw`: the network for camera raw, from photographs and made-up sensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.option_groups import with_option_groups
from lgbpn_cli.cli.recipe_runs import RunOptions, carry_out


@with_option_groups
def train_raw(
    recipe: Annotated[
        Path, typer.Argument(help="The recipe, a TOML file (see recipes/raw.toml in the project).")
    ],
    options: RunOptions,
) -> None:
    """Train the network that denoises and demosaics camera raw files.

    The photographs that the recipe names become scenes, which simulated sensors read out; the network learns to
    give the scene back. Photographs and the facts about cameras are looked for in the folder LGBPN_DATA. To continue
    a run that was stopped, give the same command again.

    Example: lgbpn train-raw recipes/raw.toml --run-folder runs/raw

    \b
    Exit codes:
      0    the network is trained; the model runs it on camera raw files
      1    the run cannot go on; its last checkpoint is kept
      2    something is wrong with the recipe or the device
      130  stopped with Ctrl-C; the same command continues from the last checkpoint
    """
    from lgbpn_cli.training import workshop

    entry = carry_out("lgbpn train-raw", recipe, options, lambda run: workshop.train_raw(recipe, run))
    typer.echo(f"{entry.name} has a raw network: {entry.part_path('raw')}", err=True)
