"""`lgbpn denoise --html`: the page of a run's photos before and after."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto, contents, negative_of

PATIENCE_S = 300


def data_of(page: Path) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"))
    return json.loads(text)


def names_in(page: Path) -> list[str]:
    return [photo["name"] for photo in data_of(page)["photos"]]


def test_the_page_holds_every_photo_before_and_after(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("in/a.png")
    make_photo("in/deep/b.png")
    page = tmp_path / "page.html"
    result = lgbpn("denoise", tmp_path / "in", "-r", "-o", tmp_path / "out", "--html", page)
    assert result.exit_code == 0
    assert f"page: {page}" in result.stderr
    data = data_of(page)
    assert [method["label"] for method in data["methods"]] == ["noisy", "fake teacher auto"]
    assert [photo["name"] for photo in data["photos"]] == ["a.png", "deep/b.png"]
    assert all(list(photo["layers"]) == ["noisy", "fake teacher auto"] for photo in data["photos"])
    assert all("removed by fake teacher auto" in photo["correlation"] for photo in data["photos"])
    assert data["hasReference"] is False
    assert "sum of fake teacher" in data["facts"]
    assert f"lgbpn denoise {tmp_path / 'in'}" in data["facts"]


def test_the_page_asks_nothing_of_the_network(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    lgbpn("denoise", make_photo("a.png"), "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("http") == page.count("http://www.w3.org/2000/svg") == 1


def test_whole_files_are_linked_from_where_the_page_lies(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("in/a #1 ä.png")
    lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "out", "--html", tmp_path / "pages" / "page.html")
    (photo,) = data_of(tmp_path / "pages" / "page.html")["photos"]
    links = [unquote(link) for link in photo["files"].values()]
    assert links == ["../in/a #1 ä.png", "../out/a #1 ä.png"]
    assert all("#" not in link for link in photo["files"].values())


def test_photos_of_two_drives_go_by_their_whole_names(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where C: and D: have no folder in common."""

    def commonpath(paths: Any) -> str:
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr("lgbpn_cli.evaluation.report.denoise_page.os.path.commonpath", commonpath)
    photos = [make_photo("c/a.png"), make_photo("d/a.png")]
    result = lgbpn("denoise", *photos, "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    assert names_in(tmp_path / "page.html") == [photo.as_posix() for photo in photos]


def test_the_command_on_the_page_gives_the_same_again(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    lgbpn("denoise", make_photo("a.png"), "--html", page, "--no-provenance", "--overwrite")
    facts = json.loads(data_of(page)["facts"])
    command = shlex.split(facts["command"])
    assert "--no-provenance" in command
    assert "False" not in command
    again = lgbpn(*command[1:])
    assert again.exit_code == 0
    assert json.loads(data_of(page)["facts"])["command"] == facts["command"]


def test_a_turned_photo_is_upright_on_the_page(lgbpn: Lgbpn, tmp_path: Path) -> None:
    photo = Image.fromarray(np.zeros((16, 40, 3), np.uint8))
    exif = photo.getexif()
    exif[274] = 6
    photo.save(tmp_path / "a.jpg", exif=exif)
    lgbpn("denoise", tmp_path / "a.jpg", "--html", tmp_path / "page.html")
    (shown,) = data_of(tmp_path / "page.html")["photos"]
    assert (shown["size"], shown["crop"]) == ([16, 40], [0, 0, 16, 40])


@pytest.mark.usefixtures("network_fails_at_5_px")
def test_photos_that_fail_are_not_on_the_page(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a.png", (5, 5))
    (tmp_path / "b.png").write_bytes(b"")
    make_photo("c.png")
    result = lgbpn("denoise", tmp_path, "--html", tmp_path / "page.html")
    assert result.exit_code == 1
    assert names_in(tmp_path / "page.html") == ["c.png"]


def test_results_that_cannot_be_written_are_not_on_the_page(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo("a.png")
    monkeypatch.setattr("lgbpn_cli.batch.results.write_photo", _disk_full)
    result = lgbpn("denoise", tmp_path / "a.png", "--html", tmp_path / "page.html")
    assert result.exit_code == 1
    assert "no photo was denoised" in result.stderr
    assert set(contents(tmp_path)) == {"a.png"}


def test_a_page_that_cannot_be_written_costs_no_result(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo("a.png")
    monkeypatch.setattr("lgbpn_cli.evaluation.report.files.replace_file", _disk_full)
    result = lgbpn("denoise", photo, "--html", tmp_path / "page.html")
    assert result.exit_code == 1
    assert "--html: " in result.stderr
    assert "No space left on device" in result.stderr
    assert set(contents(tmp_path)) == {"a.png", "a_denoised.png"}


def _disk_full(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("page.htm", "does not end in .html"),
        ("folder.html", "is a folder"),
        ("a.png/page.html", "which is a file"),
        (f"{'x' * 300}.html", "cannot be written"),
    ],
)
def test_a_place_that_cannot_take_the_page_is_refused_before_the_work(
    name: str, message: str, lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo = make_photo("a.png")
    (tmp_path / "folder.html").mkdir()
    result = lgbpn("denoise", photo, "--html", tmp_path / name)
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("lgbpn: --html: ")
    assert message in line
    assert set(contents(tmp_path)) == {"a.png"}


def test_a_folder_without_permission_is_refused_before_the_work(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, access = make_photo("a.png"), os.access
    (tmp_path / "fixed").mkdir()
    # Imitated, because the administrator, who runs tests in containers, has every permission.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "fixed" and access(path, mode))
    result = lgbpn("denoise", photo, "--html", tmp_path / "fixed" / "page.html")
    assert result.exit_code == 2
    assert f"nothing can be written to {tmp_path / 'fixed'}" in result.stderr


def test_a_run_with_nothing_to_do_leaves_the_page_as_it_is(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    lgbpn("denoise", make_photo("a.png"), "--html", page)
    before = page.read_bytes()
    result = lgbpn("denoise", tmp_path / "a.png", "--html", page)
    assert result.exit_code == 0
    assert "no photo was denoised" in result.stderr
    assert page.read_bytes() == before


def test_the_page_says_that_finished_photos_are_not_on_it(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    lgbpn("denoise", make_photo("a.png"))
    make_photo("b.png")
    result = lgbpn("denoise", tmp_path, "--html", tmp_path / "page.html")
    assert names_in(tmp_path / "page.html") == ["b.png"]
    assert "the page shows the photos of this run only" in result.stderr


def test_a_dry_run_writes_no_page(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    result = lgbpn("denoise", make_photo("a.png"), "-n", "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    assert "a dry run writes no page" in result.stderr
    assert set(contents(tmp_path)) == {"a.png"}


def test_quiet_says_nothing_about_the_page(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    result = lgbpn("denoise", make_photo("a.png"), "-q", "--html", tmp_path / "page.html")
    assert result.stderr == ""
    assert (tmp_path / "page.html").exists()


def test_the_page_keeps_its_size(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png", (500, 500))
    for name, size in (("small", "0.1"), ("large", "5")):
        lgbpn("denoise", photo, "--overwrite", "--html", tmp_path / f"{name}.html", "--report-size", size)
    small, large = ((tmp_path / f"{name}.html").stat().st_size for name in ("small", "large"))
    assert small < 100_000 + 40_000 < large
    assert lgbpn("denoise", photo, "--html", tmp_path / "page.html", "--report-size", "0").exit_code == 2


def test_ctrl_c_leaves_a_page_of_what_is_done(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        make_photo(f"in/{name}", (640, 64))
    options = ["--tile", "64", "-o", tmp_path / "out", "--html", tmp_path / "page.html"]
    process = start_lgbpn("denoise", tmp_path / "in", *options, seconds_per_tile=0.15)
    while not (tmp_path / "out" / "a.png").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert names_in(tmp_path / "page.html") == ["a.png"]


def test_the_results_are_those_without_a_page(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png", (70, 50))
    lgbpn("denoise", photo, "--html", tmp_path / "page.html")
    with Image.open(tmp_path / "a_denoised.png") as result:
        assert (np.asarray(result) == negative_of(photo)).all()
