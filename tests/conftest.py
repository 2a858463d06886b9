"""What every test may ask for: the repository and the data that is too large or too foreign to live in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
import typer.testing
from browser import open_chromium
from model_folders import KeepModels, keep_models_by
from warm_processes import WarmSubprocess

from lgbpn_cli.photos import reading_process

SLOW = (
    "tests/training",
    "tests/research",
    "tests/cli/test_distill_command.py",
    "tests/cli/test_train_command.py",
    "tests/cli/test_train_raw_command.py",
    "tests/fuzz",
    "tests/evaluation/test_burst.py",
    "tests/evaluation/test_raw_pairs.py",
    "tests/models/test_onnx_file.py",
    "tests/photos/heif/test_avif_threads.py",
    "tests/preview/test_parts.py",
    "tests/test_packaging.py",
    "tests/test_quality_table.py",
)
"""Where tests train networks, measure quality, or install the program; other slow ones say so themselves."""
PROCESS_FIXTURES = {"lgbpn", "start_lgbpn", "installed", "chromium"}
"""Fixtures that start a process of their own; `lgbpn` reads photos in one, as the program does."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, what needs the folder of test photos, and what starts processes (see CONTRIBUTING.md)."""
    root = Path(__file__).parent.parent
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if item.path.relative_to(root).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if "data_root" in item.fixturenames:
            item.add_marker(pytest.mark.data)
        if PROCESS_FIXTURES.intersection(item.fixturenames) or _starts_process(item.function):
            item.add_marker(pytest.mark.process)


def _starts_process(function: FunctionType, depth: int = 3) -> bool:
    """Whether a test runs another program, by itself or by a function of the tests that it calls."""
    names = _names_in(function.__code__)
    if "subprocess" in names:
        return True
    called = [function.__globals__.get(name) for name in names] if depth else []
    return any(
        isinstance(each, FunctionType)
        and not each.__module__.startswith("lgbpn_cli")
        and _starts_process(each, depth - 1)
        for each in called
    )


def _names_in(code: CodeType) -> list[str]:
    """Every name that a function uses, in its comprehensions and inner functions, too."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return [*code.co_names, *(name for each in inner for name in _names_in(each))]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def warm_readers() -> Iterator[None]:
    """Reading processes of runs in this process start at once."""
    if sys.platform != "linux":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_process, "subprocess", WarmSubprocess)
        yield


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Typer's test runner would build all commands for every call, as a process does once: 30 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command), raising=False)
        yield


@pytest.fixture
def keep_models(monkeypatch: pytest.MonkeyPatch) -> KeepModels:
    """Let models be looked for in folders of the test."""
    return keep_models_by(monkeypatch)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests of a module."""
    driver = open_chromium(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def data_root(repo_root: Path) -> Path:
    """The folder of test photos: LGBPN_DATA, or ../shared/data beside the repository."""
    named = os.environ.get("LGBPN_DATA")
    root = Path(named) if named else repo_root / ".." / "shared" / "data"
    if not root.is_dir():
        pytest.skip(f"no test photos at {root}; set LGBPN_DATA to their folder")
    return root.resolve()


@pytest.fixture(scope="session")
def cases(data_root: Path) -> Path:
    """The folder of files that once went wrong."""
    folder = data_root / "cases"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder
