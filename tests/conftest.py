"""What every test may ask for: the repository and the data that is too large or too foreign to live in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_root(repo_root: Path) -> Path:
    """The folder of test photos: LGBPN_DATA, or ../shared/data beside the repository."""
    named = os.environ.get("LGBPN_DATA")
    root = Path(named) if named else repo_root / ".." / "shared" / "data"
    if not root.is_dir():
        pytest.skip(f"no test photos at {root}; set LGBPN_DATA to their folder")
    return root.resolve()
