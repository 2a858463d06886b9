"""The library's messages name fields; flags stand in the command alone, which puts them in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from source_files import texts_in
from typer.main import get_command

import lgbpn_cli
from lgbpn_cli.cli.flags import FLAGS, NAMED, shown, with_flags
from lgbpn_cli.cli.main import app
from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.errors import UsageError

FLAG = re.compile(r"(^|[\s(\"'`])(--[a-z][a-z-]*|-[a-z])(?=$|[\s.,;:)\"'`])")
COMMANDS_SHOWN = {
    "preview/looks.py": "the page shows the command that gives what is seen",
    "preview/run.py": "the page shows the command that gives what is seen",
    "research/authors_format.py": "the model's card tells how it was made",
}
"""Files whose texts hold whole commands, on purpose."""


def library_files(repo_root: Path) -> list[Path]:
    package = repo_root / "lgbpn_cli"
    return [file for file in sorted(package.rglob("*.py")) if package / "cli" not in file.parents]


def flags_in(text: str) -> list[str]:
    if text == "-c" or re.search(
        r"\b(lgbpn|pip|torchrun|python) [a-z-]+", text
    ):  # of another program, or all of one
        return []
    return [found[2] for found in FLAG.finditer(text)]


def test_no_message_of_the_library_names_a_flag(repo_root: Path) -> None:
    found = [
        f"{file.relative_to(repo_root / 'lgbpn_cli')}: {text}"
        for file in library_files(repo_root)
        if str(file.relative_to(repo_root / "lgbpn_cli")) not in COMMANDS_SHOWN
        for text in texts_in(file)
        if flags_in(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["--quality", "Use -f png.", "Give another -o folder.", "see --pair-pattern.", "(--json names all)"],
)
def test_a_flag_in_a_message_is_found(text: str) -> None:
    assert flags_in(text)


@pytest.mark.parametrize(
    "text", ["a well-kept file", "-3", "--- a/file", "lgbpn finetune FOLDER -o NAME", "x -> y"]
)
def test_what_is_no_flag_is_left_alone(text: str) -> None:
    assert not flags_in(text)


def test_every_field_that_a_message_names_has_its_flag(repo_root: Path) -> None:
    named = {
        found[1]
        for file in library_files(repo_root)
        for text in texts_in(file)
        for found in NAMED.finditer(text)
    }
    assert len(named) > 30
    assert named - set(FLAGS) == set()


def test_every_flag_is_one_of_a_command() -> None:
    def options(command: click.Command) -> Iterator[str]:
        for parameter in command.params:
            yield from (*parameter.opts, *parameter.secondary_opts)
        for each in getattr(command, "commands", {}).values():
            yield from options(each)

    assert set(FLAGS.values()) - set(options(get_command(app))) == set()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("`quality`: 'turbo' is unknown. Choose one.", "--quality: 'turbo' is unknown. Choose one."),
        ("a.tif: too large. Use `format=png`.", "a.tif: too large. Use -f png."),
        (
            "Give a smaller `tile_px`, or close other programs.",
            "Give a smaller --tile, or close other programs.",
        ),
        ("a `word` of its own", "a `word` of its own"),
    ],
)
def test_the_command_says_flags(message: str, words: str) -> None:
    assert with_flags(message) == shown(message) == words


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quality": "turbo"}, "quality"),
        ({"preset": "nikon"}, "preset"),
        ({"strength": 7.0}, "strength"),
        ({"seed": -1}, "seed"),
    ],
)
def test_the_library_names_the_argument(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(UsageError, match=rf"^`{field}`: ") as caught:
        lgbpn_cli.denoise_image(np.zeros((4, 4), np.uint8), **wrong)  # type: ignore[arg-type]  # that is what is tried
    assert "--" not in str(caught.value)


def test_the_library_names_the_configuration_s_field() -> None:
    with pytest.raises(UsageError, match="`tile_px`: 3 px is too small"):
        InferenceConfig(tile_px=3)
