"""Options in groups: a command takes them as dataclasses, and its user gives them one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from lgbpn_cli.cli.option_groups import with_option_groups


@dataclass(frozen=True)
class Size:
    """Two options, one with a value of its own for each call."""

    width: Annotated[int, typer.Option("-w", "--width", help="How wide.")] = 3
    colours: Annotated[list[str], typer.Option("--colour")] = field(default_factory=lambda: ["red"])


@dataclass(frozen=True)
class Place:
    """An option that must be given."""

    folder: Annotated[Path, typer.Option("-o", "--output")]


def run(*arguments: str) -> tuple[str, int]:
    app = typer.Typer()

    @app.command()
    @with_option_groups
    def draw(
        name: Annotated[str, typer.Argument()],
        size: Size,
        place: Place,
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        """Draw a picture."""
        typer.echo(f"{name} {size} {place.folder} {loud}")

    result = CliRunner().invoke(app, list(arguments))
    return result.output, result.exit_code


def test_a_group_has_the_values_of_its_options() -> None:
    output, code = run("cat", "-w", "5", "--colour", "blue", "--colour", "grey", "-o", "out", "--loud")
    assert (output, code) == ("cat Size(width=5, colours=['blue', 'grey']) out True\n", 0)


def test_what_is_not_given_is_what_the_fields_say() -> None:
    assert run("cat", "-o", "out") == ("cat Size(width=3, colours=['red']) out False\n", 0)


def test_a_field_without_a_default_must_be_given() -> None:
    output, code = run("cat")
    assert code == 2
    assert "--output" in output


def test_the_help_lists_the_options_in_the_order_of_the_fields() -> None:
    output, _ = run("--help")
    assert "Draw a picture." in output
    places = [output.index(name) for name in ("--width", "--colour", "--output", "--loud")]
    assert places == sorted(places)


def test_an_argument_may_be_called_as_an_option_of_another_group() -> None:
    given: list[object] = []

    def place(width: Place, size: Size) -> None:
        given.extend([width, size.width])

    with_option_groups(place)(folder=Path("out"), width=7, colours=[])
    assert given == [Place(Path("out")), 7]


def test_two_groups_never_have_the_same_option() -> None:
    def twice(one: Size, two: Size) -> None:
        raise AssertionError((one, two))

    with pytest.raises(ValueError, match="width"):
        with_option_groups(twice)
