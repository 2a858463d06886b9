"""`lgbpn denoise --in-place`: the result takes the place of its photo, whole, or the photo stays as it was."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of

from lgbpn_cli.batch.results import write_result
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record

KILLS = 50


def test_the_result_takes_the_place_of_its_photo(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo("a.png")
    monkeypatch.chdir(tmp_path)
    photo.chmod(0o640)
    expected = negative_of(photo)
    result = lgbpn("denoise", "a.png", "--in-place", "--strength", 1)
    assert result.exit_code == 0, result.stderr
    assert "a.png -> a.png (" in result.stderr
    assert (pixels_of(photo) == expected).all()
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]
    assert photo.stat().st_mode & 0o777 == 0o640
    assert read_record(photo) is not None


def test_a_backup_is_the_photo_byte_by_byte_and_no_later_run_touches_it(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo = make_photo("a.png")
    os.utime(photo, (1e9, 1e9))
    before = photo.read_bytes()
    assert lgbpn("denoise", tmp_path, "--in-place", "--backup").exit_code == 0
    backup = tmp_path / "a.png.orig"
    assert backup.read_bytes() == before
    assert backup.stat().st_mtime == 1e9
    after = photo.read_bytes()
    assert lgbpn("denoise", tmp_path, "--in-place", "--backup").exit_code == 0
    assert (photo.read_bytes(), backup.read_bytes()) == (after, before)
    Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(photo)  # edited again, or another photo of its name
    other = photo.read_bytes()
    for exit_code in (0, 1):  # by the second time it is a result
        assert lgbpn("denoise", photo, "--in-place", "--backup").exit_code == exit_code
        assert backup.read_bytes() == before
        assert (tmp_path / "a.png.orig-2").read_bytes() == other
    assert len(list(tmp_path.iterdir())) == 3


def test_of_a_link_the_photo_is_replaced_and_the_link_stays(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo, link = make_photo("photos/a.png"), tmp_path / "link.png"
    link.symlink_to(photo)
    expected = negative_of(photo)
    assert lgbpn("denoise", link, "--in-place", "--strength", 1).exit_code == 0
    assert link.is_symlink()
    assert (pixels_of(photo) == expected).all()


@pytest.mark.parametrize("name", ["a.bmp", "a.heic", "a.nef"])
def test_a_photo_whose_result_is_of_another_type_stays(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, name: str
) -> None:
    photo = make_photo("photo.bmp").rename(tmp_path / name)
    before = photo.read_bytes()
    result = lgbpn("denoise", photo, "--in-place")
    assert result.exit_code == 1
    assert "cannot take its place" in result.stderr
    assert photo.read_bytes() == before


def test_a_damaged_photo_stays(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png")
    photo.write_bytes(photo.read_bytes()[:60])
    before = photo.read_bytes()
    assert lgbpn("denoise", photo, "--in-place", "--backup").exit_code == 1
    assert photo.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_a_disk_that_fails_leaves_the_photo(
    lgbpn: Lgbpn,
    make_photo: MakePhoto,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fake_rooms: dict[str, ModuleType],
) -> None:
    photo = make_photo("a.png")
    before = photo.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lgbpn_cli.batch.results.shutil.copyfileobj", full)
    result = lgbpn("denoise", photo, "--in-place", "--backup")
    assert "its backup" in result.stderr
    assert result.exit_code == 1
    assert photo.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backup"], "--backup: is for --in-place"),
        (["--in-place", "-o", "out"], "--in-place: cannot be combined with -o"),
        (["--in-place", "--suffix", "_x"], "--in-place: cannot be combined with -o or --suffix"),
        (["--in-place", "-f", "png"], "--in-place: cannot be combined with -f png"),
    ],
)
def test_options_that_contradict_it_are_refused(
    lgbpn: Lgbpn, make_photo: MakePhoto, options: list[str], words: str
) -> None:
    photo = make_photo("a.png")
    before = photo.read_bytes()
    result = lgbpn("denoise", photo, *options)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert photo.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_kill_at_any_moment_leaves_the_old_photo_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)).save(path)
    old = path.read_bytes()
    photo = read_photo(path)
    output = OutputConfig(in_place="backup")
    denoised = Denoised(photo, Record("1", "fake", "{}"))
    start = time.perf_counter()
    write_result(denoised, path, output)
    seconds = time.perf_counter() - start
    new = path.read_bytes()
    found, delays = set(), random.Random(0)
    for _ in range(KILLS):
        path.write_bytes(old)
        (tmp_path / "a.png.orig").unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            write_result(denoised, path, output)
            os._exit(0)
        time.sleep(delays.uniform(0, 3 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        now = path.read_bytes()
        assert now in (old, new)
        if now == new:
            assert (tmp_path / "a.png.orig").read_bytes() == old
        found.add(now)
    assert found == {old, new}  # some kills came early, and some late
