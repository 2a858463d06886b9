"""Looking through a folder for photos that a model can learn from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_training import save_noisy_photo

from lgbpn_cli.config.file_names import NamePatterns
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.training.finetune.photos import (
    ScanEffort,
    photo_paths,
    read_index,
    read_run_tiles,
    scan_photos,
    write_index,
)
from lgbpn_cli.training.noise.jpeg_tables import jpeg_tables


def test_what_cannot_teach_is_left_out_with_words(folder: Path, tmp_path: Path) -> None:
    save_noisy_photo(folder / "sub" / "again.png", 0)
    save_noisy_photo(folder / "small.png", 5, size=(100, 300))
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(folder / "clean.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8")
    (folder / "notes.txt").write_text("no photo")
    problems: list[str] = []
    (tmp_path / "run").mkdir()
    scan = scan_photos(folder, tmp_path / "run", seed=0, say=problems.append)
    assert len(scan.photos) == 3
    assert scan.left_out == {
        "given twice": 1,
        "smaller than 160 px": 1,
        "too clean to learn from": 1,
        "not readable": 1,
    }
    assert "broken.jpg" in problems[0]


def test_many_photos_are_not_all_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    scan = scan_photos(folder, tmp_path / "run", seed=0, effort=ScanEffort(most_photos=2))
    assert (len(scan.photos), scan.unread) == (2, 1)
    assert scan.notes()[-1] == "1 further photos were not looked at: 2 are enough"


def test_looking_through_photos_ends_with_its_time_once_a_few_are_found(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    scan = scan_photos(folder, tmp_path / "run", seed=0, effort=ScanEffort(time_limit_s=0, fewest_in_time=2))
    assert (len(scan.photos), scan.unread) == (2, 1)
    assert "too much of the time" in scan.notes()[-1]


def test_a_long_look_says_how_far_it_is(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    said: list[str] = []
    scan_photos(folder, tmp_path / "run", seed=0, effort=ScanEffort(say_every_s=0), say=said.append)
    assert "looked at 2 of 3 photos: 2 to learn from" in said


def test_copies_are_known_without_being_decoded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []

    def read(reading: ReadingProcess, path: Path, *_: object, **__: object) -> Any:
        decoded.append(path)
        return read_photo(path)

    monkeypatch.setattr(ReadingProcess, "call", read)
    for number in range(5):
        os.link(folder / "0.png", folder / f"copy{number}.png")
    (tmp_path / "run").mkdir()
    assert scan_photos(folder, tmp_path / "run", seed=0).left_out == {"given twice": 5}
    assert len(decoded) == 3


def test_of_many_broken_files_a_few_are_named_and_all_counted(folder: Path, tmp_path: Path) -> None:
    for number in range(15):
        (folder / f"broken{number}.jpg").write_bytes(b"\xff\xd8" + bytes(number))
    (tmp_path / "run").mkdir()
    said: list[str] = []
    scan = scan_photos(folder, tmp_path / "run", seed=0, say=said.append)
    assert scan.left_out == {"not readable": 15}
    assert sum("broken" in text for text in said) == 10
    assert said[-1] == "left out: 5 more files that cannot be read either"


def test_of_the_files_of_one_shot_only_one_is_kept(folder: Path, tmp_path: Path) -> None:
    save_noisy_photo(folder / "0.jpg", 90)
    save_noisy_photo(folder / "sub" / "0.jpg", 91)
    (tmp_path / "run").mkdir()
    scan = scan_photos(folder, tmp_path / "run", seed=0)
    assert scan.left_out == {"another file of the same shot": 1}
    assert len(scan.photos) == 4


def test_patterns_choose_the_photos_to_learn_from(tmp_path: Path) -> None:
    for name in ("a.jpg", "a_small.jpg", "b.png", "old/c.jpg", "@eaDir/d.jpg", ".hidden/e.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    patterns = NamePatterns(only=("*.jpg",), exclude=("*small*", "old"))
    assert [path.name for path in photo_paths(tmp_path, patterns)] == ["a.jpg"]
    assert sorted(path.name for path in photo_paths(tmp_path)) == ["a.jpg", "a_small.jpg", "b.png", "c.jpg"]


def test_how_most_photos_are_coded_is_kept_with_the_run(folder: Path, tmp_path: Path) -> None:
    for path in sorted(folder.glob("*.png"))[:2]:
        Image.open(path).save(path.with_suffix(".jpg"), quality=97)
        path.unlink()
    (tmp_path / "run").mkdir()
    photos = scan_photos(folder, tmp_path / "run", seed=0).photos
    write_index(photos, tmp_path / "run")
    assert read_index(tmp_path / "run") == photos
    of_file = jpeg_tables(next(folder.glob("*.jpg")))
    assert of_file is not None
    assert sorted(str(each.jpeg) for each in photos) == sorted(map(str, (None, of_file, of_file)))
    assert read_run_tiles(photos, tmp_path / "run").jpeg == of_file
