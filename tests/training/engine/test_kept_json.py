"""What a run notes down: there whole, or as it was before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lgbpn_cli.training.engine.kept_json import keep_json


def test_a_disk_that_fails_leaves_the_old_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    keep_json(path, {"steps": 7})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep_json(path, {"steps": 8})
    assert json.loads(path.read_text(encoding="utf-8")) == {"steps": 7}
    assert list(tmp_path.iterdir()) == [path]
