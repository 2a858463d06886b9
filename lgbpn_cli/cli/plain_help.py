"""How `--help` looks: plain text, so that it does not wait for rich, with the options of a command in groups."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperArgument, TyperCommand


class PlainCommand(TyperCommand):
    """A command whose arguments are called as a user thinks of them, and whose options come in groups.

    An option's group is its `rich_help_panel`; groups come in the order of their first options.
    """

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


def grouped_records(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """Return what the help says about each parameter of a command, its names and a text, by group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        names, text = record
        group = getattr(parameter, "rich_help_panel", None) or "Options"
        if isinstance(parameter, TyperArgument):
            names, group = _name(parameter), "Arguments"
        # Typer puts what a default means into brackets of its own.
        groups.setdefault(group, []).append((names, re.sub(r"\[default: \((.*?)\)", r"[default: \1", text)))
    return groups


def _name(argument: TyperArgument) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.nargs == 1 else f"{name}..."
