"""Every `lgbpn ...` line of README and docs is one that the program understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from lgbpn_cli.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "weights").glob("*.md"))]
ANSWERED_BY_TYPER = ("-h", "--help", "--version", "--install-completion", "--show-completion")
"""Options that print something, or change the shell, as soon as they are parsed."""
WRONG_USAGE: Any = typer.BadParameter.__mro__[1]
"""The parser's error for all that is wrong with a command."""


PROGRAM: Any = typer.main.get_command(app)


def commands_in(text: str) -> Iterator[tuple[str, bool]]:
    """The commands of a page without the word lgbpn, each with whether it is a line of a code block.

    Sentences may name a command without what it works on: `lgbpn eval --json`.
    """
    in_fence = False
    prose: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            in_fence = not in_fence
        elif in_fence or line.startswith("    "):
            yield from ((call, True) for call in _calls(line.strip().removeprefix("$ ")))
        else:
            prose.append(line)
    for span in re.findall(r"`([^`]+)`", "\n".join(prose)):
        yield from ((call, False) for call in _calls(" ".join(span.split())))


def _calls(line: str) -> Iterator[str]:
    for call in re.split(r"&&|;", line.replace("torchrun --nproc-per-node 4 -m lgbpn_cli", "lgbpn")):
        if call.strip().startswith("lgbpn "):
            yield re.split(r"\s[0-9]?>", call.strip().removeprefix("lgbpn "))[0]


def parse(words: list[str], *, whole: bool) -> None:
    """Have Typer parse a command without running it; raises what it raises, and where `whole` what is missing."""
    command: Any = PROGRAM
    context: Any = command.make_context("lgbpn", [], resilient_parsing=True)
    name = "lgbpn"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, *words = words
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
        context = command.context_class(command, info_name=name, parent=context)
    if answered := [word for word in words if word in ANSWERED_BY_TYPER]:
        assert set(answered) <= {option for each in command.get_params(context) for option in each.opts}
    elif not hasattr(command, "commands"):
        try:
            command.make_context(name, words, parent=context.parent)
        except WRONG_USAGE as error:
            if whole or type(error).__name__ != "MissingParameter":
                raise


FOUND = [
    pytest.param(call, whole, id=f"{page.relative_to(ROOT)}-{call}")
    for page in PAGES
    for call, whole in dict.fromkeys(commands_in(page.read_text("utf-8")))
]


@pytest.mark.parametrize(("call", "whole"), FOUND)
def test_the_program_understands_a_command_of_the_docs(call: str, whole: bool) -> None:
    words = shlex.split(call, comments=True)
    parse(["denoise" if word == "COMMAND" else word for word in words], whole=whole)


def test_the_commands_of_readme_are_among_those() -> None:
    found = dict(commands_in((ROOT / "README.md").read_text("utf-8")))
    assert found["denoise examples/ -o denoised/"]
    assert not found["denoise --help"]


@pytest.mark.parametrize(
    "call", ["denoise a.jpg --colour", "denoise", "clean a.jpg", "models lost", "eval -x"]
)
def test_a_command_that_is_none_would_be_found(call: str) -> None:
    with pytest.raises((AssertionError, WRONG_USAGE)):
        parse(shlex.split(call), whole=True)
