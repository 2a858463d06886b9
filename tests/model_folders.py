"""The folders that models are looked for in while a test runs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from lgbpn_cli.models import manifest


class KeepModels(Protocol):
    """The fixture `keep_models`."""

    def __call__(self, own: Path, shipped: Path | None = None) -> None:
        """Let models be looked for in the user's folder `own`, and those that come with lgbpn in `shipped`."""


def keep_models_by(monkeypatch: pytest.MonkeyPatch) -> KeepModels:
    """Return what does so until the test is over."""

    def keep(own: Path, shipped: Path | None = None) -> None:
        monkeypatch.setattr(manifest, "user_folder", lambda: own)
        if shipped is not None:
            monkeypatch.setattr(manifest, "shipped_folder", lambda: shipped)

    return keep
