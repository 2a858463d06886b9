"""What `--help` shows: arguments as a user calls them, and options in groups."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.cli.plain_help import PlainCommand


def help_of(*words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="lgbpn")
    assert result.exit_code == 0
    return result.stdout


def every_command() -> list[str]:
    root: Any = typer.main.get_command(app)
    names = []
    for name, command in root.commands.items():
        names += [f"{name} {inner}" for inner in getattr(command, "commands", ())] or [name]
    return names


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("denoise", "lgbpn denoise [OPTIONS] PHOTO..."),
        ("probe", "lgbpn probe [OPTIONS] PHOTO..."),
        ("eval", "lgbpn eval [OPTIONS] NOISY [REFERENCE]"),
        ("models verify", "lgbpn models verify [OPTIONS] [NAME...]"),
    ],
)
def test_the_usage_names_what_a_command_works_on(command: str, usage: str) -> None:
    assert f"Usage: {usage}\n" in help_of(*command.split())


@pytest.mark.parametrize("command", every_command())
def test_no_help_shows_how_it_is_programmed(command: str) -> None:
    text = help_of(*command.split())
    for word in ("list[", "<path>", "<str>", "Path]", "{", "default: (", "default: ]"):
        assert word not in text.replace("{}", ""), word


def test_options_come_in_their_groups() -> None:
    grouped = typer.Typer(rich_markup_mode=None)

    @grouped.command(cls=PlainCommand)
    def command(
        photo: str,
        one: Annotated[int, typer.Option("--one", help="First.", rich_help_panel="Basic")] = 1,
        two: Annotated[int, typer.Option("--two", help="Second.", rich_help_panel="Expert")] = 2,
        three: Annotated[int, typer.Option("--three", help="Third.", rich_help_panel="Basic")] = 3,
    ) -> None:
        """Do it."""

    text = CliRunner().invoke(grouped, ["--help"]).stdout
    order = [text.index(word) for word in ("Arguments:", "Basic:", "--one", "--three", "Expert:", "--two")]
    assert order == sorted(order)


def test_shells_can_complete_commands() -> None:
    assert "--install-completion" in help_of()
