"""Photos that harm their readers fail alone, wherever a command opens them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from small_photos import Lgbpn, MakePhoto

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos import prepare
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.shot import Shot

read_as_result = prepare.read_as_result


def harmful(
    path: Path, output: OutputConfig, max_bytes: int | None, as_mosaic: bool = False
) -> tuple[Photo, Shot]:
    """Read a photo as ever, unless its name says what it is to do to the process that reads it."""
    if path.stem == "crash":
        os.abort()
    if path.stem == "endless":
        time.sleep(1000)
    return read_as_result(path, output, max_bytes, as_mosaic)


def rows(result: Any) -> dict[str, Any]:
    return {Path(row["source"]).name: row for row in map(json.loads, result.stdout.splitlines())}


@pytest.fixture
def photos(make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        folder = make_photo(f"in/{name}").parent
    monkeypatch.setattr(prepare, "read_as_result", harmful)
    return folder


def test_a_crash_fails_its_photo_alone(lgbpn: Lgbpn, photos: Path, tmp_path: Path) -> None:
    (photos / "b.png").rename(photos / "crash.png")
    result = lgbpn("denoise", photos, "-o", tmp_path / "o", "--json")
    found = rows(result)
    assert result.exit_code == 1
    assert {name: row["status"] for name, row in found.items()} == {
        "a.png": "done",
        "c.png": "done",
        "crash.png": "failed",
    }
    assert "its decoder crashed (SIGABRT)" in found["crash.png"]["error"]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["a.png", "c.png"]


def test_a_photo_that_never_ends_fails_alone(lgbpn: Lgbpn, photos: Path, tmp_path: Path) -> None:
    (photos / "b.png").rename(photos / "endless.png")
    result = lgbpn("denoise", photos, "-o", tmp_path / "o", "--json", "--photo-time-limit", "5s")
    found = rows(result)
    assert {name: row["status"] for name, row in found.items()} == {
        "a.png": "done",
        "c.png": "done",
        "endless.png": "failed",
    }
    assert "reading it took longer than 5 s" in found["endless.png"]["error"]


@pytest.mark.parametrize("text", ["0s", "soon", "-1m"])
def test_a_time_limit_that_is_none_is_refused(lgbpn: Lgbpn, make_photo: MakePhoto, text: str) -> None:
    result = lgbpn("denoise", make_photo("a.png"), "--photo-time-limit", text)
    assert result.exit_code == 2
    assert "--photo-time-limit" in result.stderr


@pytest.mark.parametrize("options", [("--min-iso", "400"), ("-n",), ()])
def test_damaged_headers_leave_the_other_photos_alone(
    lgbpn: Lgbpn, data_root: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("minIso_avif/bad.avif", "minIso_avif/good.jpg", "exif_loop/loop.dng", "exif_loop/loop.tif"):
        shutil.copy(data_root / "cases" / name, folder)
    result = lgbpn("denoise", folder, "-o", tmp_path / "o", "--json", *options)
    found = rows(result)
    assert len(found) == 4
    assert found["good.jpg"]["status"] == ("planned" if "-n" in options else "done")
    assert "Traceback" not in result.stderr


def test_damage_is_told_and_refused_by_strict(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("in/a.jpg", (320, 240))
    data = bytearray(photo.read_bytes())
    middle = len(data) * 2 // 3
    data[middle : middle + 200] = bytes(200)
    photo.write_bytes(data)
    make_photo("in/b.jpg")
    result = lgbpn("denoise", photo.parent, "-o", tmp_path / "o")
    assert result.exit_code == 0
    assert "a.jpg: its picture data are damaged: parts of the picture may be wrong" in result.stderr
    assert "b.jpg: its" not in result.stderr
    result = lgbpn("denoise", photo.parent, "-o", tmp_path / "p", "--strict", "--json")
    assert result.exit_code == 1
    assert {name: row["status"] for name, row in rows(result).items()} == {"a.jpg": "failed", "b.jpg": "done"}


def test_the_lines_of_decoders_do_not_reach_the_terminal(
    lgbpn: Lgbpn, data_root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "n\x1b[31m.nef"
    shutil.copy(data_root / "cases/libraw_raw_name/Nikon.nef", photo)
    result = lgbpn("denoise", photo, "-o", tmp_path / "o")
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="tells the peak of the memory from /proc")
def test_a_bomb_is_refused_within_the_memory_allowed(
    lgbpn: Lgbpn, data_root: Path, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("in/z.png")
    for path in (data_root / "cases/oom_34_bytes").iterdir():
        shutil.copy(path, tmp_path / "in")
    result = lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "o", "--json", "--max-memory", "1GB")
    found = rows(result)
    assert found.pop("z.png")["status"] == "done"
    assert len(found) == 3
    assert all("cannot hold a photo" in row["error"] for row in found.values())
