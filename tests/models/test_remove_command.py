"""`lgbpn models remove`, through the real command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from model_folders import KeepModels
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.models.manifest import (
    LOCK_NAME,
    MANIFEST_NAME,
    ModelEntry,
    ModelPart,
    add_entry,
    read_manifest,
)


@pytest.fixture
def models(tmp_path: Path, keep_models: KeepModels) -> Path:
    """The user's folder of models with `mine`; `base` is shipped."""
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for folder, name in ((own, "mine"), (shipped, "base")):
        folder.mkdir()
        add_model(name, folder)
    keep_models(own, shipped)
    return own


def add_model(name: str, folder: Path) -> ModelEntry:
    """Add a model of two weight files, which nobody reads here, and a card."""
    parts = {
        "teacher": ModelPart(f"{name}.safetensors", "0" * 64),
        "student": ModelPart(f"{name}-student.safetensors", "0" * 64),
    }
    entry = ModelEntry(name, "sidd", parts, card=f"{name}.md", folder=folder)
    for file in (*(part.file for part in parts.values()), entry.card):
        (folder / file).write_text(name)
    add_entry(entry)
    return entry


def remove(name: str) -> tuple[int, list[str]]:
    """Return the exit code of the command and the lines it printed."""
    result = CliRunner().invoke(app, ["models", "remove", name])
    return result.exit_code, result.output.splitlines()


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOCK_NAME}


def test_a_model_goes_with_its_files_and_the_others_stay(models: Path) -> None:
    before = files_in(models)
    add_model("second", models)
    assert remove("second") == (0, [f"removed 'second' from {models}"])
    assert files_in(models) == before
    assert list(read_manifest(models)) == ["mine"]


def test_a_shipped_model_stays(models: Path, tmp_path: Path) -> None:
    code, lines = remove("base")
    assert code == 2
    assert lines == ["lgbpn: model 'base': it ships with lgbpn. Only your own models can be removed."]
    assert (tmp_path / "shipped" / "base.safetensors").exists()


def test_of_two_models_of_one_name_the_users_own_goes(models: Path, tmp_path: Path) -> None:
    add_model("base", models)
    assert remove("base")[0] == 0
    assert files_in(tmp_path / "shipped") == {
        MANIFEST_NAME,
        "base.safetensors",
        "base-student.safetensors",
        "base.md",
    }
    assert list(read_manifest(models)) == ["mine"]


def test_an_unknown_model_is_named(models: Path) -> None:
    code, lines = remove("nothing")
    assert (code, len(lines)) == (2, 1)
    assert "there is no model with this name. Models here: base, mine." in lines[0]


def test_a_file_of_another_model_stays(models: Path) -> None:
    mine = read_manifest(models)["mine"]
    add_entry(replace(mine, name="second", parts={"student": mine.parts["student"]}, card=""))
    assert remove("mine")[0] == 0
    assert files_in(models) == {MANIFEST_NAME, "mine-student.safetensors"}


@pytest.mark.parametrize(
    "elsewhere", ["../other.safetensors", "inner/other.safetensors", "absolute", "folder"]
)
def test_a_file_elsewhere_stays(models: Path, tmp_path: Path, elsewhere: str) -> None:
    for folder in (models / "inner", models / "folder"):
        folder.mkdir()
    for path in (tmp_path / "other.safetensors", models / "inner" / "other.safetensors"):
        path.touch()
    file = str(tmp_path / "other.safetensors") if elsewhere == "absolute" else elsewhere
    mine = read_manifest(models)["mine"]
    add_entry(replace(mine, parts={"teacher": ModelPart(file, "0" * 64)}, card=file))
    assert remove("mine")[0] == 0
    assert (models / file).exists()


def test_a_file_that_is_missing_is_no_hindrance(models: Path) -> None:
    (models / "mine.safetensors").unlink()
    assert remove("mine")[0] == 0
    assert files_in(models) == {MANIFEST_NAME}


def test_what_cannot_be_removed_is_one_line(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    code, lines = remove("mine")
    assert (code, len(lines)) == (2, 1)
    assert "cannot be changed (Permission denied)" in lines[0]
