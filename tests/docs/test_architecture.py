"""ARCHITECTURE.md names rooms and files that are there, and leaves no room of the package out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture
def text(repo_root: Path) -> str:
    return (repo_root / "ARCHITECTURE.md").read_text("utf-8")


def test_what_it_names_is_there(text: str, repo_root: Path) -> None:
    named = set(re.findall(r"`([\w/]+/|[\w/]+\.(?:py|md))`", text))
    assert len(named) > 30
    package = repo_root / "lgbpn_cli"
    places = (repo_root, package, package / "training", package / "photos")
    assert not [name for name in named if not any((place / name).exists() for place in places)]


def test_no_room_is_left_out(text: str, repo_root: Path) -> None:
    package = repo_root / "lgbpn_cli"
    rooms = [f"{each.parent.name}/" for each in package.glob("*/__init__.py")]
    rooms += [each.name for each in package.glob("[!_]*.py")]
    assert not [room for room in rooms if f"`{room}`" not in text]


def test_no_wing_of_training_is_left_out(text: str, repo_root: Path) -> None:
    wings = [each.parent.name for each in (repo_root / "lgbpn_cli" / "training").glob("*/__init__.py")]
    assert wings
    assert not [wing for wing in wings if f"`{wing}/`" not in text]
