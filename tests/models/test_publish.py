"""Publishing a network: nothing that a model has is lost or hidden, and what no model can be called is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_folders import KeepModels

from lgbpn_cli.config import NetworkConfig, StudentConfig
from lgbpn_cli.errors import ModelError
from lgbpn_cli.models import publish as publishing
from lgbpn_cli.models.manifest import all_models, check_file, read_manifest
from lgbpn_cli.models.publish import Publication, check_new_name, publish
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student

TEACHER = NetworkConfig(width=4, head_width=2, local_modules=1, global_blocks=1)
STUDENT = StudentConfig(widths=(4, 4))


def some(part: str, name: str = "base", seed: int = 0) -> Publication:
    torch.manual_seed(seed)
    shape = TEACHER if part == "teacher" else STUDENT
    network = LGBPN(TEACHER) if part == "teacher" else Student(STUDENT)
    return Publication(
        name=name,
        part=part,
        weights={key: value + torch.rand(value.shape) for key, value in network.state_dict().items()},
        shape=shape,
        preset="dnd",
        network=f"a {part}",
        data=f"photos of the {part}",
        licence="CC0",
        steps=3 + seed,
        command=f"lgbpn make {part}",
        details=("Some more.",),
    )


@pytest.fixture
def shipped(tmp_path: Path, keep_models: KeepModels) -> Path:
    """A folder with a whole shipped model; the user's own is beside it."""
    folder = tmp_path / "shipped"
    keep_models(tmp_path / "own", folder)
    publish(some("teacher"), folder)
    publish(some("student"), folder)
    return folder


@pytest.mark.parametrize(("part", "other"), [("student", "teacher"), ("teacher", "student")])
def test_a_new_part_of_a_shipped_model_does_not_hide_its_other_part(
    part: str, other: str, shipped: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    entry = publish(some(part, seed=7), own)
    assert all_models()["base"] == entry
    assert set(entry.parts) == {"teacher", "student"}
    was = read_manifest(shipped)["base"]
    assert entry.parts[other].sha256 == was.parts[other].sha256
    assert entry.parts[part].sha256 != was.parts[part].sha256
    for name in entry.parts:
        check_file(name, entry.part_path(name), entry.parts[name].sha256)
        assert entry.part_path(name).is_relative_to(own)
    assert entry.training_data == "photos of the teacher; student: photos of the student"


@pytest.mark.parametrize("part", ["student", "teacher"])
def test_a_part_that_is_made_again_replaces_itself_alone(part: str, tmp_path: Path) -> None:
    publish(some("teacher"), tmp_path)
    before = publish(some("student"), tmp_path)
    after = publish(some(part, seed=1), tmp_path)
    assert {name for name in after.parts if after.parts[name] == before.parts[name]} == {
        "teacher",
        "student",
    } - {part}
    weights = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert weights == sorted(each.file for each in after.parts.values())
    card = (tmp_path / after.card).read_text("utf-8")
    assert card.startswith("# base\n")
    assert (card.count("## The teacher"), card.count("## The student")) == (1, 1)
    assert after.parts[part].sha256 in card
    assert before.parts[part].sha256 not in card


def test_what_a_card_said_besides_stays(tmp_path: Path) -> None:
    entry = publish(some("student"), tmp_path)
    card = tmp_path / entry.card
    card.write_text(card.read_text("utf-8") + "\n## Limits\n\nFew.\n", "utf-8")
    publish(some("student", seed=1), tmp_path)
    assert card.read_text("utf-8").endswith("## Limits\n\nFew.\n")
    assert card.read_text("utf-8").count("Some more.") == 1


def test_a_model_that_begins_anew_has_no_part_of_the_old_one(tmp_path: Path) -> None:
    publish(some("student"), tmp_path)
    entry = publish(replace(some("teacher"), begins_model=True), tmp_path)
    assert set(entry.parts) == {"teacher"}
    assert [path.name for path in tmp_path.glob("*.safetensors")] == [entry.parts["teacher"].file]
    assert "student" not in (tmp_path / entry.card).read_text("utf-8")


def test_a_run_killed_while_it_publishes_leaves_the_model_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish(some("teacher"), tmp_path)

    def killed(*_: object, **options: object) -> None:
        raise KeyboardInterrupt

    for step in ("file_sha256", "_write_card", "add_entry"):
        with monkeypatch.context() as patch:
            patch.setattr(publishing, step, killed)
            with pytest.raises(KeyboardInterrupt):
                publish(some("teacher", seed=2), tmp_path)
        assert read_manifest(tmp_path)["base"] == before
        check_file("the teacher", before.part_path("teacher"), before.parts["teacher"].sha256)
    after = publish(some("teacher", seed=2), tmp_path)
    network, _ = read_weights(after.part_path("teacher"))
    assert network.state_dict().keys() == some("teacher").weights.keys()


@pytest.mark.parametrize("name", ["kitchen.safetensors", "my kitchen", "auto", "scratch", "", "../x", "-x"])
def test_what_no_model_can_be_called_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model '"):
        publish(some("teacher", name), tmp_path)
    with pytest.raises(ModelError, match="model '"):
        check_new_name(name)
    assert list(tmp_path.glob("*.safetensors")) == []


def test_the_name_of_a_shipped_model_is_not_for_a_user_s_own(shipped: Path) -> None:
    with pytest.raises(ModelError, match="a model that ships with lgbpn has this name"):
        check_new_name("base")
    check_new_name("base2")
