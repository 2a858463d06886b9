"""A short campaign of damaged files; `mutations.py` beside this file runs long ones."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from mutations import damaged, run
from small_samples import make_samples

from lgbpn_cli.photos.prepare import read_as_result

FILES = int(os.environ.get("LGBPN_FUZZ_FILES", "400"))


@pytest.fixture
def samples(tmp_path: Path) -> list[Path]:
    (tmp_path / "samples").mkdir()
    return make_samples(tmp_path / "samples")


def test_damaged_files_give_photos_or_photo_errors(samples: list[Path], tmp_path: Path) -> None:
    campaign = run(samples, FILES, 1, tmp_path)
    assert campaign.faults == []
    assert sum(campaign.outcomes.values()) == FILES
    # Were all refused, the damage would not reach what lies behind the headers.
    assert campaign.outcomes["read"] + campaign.outcomes["damage told"] > FILES / 20
    assert campaign.outcomes["refused"] > FILES / 20


def test_a_fault_is_found_and_named_by_its_seed(
    samples: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgbpn_cli.photos.prepare.read_as_result", crash)
    campaign = run(samples, 1, 5, tmp_path)
    assert len(campaign.faults) == 1
    assert campaign.faults[0].startswith("5:0 ")


def crash(*arguments: object) -> object:
    """Stand for a decoder that crashes."""
    os.abort()


def test_the_same_seed_gives_the_same_damage() -> None:
    data = bytes(range(256)) * 10
    one, again, other = (damaged(data, random.Random(seed), data) for seed in ("1", "1", "2"))
    assert one == again != data
    assert one != other
    assert read_as_result.__module__ == "lgbpn_cli.photos.prepare"
