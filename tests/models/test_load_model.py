"""Loading a model by name or by file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_folders import KeepModels
from reference.networks import TINY, random_network

from lgbpn_cli.errors import ModelError
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, file_sha256
from lgbpn_cli.models.weight_file import write_weights

CPU: Device = choose_device("cpu", Hardware())


@pytest.fixture
def models(tmp_path: Path, keep_models: KeepModels) -> Path:
    """A folder with one model, `tiny`, as the user's own; nothing is shipped."""
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "tiny.safetensors"
    write_weights(path, random_network(dtype=torch.float32).state_dict(), TINY, "dnd")
    add_entry(ModelEntry("tiny", "sidd", {"teacher": ModelPart(path.name, file_sha256(path))}, folder=folder))
    keep_models(folder, tmp_path / "nothing")
    return folder


def test_a_model_is_loaded_by_its_name(models: Path) -> None:
    model = load_model("tiny", device=CPU)
    assert model.name == "tiny"
    assert model.sha256 == file_sha256(models / "tiny.safetensors")
    assert model.network.config == TINY
    assert model.device is CPU


def test_the_manifest_decides_which_preset_a_named_model_uses(models: Path) -> None:
    assert load_model("tiny", device=CPU).preset == "sidd"


def test_a_file_brings_its_own_preset(models: Path) -> None:
    model = load_model(str(models / "tiny.safetensors"), device=CPU)
    assert model.name == "tiny"
    assert model.preset == "dnd"


def test_a_file_with_another_checksum_is_refused(models: Path) -> None:
    path = models / "tiny.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged.*checksum"):
        load_model("tiny", device=CPU)


def test_a_file_that_is_gone_is_refused(models: Path) -> None:
    (models / "tiny.safetensors").unlink()
    with pytest.raises(ModelError, match="missing"):
        load_model("tiny", device=CPU)


def test_an_unknown_name_is_refused_naming_those_there_are(models: Path) -> None:
    with pytest.raises(ModelError, match="Models here: tiny"):
        load_model("huge", device=CPU)


def test_an_unknown_file_is_refused(models: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.safetensors"):
        load_model("nowhere.safetensors", device=CPU)


@pytest.mark.parametrize("file", ["nowhere/base.lgbpn", "base.lgbpn", "LGBPN_SIDD.pth"])
def test_a_file_that_has_to_be_imported_is_said_to_be_one(models: Path, file: str) -> None:
    with pytest.raises(ModelError, match=f"it must be imported first. Use lgbpn models import {file}"):
        load_model(file, device=CPU)


def test_the_path_of_another_file_is_no_unknown_name(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes").touch()
    monkeypatch.chdir(tmp_path)
    for file in (str(tmp_path / "notes"), "notes", "nowhere/notes"):
        with pytest.raises(ModelError, match=rf"{file}: only a weight file \(\.safetensors\)"):
            load_model(file, device=CPU)


def test_a_model_that_is_called_like_a_file_there_is_loaded(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").touch()
    monkeypatch.chdir(tmp_path)
    assert load_model("tiny", device=CPU).name == "tiny"


def test_a_part_that_is_not_there_is_refused_naming_what_is(models: Path) -> None:
    with pytest.raises(ModelError, match=r"it has no student.*teacher"):
        load_model("tiny", part="student", device=CPU)


def test_an_unknown_preset_in_the_manifest_is_refused(models: Path) -> None:
    path = models / "tiny.safetensors"
    entry = ModelEntry("tiny", "sidd", {"teacher": ModelPart(path.name, file_sha256(path))}, folder=models)
    add_entry(replace(entry, preset="raw"))
    with pytest.raises(ModelError, match="preset 'raw' is unknown"):
        load_model("tiny", device=CPU)
