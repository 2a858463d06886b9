"""`lgbpn denoise --keep-full`: what blend needs, from the same run of the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from small_photos import Lgbpn, MakePhoto, contents, negative_of, pixels_of

from lgbpn_cli.photos.record import read_record

LOOK = ["--luma", "0.4", "--chroma", "0.9", "--grain", "3"]


def apart(one: Path, other: Path) -> int:
    return int(np.abs(pixels_of(one).astype(int) - pixels_of(other)).max())


def test_blend_makes_the_same_result_of_the_full_one(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("in/a.png", "in/deep/a.png"):
        make_photo(name, (40, 30))
    photos, out, full, again = (tmp_path / name for name in ("in", "out", "full", "again"))
    result = lgbpn("denoise", photos, "-r", "-o", out, *LOOK, "--keep-full", full)
    assert result.exit_code == 0, result.stderr
    assert set(contents(full)) == {"a.png", "deep/a.png"}
    assert (pixels_of(full / "deep" / "a.png") == negative_of(photos / "deep" / "a.png")).all()
    assert lgbpn("blend", photos, full, "-r", "-o", again, *LOOK).exit_code == 0
    for name in ("a.png", "deep/a.png"):
        assert apart(again / name, out / name) <= 2  # the full result was rounded to 8 bits on its way
        assert apart(out / name, full / name) > 20


def test_what_is_left_to_the_measurement_stays_so(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo = make_photo("a.png", (40, 30))
    kept = []
    for look in ([], ["--chroma", "0.5"], ["--strength", "0.5"]):
        lgbpn(
            "denoise", photo, "-o", tmp_path / "out", *look, "--keep-full", tmp_path / "full", "--overwrite"
        )
        record = read_record(tmp_path / "full" / "a.png")
        assert record is not None
        settings = json.loads(record.settings)
        kept.append({name: settings[name] for name in ("strength", "luma", "chroma") if name in settings})
    assert kept == [{"strength": "auto"}, {"luma": "auto", "chroma": 1.0}, {"strength": 1.0}]


def test_all_pages_are_kept(lgbpn: Lgbpn, tmp_path: Path) -> None:
    pages = np.random.default_rng(0).integers(0, 65536, (2, 30, 40, 3)).astype(np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in pages:
            file.write(page, photometric="rgb")
    options = ["--strength", "0.5", "--keep-full", tmp_path / "full"]
    assert lgbpn("denoise", tmp_path / "a.tif", "-o", tmp_path / "b.tif", *options).exit_code == 0
    for number, page in enumerate(pages):
        assert (tifffile.imread(tmp_path / "full" / "b.tif", key=number) == 65535 - page).all()


def test_beside_their_photos_results_may_share_a_name(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photos = [make_photo(f"{folder}/a.png", (20, height)) for folder, height in (("x", 8), ("y", 9))]
    for _ in range(2):  # the second run replaces what it finds and adds nothing
        options = ["--strength", "0.5", "--overwrite", "--keep-full", tmp_path / "full"]
        assert lgbpn("denoise", *photos, *options).exit_code == 0
    assert set(contents(tmp_path / "full")) == {"a_denoised.png", "a_denoised-2.png"}
    for photo in photos:
        answer = lgbpn(
            "blend", photo, tmp_path / "full", "-o", tmp_path / "out", "--strength", "1", "--overwrite"
        )
        assert answer.exit_code == 0, answer.stderr


def test_a_result_that_was_made_otherwise_is_not_replaced_unasked(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo, full = make_photo("a.png", (20, 8)), tmp_path / "full"
    assert lgbpn("denoise", photo, "-o", full, "--strength", "0.3").exit_code == 0
    mine = (full / "a.png").read_bytes()
    asked = ("denoise", photo, "-o", tmp_path / "out", "--strength", "0.5", "--keep-full", full)
    refused = lgbpn(*asked)
    assert refused.exit_code == 1
    assert "is a result of it made with other settings. Add --overwrite" in refused.stderr
    assert (full / "a.png").read_bytes() == mine
    assert not (tmp_path / "out" / "a.png").exists()
    assert lgbpn(*asked, "--overwrite").exit_code == 0
    assert (pixels_of(full / "a.png") == negative_of(photo)).all()
    (tmp_path / "out" / "a.png").unlink()
    assert lgbpn(*asked).exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--in-place"], "--keep-full: is for results with a record"),
        (["--no-provenance"], "--keep-full: is for results with a record"),
        (["--keep-full", "in"], "--keep-full in: is the folder of the photos or of their results"),
        (["--keep-full", "out", "-o", "out"], "--keep-full out: is the folder of the photos"),
        (["--keep-full", "in/a.png"], "--keep-full in/a.png: names a file, and may have to hold several"),
        (["--keep-full", "notes"], "--keep-full notes: is a file, not a folder"),
        (["--keep-full", ""], "--keep-full: names no folder"),
    ],
)
def test_a_wrong_command_is_one_line(
    lgbpn: Lgbpn,
    make_photo: MakePhoto,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    photo = make_photo("in/a.png")
    (tmp_path / "notes").write_text("mine")
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = lgbpn("denoise", photo, "--keep-full", "full", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"lgbpn: {message}")
    assert contents(tmp_path) == before


def test_what_else_lies_in_the_folder_stays(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("in/a.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.png").mkdir()
    (tmp_path / "full" / "a-2.png").write_bytes(b"mine")
    result = lgbpn(
        "denoise", photo, "-o", tmp_path / "out", "--strength", "0.5", "--keep-full", tmp_path / "full"
    )
    assert result.exit_code == 0
    assert (tmp_path / "full" / "a-2.png").read_bytes() == b"mine"
    assert (tmp_path / "full" / "a-3.png").exists()
