"""`lgbpn models`: what models there are, importing and removing one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.flags import with_flags
from lgbpn_cli.cli.plain_help import PlainCommand
from lgbpn_cli.config import PRESETS
from lgbpn_cli.errors import UsageError

STUDENT_FILES = (".onnx", ".dtmodel")
"""Endings of files for other programs."""

models_app = typer.Typer(help="List, check, export, import and remove models.", no_args_is_help=True)


@models_app.command("list", cls=PlainCommand)
def list_models() -> None:
    """List the models that ship with lgbpn and your own.

    Example: lgbpn models list
    """
    from lgbpn_cli.models.manifest import all_models

    for entry in all_models().values():
        parts = " + ".join(sorted(entry.parts))
        rest = f", else {entry.base}" if entry.base else ""
        typer.echo(f"{entry.name}  ({parts}{rest}, preset {entry.preset})  {entry.folder}")


@models_app.command("path", cls=PlainCommand, short_help="Print where a model's weight files are.")
def show_path(name: Annotated[str, typer.Argument(help="A model that `lgbpn models list` names.")]) -> None:
    """Print the path of each weight file of a model to standard output.

    Example: lgbpn models path lgbpn-base
    """
    from lgbpn_cli.models.manifest import find_model

    entry = find_model(name)
    for part in sorted(entry.parts):
        typer.echo(entry.part_path(part))


@models_app.command("verify", cls=PlainCommand, short_help="Check that weight files are whole and readable.")
def verify_models(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Models to check.  [default: all]")
    ] = None,
) -> None:
    """Check that the weight files of models, and of the noise estimator, are there, whole and readable.

    Those that are not are named, and the exit code is 2. With names, only those models are checked.

    Example: lgbpn models verify
    """
    from lgbpn_cli.errors import ModelError
    from lgbpn_cli.models.manifest import all_models, find_model
    from lgbpn_cli.models.portable import verify_model
    from lgbpn_cli.noise.weights import verify_noise_estimator

    entries = [find_model(name) for name in names] if names else list(all_models().values())
    checks: list[tuple[str, Callable[[], object]]] = [
        (f"{entry.name}: good ({', '.join(sorted(entry.parts))})", partial(verify_model, entry))
        for entry in entries
    ]
    if not names:
        checks.append(("noise estimator, for all models: good", verify_noise_estimator))
    all_good = True
    for good, check in checks:
        try:
            check()
            typer.echo(good, err=True)
        except ModelError as error:
            typer.echo(f"lgbpn: {with_flags(error)}", err=True)
            all_good = False
    if not all_good:
        raise typer.Exit(ModelError.exit_code)


@models_app.command("export", cls=PlainCommand, short_help="Write a model into one file.")
def export(
    name: Annotated[str, typer.Argument(help="A model that `lgbpn models list` names.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE.lgbpn|FILE.onnx|FILE.dtmodel",
            help="File to write; its ending says for whom.",
            show_default="NAME.lgbpn",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The same as FILE, as an option.", show_default=False
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            metavar="PIXELS",
            help="For .onnx: take only squares of this side, for runtimes that need a fixed size.",
            show_default="any size",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a model into one file: for `lgbpn models import` elsewhere, or its student for other programs.

    A .lgbpn file holds weights, configuration and card. A .onnx file (opset 17) holds the student, with RGB from 0 to 1
    in and out; a .dtmodel file is the same for darktable's AI modules, for squares of 768 pixels.

    \b
    Examples:
      lgbpn models export my-camera
      lgbpn models export lgbpn-base student.onnx
      lgbpn models export lgbpn-base denoise-lgbpn-base.dtmodel
    """
    from lgbpn_cli.models.manifest import find_model
    from lgbpn_cli.models.portable import SUFFIX, export_model

    if file is not None and output is not None:
        raise UsageError("-o", "the file is named twice", "Omit one of them.")
    target = file or output or Path(name + SUFFIX)
    if size is not None and (target.suffix != ".onnx" or size < 1):
        cause = f"{size} is not a side" if size < 1 else f"{target.name} is not a .onnx file, which has one"
        raise UsageError("--size", cause, "Use 768 with FILE.onnx, for instance, or omit it.")
    if target.suffix in STUDENT_FILES:
        _export_student(name, target, size, overwrite=overwrite)
    else:
        export_model(find_model(name), target, overwrite=overwrite)
    typer.echo(f"exported to {target}", err=True)


def _export_student(name: str, target: Path, size: int | None, *, overwrite: bool) -> None:
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.models.load import load_model
    from lgbpn_cli.models.manifest import find_model
    from lgbpn_cli.models.onnx_file import export_onnx

    model = load_model(name, device=choose_device("cpu"))
    export_onnx(model, find_model(name), target, side_px=size, overwrite=overwrite)


@models_app.command("import", cls=PlainCommand, short_help="Add an exported model to your own.")
def import_model(
    file: Annotated[
        Path,
        typer.Argument(
            help="A model that `lgbpn models export` wrote (.lgbpn), or a checkpoint of the LG-BPN authors' "
            "program (.pth)."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the model here.", show_default="its own, or that of the file"
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(metavar="|".join(PRESETS), help="Kind of noise the checkpoint is for.")
    ] = "sidd",
) -> None:
    """Import an exported model, or a checkpoint of the LG-BPN authors' program, as one of your own models.

    \b
    Examples:
      lgbpn models import my-camera.lgbpn
      lgbpn models import LGBPN_SIDD.pth --name published-sidd --preset sidd

    The file is read without running any code from it. Importing the same file again changes nothing.
    """
    from lgbpn_cli.models.manifest import user_folder
    from lgbpn_cli.models.portable import SUFFIX, import_portable
    from lgbpn_cli.research.authors_format import import_checkpoint

    if file.suffix == SUFFIX:
        entry = import_portable(file, folder=user_folder(), name=name)
    else:
        entry = import_checkpoint(file, folder=user_folder(), name=name, preset=preset)
    typer.echo(f"imported as '{entry.name}': lgbpn denoise PHOTO -m {entry.name}", err=True)


@models_app.command("remove", cls=PlainCommand, short_help="Remove one of your own models.")
def remove(name: Annotated[str, typer.Argument(help="One of your own models.")]) -> None:
    """Remove one of your own models: its weight files, its card and its entry. This cannot be undone.

    Models that ship with lgbpn stay, and so do weight files that another model uses.

    Example: lgbpn models remove my-camera
    """
    from lgbpn_cli.models.manifest import remove_model

    removed = remove_model(name)
    typer.echo(f"removed '{removed.name}' from {removed.folder}", err=True)
