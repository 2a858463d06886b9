"""The command as somebody would type it to get the same again."""

from __future__ import annotations

import shlex
from collections.abc import Collection

import typer


def command_line(context: typer.Context, *, without: Collection[str] = ()) -> str:
    """Return the command of `context` with its arguments and every option that differs from its default.

    The parameters called as in `without` are left out.
    """
    words = context.command_path.split()
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name in without or value is None or value == parameter.get_default(context):
            continue
        values = list(value) if isinstance(value, list | tuple) else [value]
        for one in values:
            if parameter.param_type_name == "argument":
                words.append(str(one))
            elif isinstance(one, bool):
                words.append((parameter.opts if one else parameter.secondary_opts)[-1])
            else:
                words += [parameter.opts[-1], str(one)]
    return shlex.join(words)
