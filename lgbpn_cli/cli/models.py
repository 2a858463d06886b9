"""`lgbpn models`: what models there are, and importing one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.config import PRESETS

models_app = typer.Typer(
    help="List the models there are, or import one from the LG-BPN authors' format.", no_args_is_help=True
)


@models_app.command("list")
def list_models() -> None:
    """List the models that ship with lgbpn and your own.

    Example: lgbpn models list
    """
    from lgbpn_cli.models.manifest import all_models

    for entry in all_models().values():
        parts = " + ".join(sorted(entry.parts))
        typer.echo(f"{entry.name}  ({parts}, preset {entry.preset})  {entry.folder}")


@models_app.command("import")
def import_model(
    file: Annotated[
        Path, typer.Argument(help="A checkpoint as the LG-BPN authors' program writes it (.pth).")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the model here.  [default: the file's stem]")
    ] = None,
    preset: Annotated[
        str, typer.Option(help=f"Shift preset it is used with: {' or '.join(PRESETS)}.")
    ] = "sidd",
) -> None:
    """Import a checkpoint of the LG-BPN authors' program as one of your own models.

    The file is read without running any code from it. Importing the same file again changes nothing.

    Example: lgbpn models import LGBPN_SIDD.pth --name published-sidd --preset sidd
    """
    from lgbpn_cli.models.authors_format import import_checkpoint
    from lgbpn_cli.models.manifest import user_folder

    entry = import_checkpoint(file, folder=user_folder(), name=name, preset=preset)
    typer.echo(f"imported as '{entry.name}': lgbpn denoise PHOTO -m {entry.name}", err=True)
