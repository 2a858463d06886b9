"""The `lgbpn` command: its sub-commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import errno
import gc
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lgbpn_cli.cli.allocator import keep_freed_buffers
from lgbpn_cli.cli.bench import bench
from lgbpn_cli.cli.blend import blend
from lgbpn_cli.cli.denoise import denoise
from lgbpn_cli.cli.devices import devices
from lgbpn_cli.cli.distill import distill
from lgbpn_cli.cli.evaluate import evaluate
from lgbpn_cli.cli.finetune import finetune
from lgbpn_cli.cli.flags import shown
from lgbpn_cli.cli.models import models_app
from lgbpn_cli.cli.plain_help import DenoiseCommand, PlainCommand
from lgbpn_cli.cli.preview import preview
from lgbpn_cli.cli.probe import probe
from lgbpn_cli.cli.stop_signals import finish_undisturbed, stop_as_ctrl_c_does
from lgbpn_cli.cli.streams import flush_output, mend_streams, send_output_nowhere
from lgbpn_cli.cli.train import train
from lgbpn_cli.cli.train_raw import train_raw
from lgbpn_cli.cli.verify import verify
from lgbpn_cli.errors import LgbpnError, UsageError
from lgbpn_cli.version import __version__

OUTPUT_TROUBLE = {errno.ENOSPC, errno.EIO, errno.EBADF}
"""Answers of the system to printing where the disk is full, or the other end is gone."""
UNUSABLE_NAMES = {errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENOTDIR}
"""Answers of the system to a path that was given and cannot work; the first use of it may be anywhere."""

MAY_BE_EMPTY = {"--suffix", "--keep-full"}
"""Options that say by themselves what an empty value means to them."""


class _Commands(TyperGroup):
    """Says in one line what went wrong, whoever calls the commands: `main`, or a test."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments begin with; `help` is --help of what follows it."""
        _check_names(args)
        if args[:1] == ["help"]:
            if not args[1:]:
                print(ctx.get_help())
                raise typer.Exit
            args = [*args[1:], "--help"]
        elif args[0] not in self.commands and _may_be_denoised(args[0]):
            cure = f"To denoise it: {shlex.join(['lgbpn', 'denoise', *args])}"
            raise UsageError(args[0], "this is not a command", cure)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            _check_current_folder()
            return super().invoke(ctx)
        except LgbpnError as error:
            print(f"lgbpn: {shown(error)}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError:  # nobody reads the output any more: typer knows what to do
            raise
        except OSError as error:
            if error.errno not in UNUSABLE_NAMES or error.filename is None:
                raise
            refusal = UsageError(error.filename, f"cannot be used ({error.strerror})", "Give another path.")
            print(f"lgbpn: {shown(refusal)}", file=sys.stderr)
            raise typer.Exit(refusal.exit_code) from error


def _check_names(arguments: Sequence[str]) -> None:
    """Raise UsageError for an empty argument, as of a script's unset variable: it would be the current folder."""
    for before, argument in pairwise(("", *arguments)):
        if not argument and before not in MAY_BE_EMPTY:
            cure = "Give a name; the current folder is just `.`"
            raise UsageError("an empty argument", "it names nothing", cure)


def _check_current_folder() -> None:
    """Raise UsageError where the current folder was deleted: libraries end the whole process there."""
    try:
        Path.cwd()
    except OSError as error:
        cause = f"it cannot be used ({error.strerror})"
        raise UsageError("the current folder", cause, "Change to another one, with cd.") from error


def _may_be_denoised(argument: str) -> bool:
    from lgbpn_cli.batch.selection import may_be_input  # here, for it is needed after a mistake only

    return may_be_input(argument)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
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
    """Remove the noise from high-ISO photos with LG-BPN, a network that learns from noisy photos alone."""
    keep_freed_buffers()


# In the order of `lgbpn --help`. Their modules import PyTorch and the photo libraries inside functions only.
app.command("denoise", cls=DenoiseCommand)(denoise)
app.command("preview", cls=PlainCommand, short_help="See strengths and qualities side by side.")(preview)
app.command("blend", cls=PlainCommand, short_help="Try other strengths on finished results.")(blend)
app.command("verify", cls=PlainCommand, short_help="Show how results were made, and check them.")(verify)
app.command("probe", cls=PlainCommand, short_help="Measure the noise of photos.")(probe)
app.command("finetune", cls=PlainCommand, short_help="Teach a model the noise of your camera.")(finetune)
app.add_typer(models_app, name="models")
app.command("devices", cls=PlainCommand, short_help="List the devices that PyTorch can use here.")(devices)
app.command("eval", cls=PlainCommand)(evaluate)
app.command("bench", cls=PlainCommand, short_help="Measure speed and memory on this machine.")(bench)
app.command("train", cls=PlainCommand, short_help="Train LG-BPN, or the noise estimator, from a recipe.")(
    train
)
app.command("distill", cls=PlainCommand, short_help="Train a fast student from a recipe.")(distill)
app.command("train-raw", cls=PlainCommand, short_help="Train the network for raw files from a recipe.")(
    train_raw
)


def main() -> None:
    """Run the command with the arguments of this process; ends it with an exit code."""
    mend_streams()
    stop_as_ctrl_c_does()
    code: object = 0
    try:
        app(prog_name="lgbpn")
    except SystemExit as end:
        code = end.code
    except OSError as error:
        if error.filename is not None or error.errno not in OUTPUT_TROUBLE:
            raise
        print(f"lgbpn: the output cannot be written ({error.strerror})", file=sys.stderr)
        send_output_nowhere()
        code = 1
    if trouble := flush_output():
        print(f"lgbpn: the output cannot be written ({trouble})", file=sys.stderr)
        code = code or 1
    finish_undisturbed()
    gc.freeze()  # or Python looks for garbage once more before it ends, which takes half a second
    sys.exit(code)  # type: ignore[arg-type]  # as typer gave it
