"""`lgbpn models path`, `verify`, `export` and `import` of an exported file, through the real command."""

from __future__ import annotations

import json
import os
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_folders import KeepModels
from reference.networks import TINY, random_network
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.manifest import (
    MANIFEST_NAME,
    ModelEntry,
    ModelPart,
    add_entry,
    file_sha256,
    read_manifest,
    shipped_noise_estimator,
)
from lgbpn_cli.models.portable import export_model, import_portable
from lgbpn_cli.models.weight_file import write_weights


@pytest.fixture
def models(tmp_path: Path, keep_models: KeepModels) -> Path:
    """The user's folder of models with one model, `tiny`; only the noise estimator is shipped."""
    folder = tmp_path / "own"
    folder.mkdir()
    path = folder / "tiny.safetensors"
    write_weights(path, random_network(dtype=torch.float32).state_dict(), TINY, "dnd")
    (folder / "tiny.md").write_text("# tiny\n", encoding="utf-8")
    parts = {"teacher": ModelPart(path.name, file_sha256(path))}
    add_entry(ModelEntry("tiny", "dnd", parts, "waves", "CC0", 7, card="tiny.md", folder=folder))
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    estimator, sha256 = shipped_noise_estimator()
    (shipped / estimator.name).write_bytes(estimator.read_bytes())
    listed = {"models": [], "noise_estimator": {"file": estimator.name, "sha256": sha256}}
    (shipped / MANIFEST_NAME).write_text(json.dumps(listed), encoding="utf-8")
    keep_models(folder, shipped)
    return folder


@pytest.fixture
def exported(models: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.lgbpn"
    assert lgbpn("models", "export", "tiny", "-o", path)[0] == 0
    return path


@pytest.fixture
def elsewhere(tmp_path: Path, keep_models: KeepModels) -> Path:
    """Another user's folder of models, empty; to be asked for after `exported`."""
    folder = tmp_path / "elsewhere"
    keep_models(folder)
    return folder


def lgbpn(*arguments: object) -> tuple[int, list[str]]:
    """Return the exit code of the command and the lines it printed."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.output.splitlines()


def repack(source: Path, target: Path, changes: dict[str, bytes]) -> Path:
    """Copy an exported file with some of its members replaced or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in {*old.namelist(), *changes}:
            new.writestr(name, changes.get(name) or old.read(name))
    return target


def test_the_path_of_a_model_is_printed(models: Path) -> None:
    assert lgbpn("models", "path", "tiny") == (0, [str(models / "tiny.safetensors")])


def test_a_good_model_is_said_to_be_good_and_a_damaged_one_is_an_error(models: Path) -> None:
    good = ["tiny: good (teacher)", "noise estimator, for all models: good"]
    assert lgbpn("models", "verify") == (0, good)
    assert lgbpn("models", "verify", "tiny") == (0, good[:1])
    path = models / "tiny.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    for arguments in ((), ("tiny",)):
        code, lines = lgbpn("models", "verify", *arguments)
        assert code == 2
        assert "damaged" in lines[0]
        assert lines[1:] == ([] if arguments else good[1:])  # the others are checked, too


def test_a_damaged_noise_estimator_is_an_error(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "shipped" / "noise-estimator.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    code, lines = lgbpn("models", "verify")
    assert (code, "noise estimator" in lines[-1], "damaged" in lines[-1]) == (2, True, True)
    assert lines[-1].endswith("Install again.")  # it cannot be imported
    path.unlink()
    code, lines = lgbpn("models", "verify")
    assert (code, "missing" in lines[-1]) == (2, True)


def test_an_exported_model_is_the_same_elsewhere(models: Path, exported: Path, elsewhere: Path) -> None:
    assert lgbpn("models", "import", exported)[0] == 0
    there, here = read_manifest(elsewhere)["tiny"], read_manifest(models)["tiny"]
    assert there.parts["teacher"].sha256 == here.parts["teacher"].sha256
    assert (there.preset, there.training_data, there.licence, there.steps) == ("dnd", "waves", "CC0", 7)
    assert (elsewhere / there.card).read_text(encoding="utf-8") == "# tiny\n"
    assert lgbpn("models", "verify", "tiny")[0] == 0
    assert sorted(path.name for path in elsewhere.glob("[!.]*")) == [
        "manifest.json",
        "tiny-teacher.safetensors",
        "tiny.md",
    ]


def test_the_same_file_twice_is_a_success_and_another_model_of_the_name_is_not(
    exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    assert [lgbpn("models", "import", exported)[0] for _ in range(2)] == [0, 0]
    other = tmp_path / "other.safetensors"
    write_weights(other, random_network(seed=1, dtype=torch.float32).state_dict(), TINY, "dnd")
    entry = json.loads(zipfile.ZipFile(exported).read("model.json"))
    entry["parts"]["teacher"]["sha256"] = file_sha256(other)
    changes = {"model.json": json.dumps(entry).encode(), "tiny.safetensors": other.read_bytes()}
    second = repack(exported, tmp_path / "second.lgbpn", changes)
    code, lines = lgbpn("models", "import", second)
    assert code == 2
    assert "another model has this name" in lines[0]
    assert lgbpn("models", "import", second, "--name", "second")[0] == 0


def test_an_existing_file_is_replaced_only_when_asked(exported: Path) -> None:
    before = exported.stat().st_mtime_ns
    assert lgbpn("models", "export", "tiny", "-o", exported)[0] == 2
    assert exported.stat().st_mtime_ns == before
    assert lgbpn("models", "export", "tiny", "-o", exported, "--overwrite")[0] == 0


def test_a_place_that_cannot_be_written_is_one_line(models: Path, tmp_path: Path) -> None:
    code, lines = lgbpn("models", "export", "tiny", "-o", tmp_path / "no" / "tiny.lgbpn")
    assert code == 2
    assert len(lines) == 1


@pytest.mark.parametrize("damage", ["cut", "no zip", "weights", "entry", "path", "missing"])
def test_what_is_no_exported_model_is_refused_and_leaves_nothing(
    damage: str, exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    file = tmp_path / "bad.lgbpn"
    if damage == "cut":
        file.write_bytes(exported.read_bytes()[:-40])
    elif damage == "no zip":
        file.write_text("hello")
    elif damage == "weights":
        repack(exported, file, {"tiny.safetensors": b"x" * 100})
    elif damage == "entry":
        repack(exported, file, {"model.json": b"[1, 2]"})
    elif damage == "path":
        entry = json.loads(zipfile.ZipFile(exported).read("model.json"))
        entry["parts"]["teacher"]["file"] = "../out.safetensors"
        repack(exported, file, {"model.json": json.dumps(entry).encode(), "../out.safetensors": b"x"})
    code, lines = lgbpn("models", "import", file)
    assert code == 2
    assert len(lines) == 1
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "out.safetensors").exists()


def changed_entry(exported: Path, target: Path, **fields: object) -> Path:
    """Copy an exported file with other values of some fields of its entry."""
    entry = json.loads(zipfile.ZipFile(exported).read("model.json"))
    return repack(exported, target, {"model.json": json.dumps({**entry, **fields}).encode()})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cameras", [["x"]]),
        ("cameras", [["x", "y"]]),
        ("cameras", [["x", 10**400]]),
        ("cameras", 5),
        ("name", 5),
        ("name", ["x"]),
        ("name", None),
        ("preset", []),
        ("steps", "many"),
        ("training_data", 3),
        ("licence", {}),
        ("command", "\ud800"),
        ("card", "tiny.safetensors"),
        ("card", ".."),
        ("card", 7),
        ("parts", {"teacher": {"file": "tiny.safetensors", "sha256": 1}}),
        ("parts", {"teacher": {"file": 1, "sha256": "0"}}),
        ("surprise", 1),
    ],
)
def test_an_entry_that_is_not_as_export_writes_it_is_refused(
    name: str, value: object, exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    code, lines = lgbpn("models", "import", changed_entry(exported, tmp_path / "bad.lgbpn", **{name: value}))
    assert (code, len(lines)) == (2, 1)
    assert "not a model that lgbpn exported" in lines[0]
    assert list(elsewhere.iterdir()) == []
    assert lgbpn("models", "list")[0] == 0


def test_an_unknown_preset_may_be_that_of_a_newer_version(
    exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    bad = changed_entry(exported, tmp_path / "bad.lgbpn", preset="none")
    code, lines = lgbpn("models", "import", bad)
    assert code == 2
    assert lines == ["lgbpn: model 'tiny': its preset 'none' is unknown. Update lgbpn."]


def with_byte(file: Path, target: Path, signatures: dict[bytes, int], value: int) -> Path:
    """Copy a zip with another byte at this distance from each of these signatures."""
    content = bytearray(file.read_bytes())
    for signature, distance in signatures.items():
        position = content.find(signature)
        while position >= 0:
            content[position + distance] = value
            position = content.find(signature, position + 4)
    target.write_bytes(content)
    return target


@pytest.mark.parametrize(
    ("local", "central", "value"), [(6, 8, 1), (8, 10, 97)], ids=["password", "compression"]
)
def test_a_zip_that_cannot_be_unpacked_is_one_line(
    local: int, central: int, value: int, exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    places = {b"PK\x03\x04": local, b"PK\x01\x02": central}
    code, lines = lgbpn("models", "import", with_byte(exported, tmp_path / "bad.lgbpn", places, value))
    assert (code, len(lines)) == (2, 1)
    assert "has a password, or is packed in a way that lgbpn cannot read" in lines[0]
    assert list(elsewhere.iterdir()) == []


def test_a_zip_with_damaged_content_is_one_line(exported: Path, elsewhere: Path, tmp_path: Path) -> None:
    # 30 bytes of header and 10 of the name model.json come before the compressed entry.
    bad = with_byte(exported, tmp_path / "bad.lgbpn", {b"PK\x03\x04": 40}, 0xFF)
    code, lines = lgbpn("models", "import", bad)
    assert (code, len(lines)) == (2, 1)
    assert "not a model that lgbpn exported, or damaged" in lines[0]


@pytest.mark.parametrize("name", ["auto", "scratch", "tiny.safetensors", "../x", "-x"])
def test_a_name_that_could_not_be_used_is_refused_and_another_can_be_given(
    name: str, exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    file = changed_entry(exported, tmp_path / "named.lgbpn", name=name)
    code, lines = lgbpn("models", "import", file)
    assert (code, len(lines)) == (2, 1)
    assert f"model '{name}'" in lines[0]
    assert "Give it another name" in lines[0]
    assert read_manifest(elsewhere) == {}
    assert lgbpn("models", "import", file, "--name", "good")[0] == 0


def test_a_shipped_model_is_not_hidden_by_an_import(exported: Path, elsewhere: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    path = shipped / "tiny.safetensors"
    write_weights(path, random_network(seed=1, dtype=torch.float32).state_dict(), TINY, "dnd")
    add_entry(ModelEntry("tiny", "dnd", {"teacher": ModelPart(path.name, file_sha256(path))}, folder=shipped))
    code, lines = lgbpn("models", "import", exported)
    assert (code, len(lines)) == (2, 1)
    assert "a model that ships with lgbpn has this name. Choose a different name." in lines[0]
    assert read_manifest(elsewhere) == {}
    assert lgbpn("models", "import", exported, "--name", "other")[0] == 0


def test_importing_again_what_ships_changes_nothing(
    models: Path, exported: Path, elsewhere: Path, tmp_path: Path
) -> None:
    (models / "tiny.safetensors").rename(tmp_path / "shipped" / "tiny.safetensors")
    add_entry(replace(read_manifest(models)["tiny"], folder=tmp_path / "shipped"))
    assert lgbpn("models", "import", exported)[0] == 0
    assert read_manifest(elsewhere) == {}


def test_importing_again_brings_back_a_damaged_weight_file(exported: Path, elsewhere: Path) -> None:
    lgbpn("models", "import", exported)
    (elsewhere / "tiny-teacher.safetensors").write_bytes(b"x")
    assert lgbpn("models", "verify", "tiny")[0] == 2
    assert lgbpn("models", "import", exported)[0] == 0
    assert lgbpn("models", "verify", "tiny")[0] == 0


@pytest.mark.parametrize("long", [True, False])
def test_a_folder_that_cannot_take_a_model_is_one_line(long: bool, models: Path, tmp_path: Path) -> None:
    packed, folder = tmp_path / "tiny.lgbpn", tmp_path / "other"
    export_model(read_manifest(models)["tiny"], packed)
    if not long:
        folder.write_bytes(b"a file")
    with pytest.raises(ModelError, match="cannot be changed"):
        import_portable(packed, folder=folder, name="n" * 250 if long else "mine")


def test_sizes_that_a_file_claims_are_not_believed(exported: Path, elsewhere: Path, tmp_path: Path) -> None:
    """A member that says it has 100 bytes, and unpacks to 200 MB."""
    file, name = tmp_path / "liar.lgbpn", b"tiny.safetensors"
    with zipfile.ZipFile(exported) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("model.json", old.read("model.json"))
        new.writestr(name.decode(), bytes(200_000_000))
    data = bytearray(file.read_bytes())
    record = data.rindex(name) - 46  # of the central directory, where sizes are read from
    data[record + 24 : record + 28] = (100).to_bytes(4, "little")
    file.write_bytes(data)
    tracemalloc.start()
    code, lines = lgbpn("models", "import", file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (code, len(lines)) == (2, 1)
    assert peak < 20_000_000
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes by name")
@pytest.mark.parametrize("name", ["pipe.lgbpn", "pipe.pth"])
def test_a_pipe_is_no_model(models: Path, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    code, lines = lgbpn("models", "import", tmp_path / name)
    assert code == 2
    assert "it is not a file" in lines[0]
