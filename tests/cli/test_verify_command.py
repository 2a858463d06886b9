"""`lgbpn verify` as a command, with the models that ship: what made a result, and whether it still is what it says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from jsonschema import Draft202012Validator
from PIL import Image
from typer.testing import CliRunner

from lgbpn_cli.batch.verification.check import Verified
from lgbpn_cli.cli.main import app
from lgbpn_cli.models import manifest
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

pytestmark = pytest.mark.slow


def lgbpn(*words: object) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="lgbpn")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def noisy(shape: tuple[int, ...] = (80, 96, 3)) -> np.ndarray:
    return np.clip(np.random.default_rng(0).normal(120, 12, shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo and its result."""
    folder = tmp_path_factory.mktemp("made")
    Image.fromarray(noisy()).save(folder / "a.png")
    assert lgbpn("denoise", folder / "a.png", "-q").exit_code == 0
    return folder


@pytest.fixture
def photo(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return Path(shutil.copy2(made / "a.png", tmp_path / "in" / "a.png"))


@pytest.fixture
def result(made: Path, photo: Path) -> Path:
    """A result beside its photo."""
    return Path(shutil.copy2(made / "a_denoised.png", photo.parent))


def with_record(path: Path, **changes: str) -> None:
    """Write a result anew, with another record."""
    record = read_record(path)
    assert record is not None
    write_photo(read_photo(path), path, record=replace(record, **changes))


def test_a_result_names_what_made_it_and_is_made_again(photo: Path, result: Path) -> None:
    answer = lgbpn("verify", result, "--again")
    assert answer.exit_code == 0, answer.stderr
    assert f"{result}: good" in answer.stderr
    assert "model lgbpn-base" in answer.stderr
    assert f"photo: {photo}, unchanged" in answer.stderr
    assert "made again: the same in every sample" in answer.stderr
    assert answer.stdout == ""


WAYS = [
    ["--quality", "best"],
    ["--quality", "teacher-r3", "--seed", "3", "--preset", "dnd"],
    ["--luma", "0.3", "--chroma", "1", "--grain", "4,1.5,colour"],
    ["-f", "tiff", "--bit-depth", "16", "--precision", "float32"],
    ["-f", "jpeg", "--jpeg-quality", "80", "--tile", "64", "--halo", "8"],
]


def test_every_setting_is_in_the_record_and_leads_to_the_same_again(photo: Path, tmp_path: Path) -> None:
    for number, options in enumerate(WAYS):
        assert lgbpn("denoise", photo, "-o", tmp_path / str(number), "-q", *options).exit_code == 0
    answer = lgbpn(
        "verify", *(tmp_path / str(number) for number in range(len(WAYS))), "--again", "--photos", photo
    )
    assert answer.exit_code == 0, answer.stderr
    assert answer.stderr.count("made again: the same in every sample") == len(WAYS)


def test_every_kind_of_photo(tmp_path: Path) -> None:
    Image.fromarray(noisy((80, 96))).save(tmp_path / "grey.png")
    Image.fromarray(noisy((80, 96, 4))).save(tmp_path / "alpha.png")
    tifffile.imwrite(tmp_path / "deep.tif", noisy() * np.uint16(257), photometric="rgb")
    tifffile.imwrite(tmp_path / "float.tif", noisy() * np.float32(1 / 255), photometric="rgb")
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for page in (noisy(), 255 - noisy()):
            file.write(page, photometric="rgb")
    assert lgbpn("denoise", tmp_path, "-q").exit_code == 0
    answer = lgbpn("verify", tmp_path, "--again")
    assert answer.exit_code == 0, answer.stderr
    assert answer.stderr.count("made again: the same in every sample") == 5
    assert "5 other photos without a record were passed over" in answer.stderr


def test_a_raw_files_result_with_its_sidecar(data_root: Path, tmp_path: Path) -> None:
    for name in ("IMG_7.dng", "IMG_7.dng.xmp"):
        shutil.copy(data_root / "cases" / "darktable_sidecar" / name, tmp_path / name)
    assert lgbpn("denoise", tmp_path / "IMG_7.dng", "-q").exit_code == 0
    assert lgbpn("denoise", tmp_path / "IMG_7.dng", "-f", "tiff", "-q").exit_code == 0
    answer = lgbpn("verify", tmp_path, "--again")
    assert answer.exit_code == 0, answer.stderr
    assert answer.stderr.count("made again: the same in every sample") == 2


def test_a_mixture_is_mixed_again(photo: Path, result: Path, tmp_path: Path) -> None:
    assert lgbpn("blend", photo, result, "-o", tmp_path / "in" / "b.png", "--luma", "0.4").exit_code == 0
    answer = lgbpn("verify", tmp_path / "in" / "b.png", "--again")
    assert answer.exit_code == 0, answer.stderr
    assert "made again: the same in every sample" in answer.stderr


def test_a_result_that_was_changed_since_is_found_only_by_making_it_again(result: Path) -> None:
    record = read_record(result)
    loaded = read_photo(result)
    loaded.pixels[3, 4] += 40
    write_photo(loaded, result, record=record)
    assert lgbpn("verify", result).exit_code == 0
    answer = lgbpn("verify", result, "--again", "--json")
    assert answer.exit_code == 1
    [line] = [json.loads(line) for line in answer.stdout.splitlines()]
    assert line["again"]["largest_levels"] == 40
    assert line["again"]["share"] == pytest.approx(3 / (80 * 96 * 3))
    assert "made again, it differs by up to 40 of 255" in line["problems"][0]


def test_rounding_is_no_difference(result: Path) -> None:
    record = read_record(result)
    loaded = read_photo(result)
    loaded.pixels[3, 4] += 1
    write_photo(loaded, result, record=record)
    answer = lgbpn("verify", result, "--again")
    assert answer.exit_code == 0
    assert "of the samples differ, by at most 1 of 255: rounding" in answer.stderr


def test_a_result_of_another_size_was_changed(result: Path) -> None:
    record = read_record(result)
    loaded = read_photo(result)
    write_photo(replace(loaded, pixels=loaded.pixels[:40].copy()), result, record=record)
    answer = lgbpn("verify", result, "--again")
    assert answer.exit_code == 1
    assert "made again, it has another size" in answer.stderr


def test_a_photo_that_moved_is_found_by_its_contents(photo: Path, result: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "deep" / "renamed.png"
    moved.parent.mkdir(parents=True)
    photo.rename(moved)
    lost = lgbpn("verify", result, "--again")
    assert lost.exit_code == 1
    assert "problem: its photo is not found. Say where it is with --photos" in lost.stderr
    found = lgbpn("verify", result, "--again", "--photos", tmp_path / "elsewhere")
    assert found.exit_code == 0, found.stderr
    assert f"photo: {moved}, unchanged" in found.stderr


def test_a_photo_that_changed_is_told_from_one_that_is_gone(photo: Path, result: Path) -> None:
    Image.fromarray(255 - noisy()).save(photo)
    answer = lgbpn("verify", result, "--again")
    assert answer.exit_code == 1
    assert f"{photo} has the name of its photo and other contents" in answer.stderr
    assert "made again" not in answer.stderr


def test_in_place_the_backup_is_the_photo(photo: Path) -> None:
    assert lgbpn("denoise", photo, "--in-place", "--backup", "-q").exit_code == 0
    answer = lgbpn("verify", photo, "--again")
    assert answer.exit_code == 0, answer.stderr
    assert f"photo: {photo}.orig, unchanged" in answer.stderr


def test_other_weights_are_named_and_a_file_can_be_given(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = manifest.shipped_folder()
    monkeypatch.setattr(manifest, "all_models", dict)
    missing = lgbpn("verify", result)
    assert missing.exit_code == 1
    assert "the weights of its model 'lgbpn-base' (student, " in missing.stderr
    assert "Import them, or give their file with --model" in missing.stderr
    given = lgbpn("verify", result, "-m", shipped / "lgbpn-base-student.safetensors", "--again")
    assert given.exit_code == 0, given.stderr
    other = lgbpn("verify", result, "-m", shipped / "lgbpn-base-raw.safetensors")
    assert other.exit_code == 1


OLD = Record("0.0.1", "old", '{"part":"student","model_sha256":"0","strength":"auto"}')
STRANGE = [
    (Record("0.0.1", "old", "[]"), "its record, of version 0.0.1, cannot be read"),
    (Record("0.0.1", "old", "{"), "its record, of version 0.0.1, cannot be read"),
    (OLD, "its record does not say which photo it was made from"),
    (replace(OLD, source="a:b:c"), "its record does not say which photo it was made from"),
    (replace(OLD, source="::::"), "its photo is not found"),
]


@pytest.mark.parametrize(("record", "problem"), STRANGE)
def test_records_of_other_versions(result: Path, record: Record, problem: str) -> None:
    write_photo(read_photo(result), result, record=record)
    answer = lgbpn("verify", result, "--again")
    assert answer.exit_code == 1
    assert problem in answer.stderr


@pytest.mark.parametrize("change", [{"sharpen": 1}, {"quality": "great"}, {"tile_px": "wide"}, {"grain": 3}])
def test_settings_that_are_unknown_here_are_one_line(result: Path, change: dict[str, object]) -> None:
    record = read_record(result)
    assert record is not None
    with_record(result, settings=json.dumps({**json.loads(record.settings), **change}))
    answer = lgbpn("verify", result, "--again")
    assert answer.exit_code == 1
    assert "it cannot be made again: " in answer.stderr
    assert "it names settings that" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_what_is_no_result_is_told(photo: Path, tmp_path: Path) -> None:
    for name, contents in (("notes.txt", b"hello"), ("bad.png", b"\x89PNG\r\n\x1a\n"), ("empty.jpg", b"")):
        (tmp_path / name).write_bytes(contents)
    answer = lgbpn("verify", photo, *(tmp_path / name for name in ("notes.txt", "bad.png", "empty.jpg")))
    assert answer.exit_code == 1
    assert answer.stderr.count(": not verified\n") == 4
    assert "problem: it has no record of lgbpn" in answer.stderr
    assert "problem: it is not a photo that can be read" in answer.stderr
    assert "4 results: 0 good, 4 not verified" in answer.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.jpg"], "nothing.jpg: there is no such file or folder"),
        (["in"], "in: there is no result of lgbpn"),
        (["in/a_denoised.png", "--photos", "nowhere"], "nowhere: there is no such file or folder"),
        (["in/a_denoised.png", "-m", "nowhere.safetensors"], "nowhere.safetensors: there is no such file"),
        (["in/a_denoised.png", "-m", "in"], "in: it is not a file"),
        (["in/a_denoised.png", "--again", "-d", "cuda:9"], "--device cuda:9"),
    ],
)
def test_a_wrong_command_is_one_line(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if words == ["in"]:
        result.unlink()
    answer = lgbpn("verify", *words)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"lgbpn: {message}")
    assert answer.stderr.count("\n") == 1


def test_ctrl_c_ends_it_with_what_was_looked_at(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Verified]:
        yield Verified(result)
        raise KeyboardInterrupt

    monkeypatch.setattr("lgbpn_cli.batch.verification.check.verify_results", interrupted)
    answer = lgbpn("verify", result)
    assert answer.exit_code == 130
    assert "stopped: 1 of 1 results were looked at" in answer.stderr


def test_the_json_is_as_its_schema_says(photo: Path, result: Path, repo_root: Path) -> None:
    schema = json.loads((repo_root / "docs" / "reference" / "schema" / "verify.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    answer = lgbpn("verify", result, photo, "--again", "--json", "-q")
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["good"] for line in lines] == [True, False]
    for line in lines:
        Draft202012Validator(schema).validate(line)
    assert not Draft202012Validator(schema).is_valid({**lines[0], "photo_state": "lost"})
