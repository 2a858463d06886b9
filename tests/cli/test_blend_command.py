"""`lgbpn blend`: other mixtures of photos and their results, equal to what the network would have led to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_photos import Lgbpn, MakePhoto, contents, negative_of, pixels_of

from lgbpn_cli.photos.record import read_record


@pytest.fixture
def photo(make_photo: MakePhoto) -> Path:
    return make_photo("in/a.png", (40, 30))


@pytest.fixture
def full(lgbpn: Lgbpn, photo: Path, tmp_path: Path) -> Path:
    assert lgbpn("denoise", photo, "-o", tmp_path / "full", "--strength", 1).exit_code == 0
    return tmp_path / "full" / "a.png"


OPTIONS = [
    ["--strength", "0.3"],
    ["--luma", "0", "--chroma", "1"],
    ["--luma", "70%"],
    ["--strength", "0.5", "--grain", "5,1.5", "--seed", "3"],
    ["--grain", "5,colour"],
    ["--strength", "0"],
]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_a_mixture_is_what_the_network_would_have_led_to(
    lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path, options: list[str]
) -> None:
    result = lgbpn("blend", photo, full, "-o", tmp_path / "b.png", *options)
    assert result.exit_code == 0, result.stderr
    assert "1 photo blended in" in result.stderr
    said = "--strength" in options or {"--luma", "--chroma"} <= set(options)
    strength = [] if said else ["--strength", "1"]
    lgbpn("denoise", photo, "-o", tmp_path / "direct.png", *strength, *options)
    difference = pixels_of(tmp_path / "b.png").astype(int) - pixels_of(tmp_path / "direct.png")
    # The full result was rounded to 8 bits on its way, and brightness is a sum over its channels.
    assert np.abs(difference).max() <= (1 if options[0] == "--strength" else 2)


def test_the_record_says_what_was_blended(lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path) -> None:
    lgbpn("blend", photo, full, "-o", tmp_path / "b.png", "--luma", "0.5", "--grain", "4")
    of_full, of_mixture = read_record(full), read_record(tmp_path / "b.png")
    assert of_full is not None
    assert of_mixture is not None
    assert (of_mixture.model, of_mixture.source) == (of_full.model, of_full.source)
    settings = json.loads(of_mixture.settings)
    assert settings["blend"] == {"luma": 0.5, "chroma": "auto", "grain": [4.0, 1.0]}
    assert settings["seed"] == 0


def test_a_result_of_another_photo_is_refused(
    lgbpn: Lgbpn, make_photo: MakePhoto, full: Path, tmp_path: Path
) -> None:
    other = make_photo("other/a.png", (40, 30))
    result = lgbpn("blend", other, full, "-o", tmp_path / "b.png", "--strength", "0.5")
    assert result.exit_code == 1
    assert f"{other}: {full} was made from another photo" in result.stderr
    assert not (tmp_path / "b.png").exists()


def test_a_renamed_photo_is_still_the_same(lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path) -> None:
    moved = photo.rename(tmp_path / "renamed.png")
    assert lgbpn("blend", moved, full, "-o", tmp_path / "b.png", "--strength", "0.5").exit_code == 0


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--strength", "0.5"], "was not made at full strength"),
        (["--luma", "0"], "was not made at full strength"),
        (["--grain", "3"], "was not made at full strength"),
        (["--no-provenance"], "does not say which photo it was made from"),
    ],
)
def test_only_results_at_full_strength_are_mixed(
    lgbpn: Lgbpn, photo: Path, tmp_path: Path, options: list[str], cause: str
) -> None:
    lgbpn("denoise", photo, "-o", tmp_path / "part.png", *options)
    result = lgbpn("blend", photo, tmp_path / "part.png", "-o", tmp_path / "b.png", "--strength", "0.5")
    assert result.exit_code == 1
    assert cause in result.stderr
    assert not (tmp_path / "b.png").exists()


def test_a_mixture_is_not_mixed_again(lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path) -> None:
    lgbpn("blend", photo, full, "-o", tmp_path / "b.png", "--strength", "0.5")
    again = lgbpn("blend", photo, tmp_path / "b.png", "-o", tmp_path / "c.png", "--strength", "0.5")
    assert again.exit_code == 1
    assert "was not made at full strength" in again.stderr


def test_folders_are_paired_by_what_the_results_say(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for height, name in enumerate(("in/a.png", "in/deep/a.png", "in/b.png"), start=8):
        make_photo(name, (20, height))
    lgbpn("denoise", tmp_path / "in", "-r", "-o", tmp_path / "full", "--strength", 1)
    (tmp_path / "full" / "b.png").unlink()
    (tmp_path / "full" / "a.png").rename(tmp_path / "full" / "another name.png")
    result = lgbpn(
        "blend", tmp_path / "in", tmp_path / "full", "-r", "-o", tmp_path / "out", "--strength", "0"
    )
    assert result.exit_code == 1
    assert "in/b.png" in result.stderr
    assert "holds no result that was made from it. Denoise it first" in result.stderr
    assert set(contents(tmp_path / "out")) == {"another name.png", "deep/a.png"}
    assert np.array_equal(
        pixels_of(tmp_path / "out" / "deep" / "a.png"), pixels_of(tmp_path / "in/deep/a.png")
    )
    again = lgbpn(
        "blend", tmp_path / "in", tmp_path / "full", "-r", "-o", tmp_path / "out", "--strength", "1"
    )
    assert "2 skipped" in again.stderr
    assert (
        "2 already there, 2 of them made by another model or with other settings; --overwrite replaces them"
        in again.stderr
    )


def test_every_kind_of_photo_can_be_mixed(lgbpn: Lgbpn, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    deep = random.integers(0, 65536, (30, 40, 3)).astype(np.uint16)
    with tifffile.TiffWriter(tmp_path / "in" / "pages.tif") as file:
        for page in (deep, deep // 2):
            file.write(page, photometric="rgb")
    tifffile.imwrite(tmp_path / "in" / "float.tif", random.random((30, 40, 3), np.float32), photometric="rgb")
    for mode, channels in (("L", ()), ("RGBA", (4,))):
        pixels = random.integers(0, 256, (30, 40, *channels)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{mode}.png")
    options = ["--luma", "0.4", "--chroma", "0.9"]
    assert lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "full", "--strength", 1).exit_code == 0
    assert lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "direct", *options).exit_code == 0
    result = lgbpn("blend", tmp_path / "in", tmp_path / "full", "-o", tmp_path / "out", *options)
    assert result.exit_code == 0, result.stderr
    for name in ("L.png", "RGBA.png"):
        found, direct = (pixels_of(tmp_path / folder / name).astype(int) for folder in ("out", "direct"))
        assert np.abs(found - direct).max() <= 1
    for name, key, tolerance in (("pages.tif", 0, 1), ("pages.tif", 1, 1), ("float.tif", 0, 2e-3)):
        found, direct = (
            tifffile.imread(tmp_path / folder / name, key=key).astype(float) for folder in ("out", "direct")
        )
        assert np.abs(found - direct).max() <= tolerance


def test_another_type_than_the_photos(lgbpn: Lgbpn, photo: Path, tmp_path: Path) -> None:
    lgbpn("denoise", photo, "-o", tmp_path / "full.tif", "-f", "tif", "--bit-depth", 16, "--strength", 1)
    result = lgbpn("blend", photo, tmp_path / "full.tif", "-o", tmp_path / "b.tif", "--strength", "0.5")
    assert result.exit_code == 0, result.stderr
    mean = 257 * (pixels_of(photo).astype(float) + negative_of(photo)) / 2
    assert np.abs(tifffile.imread(tmp_path / "b.tif") - mean).max() <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "blend: nothing says how to mix photo and result"),
        (["--strength", "2"], "--strength: 2.0 is not between 0 and 1"),
        (["--strength", "0", "--seed", "-1"], "--seed: -1 is negative"),
        (["--strength", "0", "-o", "b.gif"], "-o b.gif: .gif files cannot be written"),
    ],
)
def test_a_wrong_command_is_one_line(
    lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = lgbpn("blend", photo, full, "-o", tmp_path / "b.png", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"lgbpn: {message}")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("target", ["in/a.png", "full/a.png"])
def test_nothing_is_replaced(lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path, target: str) -> None:
    before = contents(tmp_path)
    result = lgbpn("blend", photo, full, "-o", tmp_path / target, "--strength", "0.5", "--overwrite")
    assert result.exit_code == 1
    assert "would replace a photo or another result" in result.stderr
    assert contents(tmp_path) == before


def test_no_network_is_loaded(lgbpn: Lgbpn, photo: Path, full: Path, tmp_path: Path) -> None:
    script = "import sys; from lgbpn_cli.cli.main import app; app(standalone_mode=False); print('torch' in sys.modules)"
    command = ["blend", str(photo), str(full), "-o", str(tmp_path / "b.png"), "--strength", "0.5"]
    answer = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
