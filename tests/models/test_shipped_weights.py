"""The models in `weights/`: each whole, small enough, and described."""

from __future__ import annotations

from pathlib import Path

import pytest

from lgbpn_cli.config import PRESETS
from lgbpn_cli.machine.device import Hardware, choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.models.manifest import ModelEntry, file_sha256, read_manifest, shipped_noise_estimator
from lgbpn_cli.models.names import DEFAULT_MODEL

LARGEST_BYTES = 8 * 10**6


@pytest.fixture
def shipped(repo_root: Path) -> dict[str, ModelEntry]:
    return read_manifest(repo_root / "weights")


def files_of(shipped: dict[str, ModelEntry]) -> list[tuple[ModelEntry, str]]:
    return [(entry, part) for entry in shipped.values() for part in entry.parts]


def test_the_default_model_is_shipped(shipped: dict[str, ModelEntry]) -> None:
    assert DEFAULT_MODEL in shipped


def test_every_checksum_is_that_of_its_file(shipped: dict[str, ModelEntry]) -> None:
    for entry, part in files_of(shipped):
        assert file_sha256(entry.part_path(part)) == entry.parts[part].sha256, entry.name


def test_no_weight_file_is_larger_than_8_mb(shipped: dict[str, ModelEntry]) -> None:
    for entry, part in files_of(shipped):
        assert entry.part_path(part).stat().st_size <= LARGEST_BYTES, entry.name


def test_every_weight_file_is_listed(shipped: dict[str, ModelEntry], repo_root: Path) -> None:
    listed = {entry.parts[part].file for entry, part in files_of(shipped)}
    listed.add(shipped_noise_estimator()[0].name)  # whose checksum is compared here
    assert {path.name for path in (repo_root / "weights").glob("*.safetensors")} == listed


def test_every_entry_says_where_it_comes_from(shipped: dict[str, ModelEntry]) -> None:
    for entry in shipped.values():
        assert entry.training_data, entry.name
        assert entry.licence, entry.name
        assert entry.date, entry.name
        assert entry.command, entry.name
        assert entry.steps > 0, entry.name
        assert entry.preset in PRESETS, entry.name


def test_the_noise_estimator_has_its_card(repo_root: Path) -> None:
    path, sha256 = shipped_noise_estimator()
    assert sha256 in (repo_root / "weights" / path.with_suffix(".md").name).read_text(encoding="utf-8")


def test_every_model_has_its_card(shipped: dict[str, ModelEntry]) -> None:
    for entry in shipped.values():
        card = (entry.folder / entry.card).read_text(encoding="utf-8")
        assert entry.name in card
        assert all(part.sha256 in card for part in entry.parts.values())


def test_every_teacher_loads(shipped: dict[str, ModelEntry]) -> None:
    for name, entry in shipped.items():
        if "teacher" in entry.parts:
            assert load_model(name, device=choose_device("cpu", Hardware())).preset == entry.preset
