"""The `lgbpn` command: its sub-commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lgbpn_cli.cli.allocator import keep_freed_buffers
from lgbpn_cli.cli.bench import bench
from lgbpn_cli.cli.denoise import denoise
from lgbpn_cli.cli.devices import devices
from lgbpn_cli.cli.distill import distill
from lgbpn_cli.cli.evaluate import evaluate
from lgbpn_cli.cli.finetune import finetune
from lgbpn_cli.cli.models import models_app
from lgbpn_cli.cli.probe import probe
from lgbpn_cli.cli.stop_signals import stop_as_ctrl_c_does
from lgbpn_cli.cli.train import train
from lgbpn_cli.errors import LgbpnError, shown
from lgbpn_cli.version import __version__


class _Commands(TyperGroup):
    """Says in one line what went wrong, whoever calls the commands: `main`, or a test."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LgbpnError as error:
            print(f"lgbpn: {shown(error)}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain text: examples keep their lines, and help does not wait for rich
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"lgbpn {__version__}")
        raise typer.Exit


@app.callback()
def lgbpn(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Remove the noise of high-ISO photos with LG-BPN, a network that has never seen a clean picture."""
    keep_freed_buffers()


# One line for each command. Their modules import PyTorch and the photo libraries inside functions only.
app.command("denoise")(denoise)
app.command("eval")(evaluate)
app.command("finetune")(finetune)
app.command("probe")(probe)
app.command("train")(train)
app.command("distill")(distill)
app.add_typer(models_app, name="models")
app.command("devices")(devices)
app.command("bench")(bench)


def main() -> None:
    """Run the command with the arguments of this process; ends it with an exit code."""
    stop_as_ctrl_c_does()
    app(prog_name="lgbpn")
