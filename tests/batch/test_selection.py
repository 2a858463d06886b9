"""Which files are taken as photos, in which order, and what is left out."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.batch import selection
from lgbpn_cli.batch.selection import check_inputs, natural_key, select_sources
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.config.file_names import NamePatterns
from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.write import write_photo

HERE = OutputConfig()
DEEP = OutputConfig(recursive=True)


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture is needed to choose a file")


def names(chosen: selection.Selection) -> list[str]:
    return [str(source.below) for source in chosen.sources]


def test_a_folder_gives_its_photos_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path, "IMG_10.jpg", "IMG_9.JPG", "img_2.png", "IMG_1.tif", "IMG_1.jpeg")
    assert names(select_sources([tmp_path], HERE)) == [
        "IMG_1.jpeg",
        "IMG_1.tif",
        "img_2.png",
        "IMG_9.JPG",
        "IMG_10.jpg",
    ]


def test_natural_order_does_not_depend_on_the_order_before() -> None:
    wanted = ["a", "A1", "a1", "a01b", "a2", "a10", "B", "b²", "é"]
    for seed in range(20):
        mixed = random.Random(seed).sample(wanted, len(wanted))
        assert sorted(mixed, key=natural_key) == sorted(wanted, key=natural_key)
    assert sorted(["a10", "a2", "a1"], key=natural_key) == ["a1", "a2", "a10"]


def test_named_files_keep_the_order_they_were_given_in(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a.jpg")
    assert names(select_sources([tmp_path / "b.jpg", tmp_path / "a.jpg"], HERE)) == ["b.jpg", "a.jpg"]


def test_sub_folders_are_entered_only_when_asked(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a/c.jpg", "a/d/e.jpg", "f/g.jpg")
    flat = select_sources([tmp_path], HERE)
    assert names(flat) == ["b.jpg"]
    assert flat.ignored == {selection.SUB_FOLDER: 2}
    assert names(select_sources([tmp_path], DEEP)) == ["b.jpg", "a/c.jpg", "a/d/e.jpg", "f/g.jpg"]


def test_what_is_no_photo_is_counted_by_reason(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.txt", "c.mp4", "._a.jpg", ".hidden.jpg", ".cache/d.jpg", "e", ".jpg")
    chosen = select_sources([tmp_path], DEEP)
    assert names(chosen) == ["a.jpg"]
    assert chosen.ignored == {selection.OTHER_TYPE: 3, selection.HIDDEN: 4}
    assert chosen.notes() == ["left out: 4 hidden, 3 of other file types"]


@pytest.mark.parametrize("name", ["notes.txt", "._a.jpg", ".a.jpg", "a_denoised.jpg"])
def test_a_named_file_that_is_left_out_in_folders_is_refused(name: str, tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "z.jpg", name)
    chosen = select_sources([tmp_path / name, tmp_path / "z.jpg"], HERE)
    assert names(chosen) == ["z.jpg"]
    [(path, error)] = chosen.refused
    assert path == tmp_path / name
    assert str(error).startswith(str(path))


def test_an_input_that_is_not_there_stops_everything(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    with pytest.raises(UsageError, match=r"b\.jpg: there is no such file"):
        check_inputs([tmp_path / "a.jpg", tmp_path / "b.jpg"])
    with pytest.raises(UsageError, match="cannot be reached"):
        check_inputs([tmp_path / "a.jpg" / "b.jpg"])


def test_a_folder_without_photos_is_said_to_have_none(tmp_path: Path) -> None:
    assert select_sources([tmp_path], HERE).notes() == ["no photos to denoise were found"]


def test_a_file_given_twice_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    inputs = [tmp_path / "b.jpg", tmp_path, tmp_path / "." / "b.jpg", tmp_path / ".." / tmp_path.name]
    chosen = select_sources(inputs, HERE)
    assert names(chosen) == ["b.jpg", "a.jpg"]
    assert chosen.ignored == {selection.REPEATED: 6}


def test_hard_links_with_names_of_their_own_are_photos_of_their_own(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    os.link(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert names(select_sources([tmp_path], HERE)) == ["a.jpg", "b.jpg"]


def test_a_loop_of_symbolic_links_comes_to_an_end(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c.jpg")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "a" / "self.jpg").symlink_to("self.jpg")
    chosen = select_sources([tmp_path], DEEP)
    assert names(chosen) == ["a/b/c.jpg"]
    assert chosen.ignored == {selection.OTHER_TYPE: 1, selection.REPEATED_FOLDER: 1}
    assert [path.name for path, _ in chosen.refused] == ["self.jpg"]


def test_a_link_to_a_photo_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    (tmp_path / "b.jpg").symlink_to("unmounted/b.jpg")
    (tmp_path / "c.txt").symlink_to("unmounted/c.txt")
    chosen = select_sources([tmp_path], HERE)
    assert names(chosen) == ["a.jpg"]
    assert chosen.ignored == {selection.OTHER_TYPE: 1}
    [(path, error)] = chosen.refused
    assert path == tmp_path / "b.jpg"
    assert "a broken link" in str(error)


def test_a_pipe_that_is_called_like_a_photo_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert select_sources([tmp_path], HERE).ignored == {selection.NO_FILE: 1}
    [(_, error)] = select_sources([tmp_path / "a.jpg"], HERE).refused
    assert "is not a regular file" in str(error)


@pytest.mark.parametrize("source", ["a.jpg", "a.JPG", "a.tif"])
def test_a_result_beside_its_source_is_left_out(source: str, tmp_path: Path) -> None:
    make(tmp_path, source, "a_x.jpg", f"{source}_x.jpg")
    chosen = select_sources([tmp_path], OutputConfig(suffix="_x"))
    assert names(chosen) == [source]
    assert chosen.ignored == {selection.OWN_RESULT: 2}


def test_a_photo_that_is_only_called_like_a_result_is_taken(tmp_path: Path) -> None:
    make(tmp_path, "a_x.jpg", "_x.jpg", "b.txt", "b_x.jpg")
    assert names(select_sources([tmp_path], OutputConfig(suffix="_x"))) == ["_x.jpg", "a_x.jpg", "b_x.jpg"]


def test_a_file_with_this_tools_record_is_left_out_wherever_it_is(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.jpg")
    write_photo(read_photo(tmp_path / "a.jpg"), tmp_path / "b.jpg", record=Record("0.1.0", "base", "{}"))
    chosen = select_sources([tmp_path], HERE)
    assert names(chosen) == ["a.jpg"]
    assert chosen.ignored == {selection.OWN_RESULT: 1}


def test_an_output_folder_inside_the_input_is_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "sub/out/b.jpg", "sub/out/deep/c.jpg", "sub/d.jpg")
    (tmp_path / "other way").symlink_to(tmp_path / "sub" / "out" / "deep", target_is_directory=True)
    chosen = select_sources([tmp_path], OutputConfig(recursive=True, output=str(tmp_path / "sub" / "out")))
    assert names(chosen) == ["a.jpg", "sub/d.jpg"]
    assert chosen.ignored == {selection.IN_OUTPUT: 2}


def test_an_input_folder_inside_the_output_folder_is_entered(tmp_path: Path) -> None:
    make(tmp_path, "in/a.jpg", "in/sub/b.jpg")
    chosen = select_sources([tmp_path / "in"], OutputConfig(recursive=True, output=str(tmp_path)))
    assert names(chosen) == ["a.jpg", "sub/b.jpg"]


def test_a_folder_that_cannot_be_read_is_refused_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/b.jpg", "locked/c.jpg", "z/d.jpg")
    list_folder = os.scandir

    def scandir(folder: Path) -> Any:
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied")
        return list_folder(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    chosen = select_sources([tmp_path], DEEP)
    assert names(chosen) == ["a/b.jpg", "z/d.jpg"]
    [(path, error)] = chosen.refused
    assert path == tmp_path / "locked"
    assert "Permission denied" in str(error)


def test_every_file_that_is_looked_at_is_counted(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.txt", ".c.jpg", "d/e.jpg")
    looked_at: list[None] = []
    select_sources([tmp_path], DEEP, lambda: looked_at.append(None))
    assert len(looked_at) == 4


@pytest.mark.parametrize(
    "folder", ["@eaDir", "@EADIR", "#recycle", "#snapshot", "lost+found", "$RECYCLE.BIN", "A Previews.lrdata"]
)
def test_folders_of_systems_and_programs_are_passed_over_and_said(tmp_path: Path, folder: str) -> None:
    make(tmp_path, "a.jpg", f"{folder}/a.jpg/SYNOPHOTO_THUMB_M.jpg", f"b/{folder}/c.jpg", ".thumbnails/d.png")
    chosen = select_sources([tmp_path], DEEP)
    assert names(chosen) == ["a.jpg"]
    assert f"2 not entered ({folder}, a folder of a system or program)" in chosen.notes()[0]
    inside = select_sources([tmp_path / "b" / folder], DEEP)  # named by the user: it is meant
    assert names(inside) == ["c.jpg"]


def test_patterns_choose_in_folders_and_among_named_files(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a_small.jpg", "b.tif", "c/a.JPG", "old/d.jpg", "old/new/e.jpg")
    patterns = NamePatterns(only=("*.jpg",), exclude=("*_small", "old"))
    output = OutputConfig(recursive=True, names=patterns)
    chosen = select_sources([tmp_path], output)
    assert names(chosen) == ["a.jpg", "c/a.JPG"]
    assert chosen.ignored == {
        "excluded by name": 1,
        "not among the names wanted": 1,
        selection.EXCLUDED_FOLDER: 1,
    }
    assert names(select_sources([tmp_path / "a.jpg", tmp_path / "b.tif"], output)) == ["a.jpg"]


def test_pictures_that_cannot_be_read_are_named_by_type(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.psd", "c.PSD", "d.gif", "e.txt", "f.jpg.xmp", "g.MPO", "h.jfif")
    chosen = select_sources([tmp_path], HERE)
    assert names(chosen) == ["a.jpg", "g.MPO", "h.jfif"]
    assert chosen.notes() == [
        "left out: 1 GIF (a type that is not read), 2 Photoshop (a type that is not read), 2 of other file types"
    ]


def test_the_content_of_a_named_file_decides(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "photo.dat", "JPEG")
    make(tmp_path, "no photo.dat")
    chosen = select_sources([tmp_path / "photo.dat", tmp_path / "no photo.dat"], HERE)
    assert names(chosen) == ["photo.dat"]
    assert [path.name for path, _ in chosen.refused] == ["no photo.dat"]
    assert names(select_sources([tmp_path], HERE)) == []


def test_a_large_folder_is_looked_through_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(
        tmp_path, *(f"IMG_{number}.{ending}" for number in range(7) for ending in ("jpg", "heic")), "b/c.jpg"
    )
    monkeypatch.setattr(selection, "STEP_FILES", 3)
    steps = [names(step) for step in selection.select_in_steps([tmp_path], DEEP)]
    assert [len(step) for step in steps] == [4, 4, 4, 2, 1, 0]
    assert steps[0] == ["IMG_0.heic", "IMG_0.jpg", "IMG_1.heic", "IMG_1.jpg"]  # which may share a target
    assert [name for step in steps for name in step] == names(select_sources([tmp_path], DEEP))


def test_no_photo_is_asked_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg", "b/c.jpg")
    asked: list[str] = []
    stat = os.stat
    monkeypatch.setattr(
        os, "stat", lambda path, **options: (asked.append(str(path)), stat(path, **options))[1]
    )
    [first, second] = select_sources([tmp_path], DEEP).sources
    assert [path for path in asked if path.endswith(".jpg")] == []
    assert first.size_bytes == (tmp_path / "a.jpg").stat().st_size
    assert second.identity == ((tmp_path / "b").stat().st_dev, (tmp_path / "b/c.jpg").stat().st_ino)
