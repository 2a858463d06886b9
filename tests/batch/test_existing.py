"""Results that are already there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lgbpn_cli.batch.existing import leave_out_existing
from lgbpn_cli.batch.outcome import Job
from lgbpn_cli.batch.targets import TargetPlan
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.write import write_photo

NOW = Record(version="2.0", model="base", settings='{"seed":1}')


def nothing_is_asked(recorded: str, source: Path) -> bool:
    raise AssertionError("results that name no source are everybody's")


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Jobs whose targets are: same, older version, other settings, other model, no record, not there."""
    records = {
        "same.jpg": NOW,
        "older.jpg": Record("1.0", "base", '{"seed":1}'),
        "settings.jpg": Record("2.0", "base", '{"seed":2}'),
        "model.jpg": Record("2.0", "other", '{"seed":1}'),
        "foreign.jpg": None,
    }
    Image.new("RGB", (16, 16)).save(tmp_path / "photo.jpg")
    for name, record in records.items():
        write_photo(read_photo(tmp_path / "photo.jpg"), tmp_path / name, record=record)
    return [Job(Path("in") / name, tmp_path / name) for name in [*records, "missing.jpg"]]


def test_photos_with_a_result_are_skipped_and_those_made_otherwise_are_counted(jobs: list[Job]) -> None:
    remaining = leave_out_existing(TargetPlan(jobs), nothing_is_asked)
    remaining.compare(NOW)
    assert remaining.jobs == jobs[5:]
    assert remaining.skipped == jobs[:5]
    assert remaining.notes() == [
        "5 already there, 2 of them made by another model or with other settings; `overwrite` replaces them",
        "1 of those there do not say that lgbpn made them; `overwrite` would replace them, photos or not",
    ]


def test_results_made_with_the_same_settings_need_no_warning(jobs: list[Job]) -> None:
    remaining = leave_out_existing(TargetPlan(jobs[:2]), nothing_is_asked)
    remaining.compare(NOW)
    assert remaining.notes() == ["2 already there"]


def test_overwrite_does_them_all(jobs: list[Job]) -> None:
    plan = TargetPlan(jobs, output=OutputConfig(overwrite=True))
    remaining = leave_out_existing(plan, nothing_is_asked)
    assert remaining.jobs == jobs
    assert remaining.notes() == []
