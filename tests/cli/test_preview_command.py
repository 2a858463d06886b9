"""`lgbpn preview` as a command: which page it writes, what it refuses, and when it opens the browser."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_folders import KeepModels
from PIL import Image, ImageCms
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of

from lgbpn_cli.models import manifest
from lgbpn_cli.models.manifest import ModelEntry, ModelPart
from lgbpn_cli.preview import parts


def shown(page: Path) -> dict[str, Any]:
    """What a page shows, its pictures as arrays."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    for place in data["places"]:
        place["pictures"] = {key: picture_of(url) for key, url in place["pictures"].items()}
    return data


def picture_of(url: str) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
    picture.load()
    return picture


@pytest.fixture
def preview(lgbpn: Lgbpn, tmp_path: Path) -> Any:
    """The page that `lgbpn preview --no-open` writes with these arguments, as data."""

    def run(*arguments: object) -> dict[str, Any]:
        result = lgbpn("preview", *arguments, "--no-open", "-o", tmp_path / "page.html")
        assert result.exit_code == 0, result.stderr
        return shown(tmp_path / "page.html")

    return run


def test_each_way_is_shown_with_the_command_that_gives_it(
    preview: Any, make_photo: MakePhoto, lgbpn: Lgbpn, tmp_path: Path
) -> None:
    photo = make_photo("it's one.png", (40, 30))
    data = preview(photo)
    [place] = data["places"]
    assert [way["key"] for way in data["ways"]] == list(place["pictures"])
    assert len(data["ways"]) == 13
    assert all(way["command"].endswith(way["flags"]) for way in data["ways"])
    for key in ("fast auto", "best 70%", "fast colour only"):
        [way] = [way for way in data["ways"] if way["key"] == key]
        arguments = shlex.split(way["command"])[1:]
        target = tmp_path / "result.png"
        assert lgbpn(*arguments, "--overwrite", "-o", target).exit_code == 0
        assert (np.asarray(place["pictures"][way["key"]]) == pixels_of(target)).all(), way["key"]


def test_the_way_of_raw_files_is_in_the_command(preview: Any, make_photo: MakePhoto) -> None:
    data = preview(make_photo("a.png"), "--raw-path", "demosaiced")
    assert "--raw-path demosaiced" in data["ways"][1]["command"]


def test_a_turned_photo_is_shown_upright_and_its_places_are_counted_there(
    preview: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgbpn_cli.preview.run.SIDE_PX", 16)
    monkeypatch.setattr(parts, "WHOLE_PIXELS", 100)
    upright = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    turns: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        3: lambda a: a[::-1, ::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: np.rot90,
        8: lambda a: np.rot90(a, -1),
    }
    for orientation, turn in turns.items():
        exif = Image.Exif()
        exif[274] = orientation
        photo = tmp_path / f"{orientation}.png"
        Image.fromarray(np.ascontiguousarray(turn(upright))).save(photo, exif=exif)
        data = preview(photo, "--at", "12,60", "--at", "69,0")
        corners = np.array([(place["x"], place["y"]) for place in data["places"]])
        assert np.abs(corners - [(4, 52), (54, 0)]).max() <= 1, orientation
        for place in data["places"]:
            there = upright[place["y"] : place["y"] + 16, place["x"] : place["x"] + 16]
            assert (np.asarray(place["pictures"]["noisy"]) == there).all(), orientation


def test_a_colour_profile_goes_along(preview: Any, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (9, 9), (1, 2, 3)).save(tmp_path / "a.png", icc_profile=profile)
    [place] = preview(tmp_path / "a.png")["places"]
    assert place["pictures"]["noisy"].info["icc_profile"] == profile


def test_grey_has_no_colour_to_show_alone(preview: Any, tmp_path: Path) -> None:
    Image.new("L", (20, 20), 90).save(tmp_path / "grey.png")
    data = preview(tmp_path / "grey.png")
    assert [way["name"] for way in data["ways"]] == [
        "noisy",
        *(f"{quality}, {share}" for quality in ("fast", "best") for share in ("auto", "40%", "70%", "100%")),
    ]


def test_transparency_and_sixteen_bits_are_shown_as_they_look(preview: Any, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 4), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    [place] = preview(tmp_path / "a.png")["places"]
    assert (np.asarray(place["pictures"]["noisy"]) == pixels[..., :3]).all()
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    [place] = preview(tmp_path / "deep.png")["places"]
    assert (np.asarray(place["pictures"]["fast 100%"])[..., 0] == 255 - pixels[..., 0]).all()


def test_of_several_pages_the_first_is_shown_and_that_is_said(lgbpn: Lgbpn, tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (20, 20), (level,) * 3) for level in (10, 200))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    result = lgbpn("preview", tmp_path / "a.tif", "--no-open", "-o", tmp_path / "page.html")
    assert "its first page is shown" in result.stderr
    [place] = shown(tmp_path / "page.html")["places"]
    assert place["pictures"]["noisy"].getpixel((3, 3)) == (10, 10, 10)


def test_without_a_name_the_page_lies_in_the_current_folder(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo("photos/IMG_1.png")
    monkeypatch.chdir(tmp_path)
    result = lgbpn("preview", photo, "--no-open")
    assert (tmp_path / "IMG_1_preview.html").is_file()
    assert "page: IMG_1_preview.html" in result.stderr
    assert [each.name for each in (tmp_path / "photos").iterdir()] == ["IMG_1.png"]


@pytest.mark.parametrize("name", [None, "other"])
def test_auto_is_the_users_own_model_for_the_camera_or_the_default(
    preview: Any, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    """The fake `other` is a teacher, which has one quality and sees the whole photo."""
    monkeypatch.setattr(manifest, "model_for_camera", lambda camera, iso, part: name)
    photo = make_photo("a.png", (40, 30))
    data = preview(photo, "-m", "auto")
    shown_first = "fast" if name is None else "teacher"
    assert data["ways"][1]["key"] == f"{shown_first} auto"
    assert len(data["ways"]) == (13 if name is None else 7)
    assert all("--model auto" in way["command"] for way in data["ways"][1:])
    [place] = data["places"]
    assert (np.asarray(place["pictures"][f"{shown_first} 100%"]) == negative_of(photo)).all()


def test_a_model_without_student_is_shown_at_its_own_quality(
    preview: Any,
    lgbpn: Lgbpn,
    make_photo: MakePhoto,
    tmp_path: Path,
    keep_models: KeepModels,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = tmp_path / "own"
    keep_models(own)
    own.mkdir()
    (own / "a.safetensors").touch()
    manifest.add_entry(ModelEntry("other", "sidd", {"teacher": ModelPart("a.safetensors", "0")}, folder=own))
    monkeypatch.setattr("lgbpn_cli.preview.run.SIDE_PX", 16)
    monkeypatch.setattr(parts, "WHOLE_PIXELS", 100)
    photo = make_photo("a.png", (90, 70))
    data = preview(photo, "-m", "other", "--at", "30,40")
    assert [way["name"] for way in data["ways"][:3]] == ["noisy", "teacher, auto", "teacher, 40%"]
    assert "--quality" not in data["ways"][1]["command"]
    [place] = data["places"]
    rows, columns = slice(place["y"], place["y"] + 16), slice(place["x"], place["x"] + 16)
    target = tmp_path / "result.png"
    assert lgbpn("denoise", photo, "-m", "other", "--strength", 1, "-o", target).exit_code == 0
    assert (np.asarray(place["pictures"]["teacher 100%"]) == pixels_of(target)[rows, columns]).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "5"], "--at 5: not a place. Give column and row"),
        (["--at", "-5,2"], "--at -5,2: not a place"),
        (["--at", "12,3"], "--at 12,3: is not inside the photo, which is 12 x 8 px"),
        (["-o", "page.jpg"], "does not end in .html"),
        (["-m", "nobody"], "there is no model with this name"),
        (["--raw-path", "sideways"], "--raw-path: 'sideways' is unknown"),
        (["--device", "cuda"], "--device cuda"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    lgbpn: Lgbpn,
    make_photo: MakePhoto,
    tmp_path: Path,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = make_photo("a.png")
    monkeypatch.chdir(tmp_path)
    result = lgbpn("preview", photo, "--no-open", *arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_a_missing_photo_and_a_damaged_one_are_named(lgbpn: Lgbpn, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff nothing")
    page = tmp_path / "page.html"
    for photo, code in ((tmp_path, 2), (tmp_path / "none.jpg", 2), (bad, 1)):
        result = lgbpn("preview", photo, "--no-open", "-o", page)
        assert result.exit_code == code
        assert result.stderr.count("\n") == 1
        assert str(photo) in result.stderr
    assert not page.exists()


def test_the_page_is_opened_unless_that_is_not_wanted(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    page = tmp_path / "a page.html"
    monkeypatch.setenv("DISPLAY", ":0")
    lgbpn("preview", make_photo("a.png"), "-o", page, "--no-open")
    assert opened == []
    lgbpn("preview", make_photo("a.png"), "-o", page)
    assert opened == [page.as_uri()]
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert "open the page yourself" in lgbpn("preview", make_photo("a.png"), "-o", page).stderr
    assert len(opened) == 1


def test_off_a_terminal_a_long_preview_gives_a_sign_of_life(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgbpn_cli.cli.heartbeat.EVERY_S", 0.05)
    monkeypatch.setenv("FAKE_SECONDS_PER_TILE", "0.15")
    result = lgbpn("preview", make_photo("a.png"), "--no-open", "-o", tmp_path / "page.html")
    assert "1 of 2 runs" in result.stderr
