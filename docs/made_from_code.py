"""Fills the pages that are made from the program and its files: commands from Typer, JSON from its schemas, cards.

MkDocs calls `on_page_markdown` for every page (`hooks` in mkdocs.yml).
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from lgbpn_cli.cli.main import app
from lgbpn_cli.cli.plain_help import grouped_records

SCHEMA_FOLDER = Path(__file__).parent / "reference" / "schema"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page with its marks replaced by what they stand for."""
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", "\n".join(_all_commands()))
    markdown = re.sub(r"<!-- file: (\S+) -->", lambda found: _file(found[1]), markdown)
    return re.sub(r"<!-- schema: (\w+) -->", lambda found: "\n".join(_schema(found[1])), markdown)


def _file(name: str) -> str:
    """Return a page that lies outside docs/; its links into docs/ are those of a page in there."""
    return (SCHEMA_FOLDER.parents[2] / name).read_text("utf-8").replace("](docs/", "](")


def _all_commands() -> Iterator[str]:
    root = typer.main.get_command(app)
    context = root.make_context("lgbpn", [], resilient_parsing=True)
    yield from _command(root, context)
    yield from _sub_commands(root, context)


def _sub_commands(group: Any, context: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        inner = command.context_class(command, info_name=name, parent=context)
        yield f"\n## {inner.command_path}\n"
        yield from _command(command, inner)
        if hasattr(command, "commands"):
            yield from _sub_commands(command, inner)


def _command(command: Any, context: Any) -> Iterator[str]:
    """Yield what a command does, its usage, and a table for each group of its options."""
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):  # Typer's mark for lines that stay as they are
            title, *lines = paragraph.removeprefix("\b").strip("\n").splitlines()
            yield f"**{title.removesuffix(':')}**\n\n```text\n{inspect.cleandoc(chr(10).join(lines))}\n```\n"
        else:
            yield f"{_code_spans(' '.join(paragraph.split()))}\n"
    for panel, records in grouped_records(command, context).items():
        yield f"| {panel} | |\n|---|---|"
        for names, text in records:
            yield f"| `{_cell(names)}` | {_code_spans(_cell(text)).replace('|', '&#124;')} |"
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split())


def _code_spans(text: str) -> str:
    """Return prose with options as code, and signs of Markdown as they are."""
    text = re.sub(r"([*_])", r"\\\1", text).replace("<", "&lt;")
    return re.sub(r"(?<![\w`-])(--?[a-z][a-z0-9-]*)(?![\w`])", r"`\1`", text)


def _schema(name: str) -> Iterator[str]:
    """Yield the fields of a schema as tables, and the schema itself for programs."""
    schema = json.loads((SCHEMA_FOLDER / f"{name}.json").read_text("utf-8"))
    yield from _fields("Field", schema)
    for shared, definition in schema.get("$defs", {}).items():
        if "properties" in definition:
            yield from _fields(f"Field of {shared}", definition)
    photo = schema["properties"].get("photos", {}).get("items", {})
    if "properties" in photo:
        yield from _fields("Field of a photo besides", photo)
    yield f"As a JSON schema: [{name}.json](schema/{name}.json)"


def _fields(title: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"| {title} | Type | |\n|---|---|---|"
    for name, rule in schema["properties"].items():
        kinds = rule.get("enum") or rule.get("type") or "array"
        kind = (
            kinds if isinstance(kinds, str) else ", ".join("null" if each is None else each for each in kinds)
        )
        yield f"| `{name}` | {kind} | {rule['description']} |"
    yield ""
