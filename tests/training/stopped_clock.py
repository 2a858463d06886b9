"""A clock that a test turns, for all that a fine-tuning asks for the time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

MODULES = (
    "engine.trainer",
    "finetune.run",
    "finetune.teacher",
    "finetune.folder",
    "finetune.photos",
    "finetune.raw",
    "finetune.mosaics",
    "finetune.student",
    "finetune.in_time",
    "finetune.teacher_verdict",
)


class Clock:
    """Stands in for the time, in all that asks for it during a run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        for module in MODULES:
            time = SimpleNamespace(monotonic=self.read, process_time=self.read)
            monkeypatch.setattr(f"lgbpn_cli.training.{module}.time", time)

    def read(self) -> float:
        return self.now
