"""Options that several commands read alike, and the command as somebody would type it to get the same again."""

from __future__ import annotations

import shlex

import typer

from lgbpn_cli.errors import UsageError

AUTO = "auto"
"""What an option takes that may be left to the measurement of each photo."""


def read_strength(text: str) -> float | None:
    """Return what --strength says, None for auto; UsageError for what is neither auto nor a number."""
    if text == AUTO:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(
            f"--strength {text}", "it is no number", "Use auto, or 0 (original) to 1 (fully denoised)."
        ) from error


def command_line(context: typer.Context) -> str:
    """Return the command of `context` with its arguments and every option that differs from its default."""
    words = context.command_path.split()
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value is None or value == parameter.get_default(context):
            continue
        values = list(value) if isinstance(value, list | tuple) else [value]
        for one in values:
            if parameter.param_type_name == "argument":
                words.append(str(one))
            elif one is True:
                words.append(parameter.opts[-1])
            else:
                words += [parameter.opts[-1], str(one)]
    return shlex.join(words)
