"""The manifest of a folder of models."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
from model_folders import KeepModels

from lgbpn_cli.errors import ModelError
from lgbpn_cli.models import manifest
from lgbpn_cli.models.manifest import (
    LOCK_NAME,
    MANIFEST_NAME,
    ModelEntry,
    ModelPart,
    add_entry,
    all_models,
    check_file,
    file_sha256,
    find_model,
    read_manifest,
    shipped_folder,
    shipped_noise_estimator,
)


def entry_in(folder: Path, name: str = "one", **fields: str) -> ModelEntry:
    parts = {"teacher": ModelPart(f"{name}.safetensors", "0" * 64)}
    return replace(ModelEntry(name=name, preset="sidd", parts=parts, folder=folder), **fields)  # type: ignore[arg-type]


@pytest.fixture
def folders(tmp_path: Path, keep_models: KeepModels) -> tuple[Path, Path]:
    """The shipped models' folder and the user's, both empty."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    keep_models(own, shipped)
    return shipped, own


def test_an_entry_comes_back_as_it_was_added(tmp_path: Path) -> None:
    entry = entry_in(tmp_path, licence="CC0", command="lgbpn train x.toml", training_data="Straße")
    add_entry(entry)
    assert read_manifest(tmp_path) == {"one": entry}
    assert read_manifest(tmp_path)["one"].part_path("teacher") == tmp_path / "one.safetensors"


def test_entries_are_added_to_those_there_are(tmp_path: Path) -> None:
    add_entry(entry_in(tmp_path, "one"))
    add_entry(entry_in(tmp_path, "two"))
    assert sorted(read_manifest(tmp_path)) == ["one", "two"]


def test_what_else_the_manifest_names_stays(tmp_path: Path) -> None:
    estimator = {"file": "noise-estimator.safetensors", "sha256": "0" * 64}
    (tmp_path / MANIFEST_NAME).write_text(
        json.dumps({"models": [], "noise_estimator": estimator}), encoding="utf-8"
    )
    add_entry(entry_in(tmp_path))
    document = json.loads((tmp_path / MANIFEST_NAME).read_text(encoding="utf-8"))
    assert document["noise_estimator"] == estimator
    assert len(document["models"]) == 1


def test_a_manifest_without_a_noise_estimator_is_said_to_have_none(folders: tuple[Path, Path]) -> None:
    add_entry(entry_in(folders[0]))
    with pytest.raises(ModelError, match="it names no noise estimator"):
        shipped_noise_estimator()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(manifest, "file_sha256", refuse)
    (tmp_path / "x").touch()
    with pytest.raises(ModelError, match="cannot be read"):
        check_file("model 'x'", tmp_path / "x", "0" * 64)


def test_an_entry_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    add_entry(entry_in(tmp_path, licence="old"))
    add_entry(entry_in(tmp_path, licence="new"))
    assert [entry.licence for entry in read_manifest(tmp_path).values()] == ["new"]


def test_the_manifest_does_not_say_where_its_folder_lies(tmp_path: Path) -> None:
    add_entry(entry_in(tmp_path))
    assert str(tmp_path) not in (tmp_path / MANIFEST_NAME).read_text()


def test_adding_leaves_nothing_but_the_manifest(tmp_path: Path) -> None:
    add_entry(entry_in(tmp_path))
    # Some versions of filelock leave the lock's empty file.
    assert {path.name for path in tmp_path.iterdir()} - {LOCK_NAME} == {MANIFEST_NAME}


def add_five(folder: Path, process: int) -> None:
    for number in range(5):
        add_entry(entry_in(folder, f"model-{process}-{number}"))


def test_processes_that_add_at_once_lose_no_entry(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=add_five, args=(tmp_path, number)) for number in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    assert [each.exitcode for each in processes] == [0] * 4
    assert len(read_manifest(tmp_path)) == 20


def test_a_folder_without_a_manifest_has_no_models(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == {}
    assert read_manifest(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"models": 5}',
        b'{"models": [1]}',
        b'{"models": [{"preset": "sidd"}]}',
        b'{"models": [{"name": "a", "preset": "sidd", "parts": []}]}',
        b'{"models": [{"name": "a", "preset": "sidd", "parts": {"teacher": {"file": "x"}}}]}',
        b'{"models": [{"name": "a", "preset": "sidd", "parts": {}, "surprise": 1}]}',
        b'{"models": [{"name": "a", "parts": {}}]}',
        b'{"models": [{"name": ["a"], "preset": "sidd", "parts": {}}]}',
        b'{"models": [{"name": "a", "preset": "sidd", "parts": {}, "cameras": [["x"]]}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
    ids=lambda content: repr(content[:60]),
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(ModelError, match=MANIFEST_NAME) as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_cure_of_a_damaged_manifest_depends_on_whose_it_is(folders: tuple[Path, Path]) -> None:
    shipped, own = folders
    (own / MANIFEST_NAME).write_text("{")
    with pytest.raises(ModelError, match=r"own.manifest\.json: .*Fix or delete this file"):
        all_models()
    (shipped / MANIFEST_NAME).write_text("{")
    with pytest.raises(ModelError, match=r"shipped.manifest\.json: .*Install again\."):
        all_models()


def test_nothing_is_added_to_a_damaged_manifest(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_text("{")
    with pytest.raises(ModelError):
        add_entry(entry_in(tmp_path))
    assert (tmp_path / MANIFEST_NAME).read_text() == "{"


def test_shipped_models_and_the_users_own_are_found(folders: tuple[Path, Path]) -> None:
    shipped, own = folders
    add_entry(entry_in(shipped, "base"))
    add_entry(entry_in(own, "mine"))
    assert sorted(all_models()) == ["base", "mine"]
    assert find_model("base").folder == shipped
    assert find_model("mine").folder == own


def test_a_users_model_hides_a_shipped_one_of_the_same_name(folders: tuple[Path, Path]) -> None:
    shipped, own = folders
    add_entry(entry_in(shipped, "base"))
    add_entry(entry_in(own, "base"))
    assert find_model("base").folder == own


def test_what_a_model_that_hides_a_shipped_one_has_not_the_shipped_one_does(
    folders: tuple[Path, Path],
) -> None:
    shipped, own = folders
    add_entry(entry_in(shipped, "base"))
    add_entry(replace(entry_in(own, "base"), parts={"student": ModelPart("own.safetensors", "0" * 64)}))
    found = find_model("base")
    assert found.with_part("student").folder == own
    assert found.with_part("teacher").folder == shipped
    assert found.with_part("raw").folder == own  # neither has one


def test_an_unknown_name_is_refused_naming_the_models_there_are(folders: tuple[Path, Path]) -> None:
    add_entry(entry_in(folders[0], "base"))
    add_entry(entry_in(folders[1], "mine"))
    with pytest.raises(ModelError, match="base, mine"):
        find_model("nothing")


def test_a_missing_part_is_refused_naming_the_parts_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it has no student.*It has: teacher"):
        entry_in(tmp_path).part_path("student")


def test_the_checksum_is_sha256_of_the_whole_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_the_shipped_folder_is_the_projects_weights(repo_root: Path) -> None:
    found = shipped_folder()
    assert found.name == "weights"
    assert (found / MANIFEST_NAME).is_file()
    expected = json.loads((repo_root / "weights" / MANIFEST_NAME).read_text())
    assert json.loads((found / MANIFEST_NAME).read_text()) == expected


def test_the_model_of_a_camera_is_the_one_nearest_in_iso(tmp_path: Path, keep_models: KeepModels) -> None:
    keep_models(tmp_path)
    for name, camera, iso in (("low", "EOS 5D", 400), ("high", "EOS 5D", 6400), ("phone", "Pixel", 800)):
        part = {"teacher": ModelPart("a.safetensors", "0")}
        manifest.add_entry(ModelEntry(name, "sidd", part, cameras=((camera, iso),), folder=tmp_path))
    assert manifest.model_for_camera("EOS 5D", 800, None) == "low"
    assert manifest.model_for_camera("EOS 5D", 3200, "teacher") == "high"
    assert manifest.model_for_camera("EOS 5D", 3200, "student") is None
    assert manifest.model_for_camera("D800", 800, None) is None
    assert manifest.model_for_camera("", 800, None) is None


def test_a_model_that_learned_from_raw_files_is_for_these(tmp_path: Path, keep_models: KeepModels) -> None:
    keep_models(tmp_path)
    shots = (("EOS 5D", 6400),)
    student, raw = (ModelPart(f"{name}.safetensors", "0") for name in ("s", "r"))
    manifest.add_entry(
        ModelEntry("a", "sidd", {"student": student, "raw": raw}, cameras=shots, folder=tmp_path)
    )
    assert manifest.model_for_camera("EOS 5D", 6400, "student") == "a"
    manifest.add_entry(ModelEntry("b", "sidd", {"student": student}, cameras=shots, folder=tmp_path))
    assert manifest.model_for_camera("EOS 5D", 6400, "raw") == "a"
    assert manifest.model_for_camera("EOS 5D", 6400, "student") == "b"
    assert manifest.model_for_camera("EOS 5D", 6400, None) == "b"
