"""How `--help` looks: plain text, so that it does not wait for rich, with the options of a command in groups."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from typer import BadParameter
from typer.core import TyperArgument, TyperCommand

from lgbpn_cli.errors import UsageError

NOT_NUMBERS = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a number of that size",
    "float_parsing": "a number",
}
"""What Typer's types call values that are none, and what they are not."""


class PlainCommand(TyperCommand):
    """A command whose arguments are called as a user thinks of them, and whose options come in groups."""

    groups: ClassVar[dict[str, tuple[str, ...]]] = {}
    """The options of each group but the last one, which has all others; their order is that of the help."""
    last_group = "Options"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises UsageError for what is no number, where Typer would let another library speak."""
        try:
            return super().parse_args(ctx, args)
        except BadParameter as error:
            found = getattr(error.__cause__, "errors", list[dict[str, Any]])()
            if error.param is None or not found or found[0]["type"] not in NOT_NUMBERS:
                raise
            option = f"{error.param.opts[-1]} {found[0]['input']}"
            what = NOT_NUMBERS[found[0]["type"]]
            raise UsageError(option, f"not {what}", "Write it in digits, such as 400.") from error

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands behind the command's name: `[OPTIONS] PHOTO...`."""
        arguments = [each for each in self.get_params(ctx) if isinstance(each, TyperArgument)]
        names = [_name(each) if each.required else f"[{_name(each)}]" for each in arguments]
        return [*([self.options_metavar] if self.options_metavar else []), *names]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, and each group of options."""
        for title, records in grouped_records(self, ctx).items():
            with formatter.section(title):
                formatter.write_dl(records)


class DenoiseCommand(PlainCommand):
    """`lgbpn denoise`, whose many options are in groups: what most people never need comes last."""

    groups: ClassVar[dict[str, tuple[str, ...]]] = {
        "Basic": (
            "--output",
            "--recursive",
            "--only",
            "--exclude",
            "--min-iso",
            "--overwrite",
            "--dry-run",
            "--quality",
            "--strength",
            "--model",
        ),
        "Result": (
            "--format",
            "--bit-depth",
            "--jpeg-quality",
            "--luma",
            "--chroma",
            "--grain",
            "--strip-metadata",
        ),
        "Machine": ("--device", "--max-memory", "--part"),
        "Report": ("--html", "--quiet", "--verbose", "--json"),
    }
    last_group = "Expert"


def grouped_records(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """Return what the help says about each parameter of a command, its names and a text, by group."""
    arguments: list[tuple[str, str]] = []
    options: dict[str, tuple[str, str]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        # Typer puts what a default means into brackets of its own.
        text = re.sub(r"\[default: \((.*?)\)", r"[default: \1", record[1])
        if isinstance(parameter, TyperArgument):
            arguments.append((_name(parameter), text))
        else:
            options[parameter.opts[-1]] = (record[0], text)
    found = {"Arguments": arguments}
    for title, names in getattr(command, "groups", {}).items():
        found[title] = [options.pop(name) for name in names]
    found[getattr(command, "last_group", "Options")] = list(options.values())
    return {title: records for title, records in found.items() if records}


def _name(argument: TyperArgument) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.nargs == 1 else f"{name}..."
