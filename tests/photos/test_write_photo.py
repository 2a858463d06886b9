"""Writing: the target appears whole or stays as it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from photo_samples import PhotoMaker

from lgbpn_cli.errors import PhotoWriteError, ResultExistsError
from lgbpn_cli.photos.codecs import CODECS, new_files
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo


@pytest.fixture(params=["jpeg", "png", "tiff"])
def photo(
    request: pytest.FixtureRequest, make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> Photo:
    return read_photo({"jpeg": make_jpeg, "png": make_png, "tiff": make_tiff}[request.param]())


def write_by(
    monkeypatch: pytest.MonkeyPatch, photo: Photo, encode: Callable[[Photo, BinaryIO, Mark | None], None]
) -> None:
    """Let photos of this one's format be written by `encode`."""
    codec = replace(CODECS[photo.format], new=replace(new_files(photo.format), write=encode))
    monkeypatch.setitem(CODECS, photo.format, codec)


def fail_half_way(monkeypatch: pytest.MonkeyPatch, photo: Photo, error: BaseException) -> None:
    def encode(_: Photo, file: BinaryIO, __: Mark | None) -> None:
        file.write(b"half a picture")
        file.flush()
        raise error

    write_by(monkeypatch, photo, encode)


@pytest.mark.parametrize("with_old_target", [False, True])
def test_a_full_disk_leaves_neither_a_partial_file_nor_a_touched_target(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_old_target: bool
) -> None:
    target = tmp_path / "out" / "result"
    target.parent.mkdir()
    if with_old_target:
        target.write_bytes(b"old")
    fail_half_way(monkeypatch, photo, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(PhotoWriteError, match=r"No space left on device\)\. Free some space"):
        write_photo(photo, target)
    assert [path.name for path in target.parent.iterdir()] == ["result"] * with_old_target
    assert not with_old_target or target.read_bytes() == b"old"


def test_an_error_on_the_way_to_the_disk_is_one_too(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    before = set(tmp_path.iterdir())
    with pytest.raises(PhotoWriteError):
        write_photo(photo, tmp_path / "result")
    assert set(tmp_path.iterdir()) == before


def test_an_interrupt_goes_through_and_cleans_up(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(tmp_path.iterdir())
    fail_half_way(monkeypatch, photo, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        write_photo(photo, tmp_path / "result")
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_cannot_be_made_is_an_error(photo: Photo, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "result", tmp_path / "file" / "deeper" / "result"):
        with pytest.raises(PhotoWriteError) as caught:
            write_photo(photo, target)
        assert "\n" not in str(caught.value)


def test_a_target_that_is_a_folder_is_an_error(photo: Photo, tmp_path: Path) -> None:
    (tmp_path / "result" / "inside").mkdir(parents=True)
    before = set(tmp_path.iterdir())
    with pytest.raises(PhotoWriteError):
        write_photo(photo, tmp_path / "result")
    assert set(tmp_path.iterdir()) == before


def test_missing_folders_are_made(photo: Photo, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "result"
    write_photo(photo, target)
    assert read_photo(target).pixels.shape == photo.pixels.shape
    assert list(target.parent.iterdir()) == [target]


def test_the_target_has_its_old_content_until_the_new_one_is_whole(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "result"
    target.write_bytes(b"old")
    whole = new_files(photo.format).write
    seen: list[bytes] = []

    def encode(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
        whole(photo, file, mark)
        file.flush()
        seen.append(target.read_bytes())
        (part,) = [path for path in tmp_path.iterdir() if path.name.startswith(".lgbpn-")]
        assert part.suffix == ".part"

    write_by(monkeypatch, photo, encode)
    write_photo(photo, target)
    assert seen == [b"old"]
    assert target.read_bytes() != b"old"


@pytest.mark.parametrize("links", [True, False])
def test_a_target_that_appeared_meanwhile_is_not_replaced(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:  # as on exFAT

        def refuse(self: Path, target: Path) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_photo(photo, tmp_path / "free", overwrite=False)
    assert read_photo(tmp_path / "free").pixels.shape == photo.pixels.shape
    (tmp_path / "taken").write_bytes(b"another's")
    with pytest.raises(ResultExistsError):
        write_photo(photo, tmp_path / "taken", overwrite=False)
    assert (tmp_path / "taken").read_bytes() == b"another's"
    assert {path.name for path in tmp_path.iterdir() if path != photo.path} == {"free", "taken"}


def test_permissions_are_what_the_umask_says(photo: Photo, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_photo(photo, tmp_path / "result")
    finally:
        os.umask(before)
    assert (tmp_path / "result").stat().st_mode & 0o777 == 0o640


def test_a_photo_can_replace_its_own_source(photo: Photo) -> None:
    write_photo(replace(photo, pixels=np.flip(photo.pixels, 0).copy()), photo.path)
    again = read_photo(photo.path)
    assert np.abs(again.pixels.astype(int) - np.flip(photo.pixels, 0)).mean() < 3
    assert again.orientation == photo.orientation == 6


def test_not_enough_memory_is_an_error_of_one_line(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_half_way(monkeypatch, photo, MemoryError())
    with pytest.raises(PhotoWriteError, match="not enough memory"):
        write_photo(photo, tmp_path / "result")
