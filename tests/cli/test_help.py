"""What `--help` shows: arguments as a user calls them, and options in groups."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app


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
        assert word not in re.sub(r"\{[a-z]*\}", "", text), word  # a template's fields are a user's


def test_the_options_of_denoise_come_in_groups_and_rare_ones_last() -> None:
    text = help_of("denoise")
    titles = ["Arguments:", "Basic:", "Result:", "Machine:", "Report:", "Expert:"]
    places = [text.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    before_expert = re.findall(r"^  (?:-\w, )?--", text[places[1] : places[-1]], re.MULTILINE)
    assert 15 <= len(before_expert) <= 24
    basic, result, report, expert = (
        places[titles.index(f"{each}:")] for each in ("Basic", "Result", "Report", "Expert")
    )
    assert basic < text.index("  -o, --output") < result
    assert report < text.index("  --json") < expert < text.index("  --halo")


def test_shells_can_complete_commands() -> None:
    assert "--install-completion" in help_of()
