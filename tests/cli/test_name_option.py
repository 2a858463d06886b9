"""`lgbpn denoise --name` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto


def test_results_are_called_by_what_their_photos_say_and_found_again(lgbpn: Lgbpn, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[272] = "X100"
    exif.get_ifd(0x8769).update({34855: 1600, 36867: "2026:11:30 12:00:00"})
    Image.new("RGB", (12, 8)).save(tmp_path / "a.jpg", exif=exif)
    command = (
        "denoise",
        tmp_path / "a.jpg",
        "-o",
        tmp_path / "out",
        "--name",
        "{date}/{stem}_{iso}_{model}.{ext}",
    )
    result = lgbpn(*command)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out/2026-11-30/a_1600_lgbpn-base.jpg").is_file()
    assert "1 already there" in lgbpn(*command).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", "{what}"], "--name {what}: has an unknown field {what}"),
        (["--name", "{stem}", "--in-place"], "--name: cannot be combined with --in-place"),
        (["--name", "{stem}", "--suffix", "_x"], "--name: cannot be combined with"),
        (["--name", "{stem}", "-o", "b.png"], "-o b.png: names the result already"),
    ],
)
def test_what_cannot_work_is_refused(
    lgbpn: Lgbpn, make_photo: MakePhoto, options: list[str], words: str
) -> None:
    result = lgbpn("denoise", make_photo("a.png"), *options)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_a_name_that_is_the_photos_own_replaces_nothing(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    before = photo.read_bytes()
    result = lgbpn("denoise", photo, "--name", "{stem}.{ext}")
    assert result.exit_code == 1
    assert "would replace the photo" in result.stderr
    assert photo.read_bytes() == before
