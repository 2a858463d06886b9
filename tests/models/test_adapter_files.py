"""Adapters as files: small, complete with the student they belong to, and refused in one line without it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.errors import ModelError
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, file_sha256, user_folder
from lgbpn_cli.models.portable import export_model, import_portable, verify_model
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.models.weight_file import AdaptedBase, read_weights, write_weights
from lgbpn_cli.network.adapter import adapted, no_change
from lgbpn_cli.network.student import Student

SHAPE = StudentConfig(widths=(8, 16), blocks=1)


@pytest.fixture
def cpu() -> Device:
    return choose_device("cpu", Hardware())


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """A user model `old` of a student alone, stored in 16 bit as the shipped one is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    torch.manual_seed(0)
    user_folder().mkdir(parents=True)
    path = user_folder() / "old-student.safetensors"
    weights = {name: torch.randn_like(value) / 10 for name, value in Student(SHAPE).state_dict().items()}
    write_weights(path, {name: value.half() for name, value in weights.items()}, SHAPE, "sidd")
    entry = ModelEntry(
        "old", "sidd", {"student": ModelPart(path.name, file_sha256(path))}, folder=user_folder()
    )
    add_entry(entry)
    return entry


@pytest.fixture
def adapter(base: ModelEntry) -> dict[str, torch.Tensor]:
    weights = read_weights(base.part_path("student"))[0].state_dict()
    return {name: value + 0.1 * torch.randn_like(value) for name, value in no_change(weights).items()}


@pytest.fixture
def mine(base: ModelEntry, adapter: dict[str, torch.Tensor]) -> ModelEntry:
    adapts = AdaptedBase("old", base.parts["student"].sha256)
    new = Publication(
        "mine", "student", adapter, SHAPE, "sidd", "adapter", "own photos", "own", 3, "lgbpn finetune",
        begins_model=True, adapts=adapts, base="old",
    )  # fmt: skip
    return publish(new, user_folder())


def test_an_adapter_is_loaded_with_its_student(
    mine: ModelEntry, base: ModelEntry, adapter: dict[str, torch.Tensor], cpu: Device
) -> None:
    expected = adapted(read_weights(base.part_path("student"))[0].state_dict(), adapter)
    for name in ("mine", str(mine.part_path("student"))):
        found = load_model(name, device=cpu)
        assert found.part == "student"
        for key, value in found.network.state_dict().items():
            torch.testing.assert_close(value, expected[key])
    verify_model(mine)


def test_the_student_is_found_whatever_its_model_is_called(
    mine: ModelEntry, base: ModelEntry, cpu: Device
) -> None:
    manifest = user_folder() / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"name": "old"', '"name": "renamed"'), "utf-8")
    assert load_model("mine", device=cpu).part == "student"


@pytest.mark.parametrize("gone", [True, False])
def test_without_its_student_an_adapter_is_refused_in_one_line(
    gone: bool, mine: ModelEntry, base: ModelEntry, cpu: Device
) -> None:
    path = base.part_path("student")
    if gone:
        path.unlink()
    else:  # a newer version ships another one
        write_weights(path, Student(SHAPE).state_dict(), SHAPE, "sidd")
        entry = ModelEntry(
            "old", "sidd", {"student": ModelPart(path.name, file_sha256(path))}, folder=user_folder()
        )
        add_entry(entry)
    with pytest.raises(
        ModelError, match="is missing" if gone else "a student of 'old' that is not here"
    ) as error:
        load_model("mine", device=cpu)
    assert "\n" not in str(error.value)


def test_an_adapter_travels_and_names_what_it_needs(mine: ModelEntry, tmp_path: Path) -> None:
    file = tmp_path / "mine.lgbpn"
    export_model(mine, file, overwrite=False)
    again = import_portable(file, folder=tmp_path / "other", name="again")
    verify_model(again)
    (user_folder() / "manifest.json").unlink()
    with pytest.raises(ModelError, match="is not here"):
        import_portable(file, folder=tmp_path / "elsewhere", name="again")


def test_an_adapter_of_another_shape_is_no_weight_file(
    mine: ModelEntry, base: ModelEntry, cpu: Device
) -> None:
    other = no_change(Student(StudentConfig(widths=(4, 8), blocks=1)).state_dict())
    path = user_folder() / "wrong.safetensors"
    write_weights(path, other, SHAPE, "sidd", adapts=AdaptedBase("old", base.parts["student"].sha256))
    with pytest.raises(ModelError, match="not a usable weight file"):
        load_model(str(path), device=cpu)


def test_what_a_model_has_no_part_for_its_base_does(mine: ModelEntry, base: ModelEntry, cpu: Device) -> None:
    with pytest.raises(ModelError, match="it has no teacher"):
        load_model("mine", part="teacher", device=cpu)
    assert mine.with_part("student") is mine
    assert mine.with_part("teacher").name == "old"
