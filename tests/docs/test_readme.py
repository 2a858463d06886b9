"""README stays short, leads to files that are there, and gives figures that docs/results.md has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

MOST_BYTES = 6 * 1024
INSTALL_AND_DENOISE = "pip install . && lgbpn denoise examples/ -o denoised/"
INSTALL_AND_TEST = 'pip install ".[test]" && pytest'


@pytest.fixture
def readme(repo_root: Path) -> str:
    return (repo_root / "README.md").read_text("utf-8")


def test_it_is_short(readme: str) -> None:
    assert len(readme.encode()) <= MOST_BYTES


def test_the_two_commands_that_set_the_project_up_are_there(readme: str, repo_root: Path) -> None:
    assert INSTALL_AND_DENOISE in readme
    assert INSTALL_AND_TEST in readme
    assert INSTALL_AND_TEST.removeprefix("pip install ") in (repo_root / ".ci" / "run").read_text("utf-8")


def test_every_file_that_a_page_of_the_project_leads_to_is_there(repo_root: Path) -> None:
    pages = [*repo_root.glob("*.md"), *(repo_root / "docs").rglob("*.md"), *repo_root.glob("*/*.md")]
    lost = [
        (page.relative_to(repo_root), link)
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not lost


def test_its_python_names_are_public(readme: str) -> None:
    import lgbpn_cli

    names = set(re.findall(r"lgbpn_cli\.(\w+)", readme))
    assert names
    assert names <= set(lgbpn_cli.__all__)


def test_extras_that_pages_name_exist(repo_root: Path) -> None:
    extras = tomllib.loads((repo_root / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    pages = [*repo_root.glob("*.md"), *(repo_root / "docs").rglob("*.md")]
    named = {extra for page in pages for extra in re.findall(r'"\.\[(\w+)\]"', page.read_text("utf-8"))}
    assert named
    assert named <= extras.keys()
