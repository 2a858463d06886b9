"""Folders for files that nobody needs for long."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lgbpn_cli.machine.temporary_folder import PREFIX, temporary_folder


def test_a_folder_goes_with_its_block_and_with_it_those_of_killed_programs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    abandoned, new, elsewhere = (tmp_path / f"{PREFIX}{name}" for name in ("abandoned", "new", "elsewhere"))
    other = tmp_path / "other"
    for folder in (abandoned, new, other):
        folder.mkdir()
    for folder in (abandoned, other):
        (folder / "photo.jpg").write_bytes(b"large")
    elsewhere.symlink_to(other)
    with temporary_folder() as one:
        (one / "photo.jpg").write_bytes(b"large")
        with temporary_folder() as two:
            assert one != two
            assert two.is_dir()
        assert one.is_dir()
        assert (other / "photo.jpg").exists()
        if sys.platform != "win32":
            assert {each.name for each in tmp_path.iterdir()} == {one.name, new.name, elsewhere.name, "other"}
    assert not one.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners by number here")
def test_a_folder_of_another_user_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{PREFIX}theirs").mkdir()
    (tmp_path / f"{PREFIX}theirs" / "photo.jpg").touch()
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    with temporary_folder():
        pass
    assert (tmp_path / f"{PREFIX}theirs" / "photo.jpg").exists()
