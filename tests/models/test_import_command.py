"""`lgbpn models import` and `list`, through the real command."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model_folders import KeepModels
from reference.authors_layout import authors_checkpoint
from reference.networks import random_network
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, read_manifest


@pytest.fixture
def models(tmp_path: Path, keep_models: KeepModels) -> Path:
    """The user's folder of models, empty; nothing is shipped."""
    folder = tmp_path / "own"
    keep_models(folder, tmp_path / "nothing")
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.pth"
    torch.save(authors_checkpoint(random_network(dtype=torch.float32)), path)
    return path


def lgbpn(*arguments: object) -> tuple[int, list[str]]:
    """Return the exit code of the command and the lines it printed."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.output.splitlines()


def test_an_import_goes_to_the_users_models_under_the_files_name(models: Path, checkpoint: Path) -> None:
    assert lgbpn("models", "import", checkpoint)[0] == 0
    assert {name: entry.preset for name, entry in read_manifest(models).items()} == {"theirs": "sidd"}


def test_name_and_preset_can_be_chosen(models: Path, checkpoint: Path) -> None:
    assert lgbpn("models", "import", checkpoint, "--name", "mine", "--preset", "dnd")[0] == 0
    assert {name: entry.preset for name, entry in read_manifest(models).items()} == {"mine": "dnd"}


def test_the_same_import_twice_is_a_success(models: Path, checkpoint: Path) -> None:
    assert [lgbpn("models", "import", checkpoint)[0] for _ in range(2)] == [0, 0]


def test_an_imported_model_is_listed(models: Path, checkpoint: Path) -> None:
    lgbpn("models", "import", checkpoint)
    code, lines = lgbpn("models", "list")
    assert code == 0
    assert [line.split()[0] for line in lines] == ["theirs"]


def test_a_file_that_is_no_checkpoint_ends_with_one_line_and_code_2(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "text.pth"
    path.write_text("not a checkpoint\n" * 9)
    code, lines = lgbpn("models", "import", path)
    assert code == 2
    assert len(lines) == 1
    assert str(path) in lines[0]
    assert not models.exists()


@pytest.mark.parametrize("name", ["auto", "theirs.safetensors", "a b"])
def test_a_name_that_could_not_be_used_is_refused(models: Path, checkpoint: Path, name: str) -> None:
    code, lines = lgbpn("models", "import", checkpoint, "--name", name)
    assert (code, len(lines)) == (2, 1)
    assert "Give it another name" in lines[0]
    assert not models.exists()


def test_a_checkpoint_does_not_hide_a_shipped_model(models: Path, checkpoint: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "nothing"
    shipped.mkdir()
    part = ModelPart("theirs.safetensors", "0" * 64)
    add_entry(ModelEntry("theirs", "sidd", {"teacher": part}, folder=shipped))
    code, lines = lgbpn("models", "import", checkpoint)
    assert (code, len(lines)) == (2, 1)
    assert "ships with lgbpn" in lines[0]
    assert read_manifest(models) == {}


def test_the_weights_of_a_model_of_another_name_are_not_replaced(models: Path, checkpoint: Path) -> None:
    models.mkdir()
    (models / "mine-student.safetensors").write_text("mine")
    student = ModelPart("mine-student.safetensors", "0" * 64)
    add_entry(ModelEntry("mine", "sidd", {"student": student}, folder=models))
    code, lines = lgbpn("models", "import", checkpoint, "--name", "mine-student")
    assert (code, len(lines)) == (2, 1)
    assert "its files would replace those of 'mine'. Choose a different name." in lines[0]
    assert (models / "mine-student.safetensors").read_text() == "mine"
