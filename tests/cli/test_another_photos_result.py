"""A result is only taken for a photo's own if it was made from it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto

from lgbpn_cli.photos.record import read_record


def statuses(result: Any) -> dict[str, tuple[str, str]]:
    found = map(json.loads, result.stdout.splitlines())
    return {Path(row["source"]).name: (row["status"], Path(row["target"]).name) for row in found}


def test_a_second_type_of_the_same_name_gets_a_result_of_its_own(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("in/a.jpg")
    run = ("denoise", tmp_path / "in", "-o", tmp_path / "o", "-f", "jpeg", "--json")
    assert statuses(lgbpn(*run)) == {"a.jpg": ("done", "a.jpg")}
    make_photo("in/a.png")
    (tmp_path / "in/a.jpg").rename(tmp_path / "a.jpg")  # or the clash would be seen in the folder
    result = lgbpn(*run)
    assert statuses(result) == {"a.png": ("done", "a.png.jpg")}
    assert "renamed: another photo's result has the plain name" in result.stderr
    assert statuses(lgbpn(*run)) == {"a.png": ("skipped", "a.png.jpg")}


def test_a_photo_that_is_done_stays_done_when_one_comes_that_sorts_before_it(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("in/b.png")
    run = ("denoise", tmp_path / "in", "-o", tmp_path / "o", "-f", "png", "--json")
    assert statuses(lgbpn(*run)) == {"b.png": ("done", "b.png")}
    make_photo("in/b.jpg")  # which would have the name b.png if nothing were there
    result = lgbpn(*run)
    assert statuses(result) == {"b.jpg": ("done", "b.jpg.png"), "b.png": ("skipped", "b.png")}
    assert result.stderr.count("renamed") == 1
    assert statuses(lgbpn(*run)) == {"b.jpg": ("skipped", "b.jpg.png"), "b.png": ("skipped", "b.png")}
    files = [tmp_path / "in/b.png", tmp_path / "in/b.jpg"]
    for order in (files, files[::-1]):
        found = statuses(lgbpn("denoise", *order, *run[2:]))
        assert found == {"b.jpg": ("skipped", "b.jpg.png"), "b.png": ("skipped", "b.png")}
    again = statuses(lgbpn(*run, "--overwrite"))
    assert again == {"b.jpg": ("done", "b.jpg.png"), "b.png": ("done", "b.png")}


def test_two_cameras_that_count_alike_do_not_hide_each_other(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("cam1/DSC_0001.jpg")
    make_photo("camera2/DSC_0001.jpg")
    first, second = (
        ("denoise", tmp_path / name, "-o", tmp_path / "o", "--json") for name in ("cam1", "camera2")
    )
    for expected in ("done", "skipped"):
        assert statuses(lgbpn(*first)) == {"DSC_0001.jpg": (expected, "DSC_0001.jpg")}
        assert statuses(lgbpn(*second)) == {"DSC_0001.jpg": (expected, "DSC_0001.jpg.jpg")}
    assert statuses(lgbpn(*second, "--overwrite")) == {"DSC_0001.jpg": ("done", "DSC_0001.jpg.jpg")}
    named = ("--name", "{stem}_dn")
    for expected in ("done", "skipped"):
        assert statuses(lgbpn(*first, *named)) == {"DSC_0001.jpg": (expected, "DSC_0001_dn.jpg")}
        assert statuses(lgbpn(*second, *named)) == {"DSC_0001.jpg": (expected, "DSC_0001_dn-2.jpg")}
    both = ("denoise", tmp_path / "camera2/DSC_0001.jpg", tmp_path / "cam1/DSC_0001.jpg", *first[2:], *named)
    found = [json.loads(line)["status"] for line in lgbpn(*both).stdout.splitlines()]
    assert found == ["skipped", "skipped"]
    assert len(list((tmp_path / "o").iterdir())) == 4


def test_a_photo_that_was_rated_in_the_meantime_stays_done(lgbpn: Lgbpn, tmp_path: Path) -> None:
    photo = tmp_path / "in/a.jpg"
    photo.parent.mkdir()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2026:01:02 03:04:05"
    picture = Image.effect_noise((40, 30), 50).convert("RGB")
    picture.save(photo, exif=exif)
    run = ("denoise", photo.parent, "-o", tmp_path / "o", "--json")
    assert statuses(lgbpn(*run)) == {"a.jpg": ("done", "a.jpg")}
    exif[0x4746] = 5
    picture.save(photo, exif=exif)
    os.utime(photo, (1, 1))
    assert statuses(lgbpn(*run)) == {"a.jpg": ("skipped", "a.jpg")}


def test_a_named_result_of_another_photo_is_not_taken_for_this_ones(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    one, other = make_photo("one.png"), make_photo("other.png")
    target = tmp_path / "clean.png"
    assert lgbpn("denoise", one, "-o", target).exit_code == 0
    before = target.read_bytes()
    result = lgbpn("denoise", other, "-o", target)
    assert result.exit_code == 1
    assert "was made from another photo" in result.stderr
    assert target.read_bytes() == before
    assert lgbpn("denoise", other, "-o", target, "--overwrite").exit_code == 0
    assert target.read_bytes() != before


def test_a_result_does_not_tell_the_name_of_its_photo(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo = make_photo("miller_wedding.png")
    assert lgbpn("denoise", photo, "-o", tmp_path / "o.png", "--strip-metadata").exit_code == 0
    record = read_record(tmp_path / "o.png")
    assert record is not None
    assert record.source
    assert b"miller" not in (tmp_path / "o.png").read_bytes()


@pytest.fixture
def full_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results cannot be written, sidecars can."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lgbpn_cli.photos.write.replace_file", refuse)


def test_a_sidecar_does_not_stay_without_its_result(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, full_later: None
) -> None:
    make_photo("in/a.jpg")
    (tmp_path / "in/a.xmp").write_text("<stars/>")
    assert lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "o").exit_code == 1
    assert list((tmp_path / "o").rglob("*.*")) == []


def test_a_sidecar_that_cannot_be_copied_leaves_no_result_behind(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("in/a.jpg")
    sidecar = tmp_path / "in/a.xmp"
    sidecar.write_text("<stars/>")
    (tmp_path / "o").mkdir()
    (tmp_path / "o/a.xmp").symlink_to(tmp_path / "no" / "such" / "folder" / "a.xmp")
    shutil.rmtree(tmp_path / "no", ignore_errors=True)
    run = ("denoise", tmp_path / "in", "-o", tmp_path / "o", "--preserve-times")
    os.utime(tmp_path / "in/a.jpg", ns=(3_000_000_000, 4_000_000_000))
    assert lgbpn(*run).exit_code == 0
    assert (tmp_path / "o/a.jpg").stat().st_mtime_ns == 4_000_000_000
    assert (tmp_path / "o/a.xmp").read_text() == "<stars/>"
