"""Files of ../shared/data/cases that went wrong once, by the command of their README, and what should come of it.

The network is a fake that makes negatives. Other cases have their tests beside what was mended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_photos import Lgbpn, negative_of

from lgbpn_cli.photos.read import read_photo

QUICK_S = 5.0
LAYERS_TAG = 37724


def tags_of(path: Path) -> dict[str, Any]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    found = subprocess.run(["exiftool", "-j", "-n", path], capture_output=True, text=True, check=True)
    tags: dict[str, Any] = json.loads(found.stdout)[0]
    return tags


def test_layers_are_left_out_and_that_is_said(lgbpn: Lgbpn, cases: Path, tmp_path: Path) -> None:
    source = cases / "layered_tiff/layered.tif"
    result = lgbpn("denoise", source, "-o", tmp_path)
    assert result.exit_code == 0
    assert "its Photoshop layers are left out" in result.stderr
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(tmp_path / source.name) as after:
        assert LAYERS_TAG in before.pages[0].tags
        assert LAYERS_TAG not in after.pages[0].tags
        assert np.corrcoef(after.asarray().ravel(), before.asarray().ravel())[0, 1] < -0.9


def test_a_monochrome_raw_file_becomes_a_dng_of_one_colour(lgbpn: Lgbpn, cases: Path, tmp_path: Path) -> None:
    result = lgbpn("denoise", cases / "mono_dng/mono.dng", "-o", tmp_path)
    assert result.exit_code == 0
    assert "demosaiced" not in result.stderr
    assert read_photo(tmp_path / "mono.dng").pixels.shape[2] == 1


@pytest.mark.parametrize("kind", ["avif", "png", "tiff", "webp", "jxl"])
def test_a_motion_photo_of_another_type_promises_no_video(
    lgbpn: Lgbpn, cases: Path, tmp_path: Path, kind: str
) -> None:
    source = cases / "motion_photo/PXL_1.MP.jpg"
    assert "MotionPhoto" in tags_of(source)
    result = lgbpn("denoise", source, "-o", tmp_path, "-f", kind)
    assert result.exit_code == 0
    assert "left behind: its video" in result.stderr
    (written,) = tmp_path.iterdir()
    assert not {"MotionPhoto", "MotionPhotoVersion", "DirectoryItemLength"} & tags_of(written).keys()


def test_jpegs_by_other_names_are_photos_in_folders_too(lgbpn: Lgbpn, cases: Path, tmp_path: Path) -> None:
    result = lgbpn("denoise", cases / "jfif_mpo", "-o", tmp_path)
    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.jfif", "stereo.mpo"]
    assert "stereo.mpo: its second picture stays as it is, with its noise" in result.stderr
    off = Image.open(tmp_path / "photo.jfif"), negative_of(cases / "jfif_mpo/photo.jfif")
    assert np.abs(np.asarray(off[0]).astype(int) - off[1]).mean() < 8


def test_thumbnails_of_a_nas_are_no_photos(lgbpn: Lgbpn, cases: Path, tmp_path: Path) -> None:
    result = lgbpn("denoise", "-r", cases / "synology/in", "-o", tmp_path)
    assert result.exit_code == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["IMG_1.jpg"]
    assert "@eaDir" in result.stderr


def test_zeros_behind_a_photo_cost_no_time(lgbpn: Lgbpn, cases: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copyfile(cases / "zero_extended/small.webp", folder / "w.webp")
    (folder / "p.png").write_bytes((cases / "zero_extended/small.png").read_bytes()[:100])
    os.truncate(folder / "w.webp", 200_000_000)  # sparse: they take no room
    os.truncate(folder / "p.png", 500_000_000)
    start = time.process_time()
    result = lgbpn("denoise", folder, "-o", tmp_path / "o", "--json")
    assert time.process_time() - start < QUICK_S
    rows = {Path(row["source"]).name: row for row in map(json.loads, result.stdout.splitlines())}
    assert {name: row["status"] for name, row in rows.items()} == {"p.png": "failed", "w.webp": "done"}
    assert (tmp_path / "o/w.webp").stat().st_size < 100_000


def test_a_name_that_is_no_text_has_its_place_on_the_page(lgbpn: Lgbpn, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    photo = folder / os.fsdecode(b"bad\xff.jpg")
    Image.effect_noise((64, 64), 30).convert("RGB").save(folder / "x.jpg")
    try:
        (folder / "x.jpg").rename(photo)
    except OSError:
        pytest.skip("this file system has no such names")
    result = lgbpn("denoise", folder, "-o", tmp_path / "o", "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    assert [path.name for path in (tmp_path / "o").iterdir()] == [photo.name]
    assert "bad" in (tmp_path / "page.html").read_text("utf-8")


def test_floats_with_a_curve_are_done_as_integers_are(lgbpn: Lgbpn, cases: Path, tmp_path: Path) -> None:
    names = ("f32.tif", "same_16bit.tif")
    for name in names:
        assert lgbpn("denoise", cases / "float_srgb_tiff" / name, "-o", tmp_path).exit_code == 0
    floats, integers = (read_photo(tmp_path / name) for name in names)
    assert floats.metadata.icc == read_photo(cases / "float_srgb_tiff/f32.tif").metadata.icc
    assert np.abs(floats.pixels - integers.pixels / np.float32(65535)).max() < 1e-3
