"""`lgbpn denoise`: what it writes, where, and what it leaves alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto, contents, negative_of, pixels_of, settings_of

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.models.manifest import shipped_noise_estimator


def test_a_photo_gets_its_result_beside_it(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    before = photo.read_bytes()
    result = lgbpn("denoise", photo)
    assert result.exit_code == 0
    assert np.array_equal(pixels_of(photo.with_name("a_denoised.png")), negative_of(photo))
    assert photo.read_bytes() == before
    assert result.stdout == ""
    assert "1 photo denoised in " in result.stderr


def test_a_folder_is_mirrored_below_the_output_folder(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("in/a.png", "in/sub/b.jpg", "in/sub/deep/c.tif"):
        make_photo(name)
    result = lgbpn("denoise", tmp_path / "in", "-r", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert set(contents(tmp_path / "out")) == {"a.png", "sub/b.jpg", "sub/deep/c.tif"}
    assert "3 photos denoised" in result.stderr


def test_sub_folders_need_the_option(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("in/a.png")
    make_photo("in/sub/b.png")
    result = lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {"a.png"}
    assert "left out: 1 not entered (sub-folders need -r)" in result.stderr


def test_one_photo_may_be_given_a_file_name(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png")
    assert lgbpn("denoise", photo, "-o", tmp_path / "new" / "clean.png").exit_code == 0
    assert np.array_equal(pixels_of(tmp_path / "new" / "clean.png"), negative_of(photo))


def test_the_suffix_can_be_chosen(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a.png")
    assert lgbpn("denoise", tmp_path / "a.png", "--suffix", "-clean").exit_code == 0
    assert (tmp_path / "a-clean.png").exists()


def test_a_second_source_for_a_target_is_renamed_and_said_before_running(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    first, second = make_photo("one/a.png"), make_photo("second/a.png")
    result = lgbpn("denoise", first, second, "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert np.array_equal(pixels_of(tmp_path / "out" / "a.png"), negative_of(first))
    assert np.array_equal(pixels_of(tmp_path / "out" / "a.png.png"), negative_of(second))
    lines = result.stderr.splitlines()
    [renamed] = [line for line in lines if "renamed" in line]
    assert lines.index(renamed) < lines.index(next(line for line in lines if line.endswith(" s)")))


@pytest.mark.parametrize("link", ["none", "symbolic", "hard"])
def test_a_source_is_never_overwritten(
    link: str, lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo, other = make_photo("in/a.png"), make_photo("in/b.png")
    out = tmp_path / "out"
    out.mkdir()
    if link == "none":
        out = tmp_path / "in"
    elif link == "hard":
        os.link(photo, out / "a.png")
    else:
        (out / "a.png").symlink_to(photo)
    before = photo.read_bytes()
    result = lgbpn("denoise", photo, "-o", out, "--overwrite")
    assert result.exit_code == 1
    assert f"{photo}: its result {out / 'a.png'} would replace the photo" in result.stderr
    assert photo.read_bytes() == before
    assert lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "in", "--overwrite").exit_code == 2
    assert other.exists()


def test_a_second_run_skips_everything(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a.png")
    make_photo("b.png")
    lgbpn("denoise", tmp_path)
    before = contents(tmp_path)
    result = lgbpn("denoise", tmp_path)
    assert result.exit_code == 0
    assert contents(tmp_path) == before
    assert "left out: 2 made by lgbpn" in result.stderr
    assert "2 already there\n" in result.stderr
    assert result.stderr.splitlines()[-1] == "nothing to do (2 skipped)"


def test_results_made_with_other_settings_are_counted_and_replaced_on_request(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        make_photo(name)
    lgbpn("denoise", tmp_path / "a.png", "--strength", "0.5")
    lgbpn("denoise", tmp_path)
    result = lgbpn("denoise", tmp_path)
    assert (
        "3 already there, 1 of them made by another model or with other settings; --overwrite replaces them"
        in result.stderr
    )
    assert settings_of(tmp_path / "a_denoised.png")["strength"] == 0.5
    assert lgbpn("denoise", tmp_path, "--overwrite").exit_code == 0
    assert settings_of(tmp_path / "a_denoised.png")["strength"] == "auto"
    assert lgbpn("denoise", tmp_path).stderr.count("made by another model or with other settings") == 0


def test_the_strength_may_be_given_in_per_cent(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    lgbpn("denoise", make_photo("a.png"), "--strength", "50%")
    assert settings_of(make_photo("b.png").with_name("a_denoised.png"))["strength"] == 0.5


def test_the_output_folder_inside_the_input_is_no_input(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("a.png")
    for _ in range(2):
        assert lgbpn("denoise", tmp_path, "-r", "-o", tmp_path / "out").exit_code == 0
    assert set(contents(tmp_path)) == {"a.png", "out/a.png"}


def test_a_result_is_recognised_after_it_was_renamed(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("a.png")
    lgbpn("denoise", tmp_path / "a.png", "-o", tmp_path / "best.png")
    assert "left out: 1 made by lgbpn" in lgbpn("denoise", tmp_path).stderr
    named = lgbpn("denoise", tmp_path / "best.png")
    assert named.exit_code == 1
    assert "best.png: was made by lgbpn" in named.stderr


def test_a_file_and_its_folder_are_one_photo(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("in/a.png")
    result = lgbpn("denoise", photo, tmp_path / "in", "-o", tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {"a.png"}
    assert "1 given twice" in result.stderr


def test_every_setting_reaches_the_network_and_the_record(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, fake_rooms: dict[str, ModuleType]
) -> None:
    photo = make_photo("a.png")
    seen = []
    room: Any = fake_rooms["lgbpn_cli.inference.run"]
    real = room.run_network

    def run_network(image: Any, model: Any, config: InferenceConfig, **options: Any) -> Any:
        seen.append((model.name, config))
        return real(image, model, config, **options)

    room.run_network = run_network
    options = ["--quality", "teacher-r3", "--preset", "dnd", "--strength", "0.5", "--seed", "7"]
    options += ["--tile", "128", "--halo", "16", "--model", "other"]
    options += ["--precision", "bfloat16", "--max-memory", "2GB", "--attention", "live"]
    assert lgbpn("denoise", photo, *options).exit_code == 0
    wanted = InferenceConfig(
        quality="teacher-r3",
        preset="dnd",
        strength=0.5,
        seed=7,
        tile_px=128,
        halo_px=16,
        attention="live",
        precision="bfloat16",
        max_memory_bytes=2_000_000_000,
    )
    assert seen == [("other", wanted)]
    assert settings_of(tmp_path / "a_denoised.png") == {
        "model_sha256": "sum of other teacher",
        "part": "teacher",
        "quality": "teacher-r3",
        "preset": "dnd",
        "strength": 0.5,
        "seed": 7,
        "tile_px": 128,
        "halo_px": 16,
        "attention": "live",
        "precision": "bfloat16",
        "refine_passes": wanted.refine_passes,
        "refine_probability": wanted.refine_probability,
    }


def test_the_record_holds_what_is_left_to_the_photo_and_no_seed_that_does_nothing(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    lgbpn("denoise", make_photo("a.png"), "--seed", "7")
    settings = settings_of(tmp_path / "a_denoised.png")
    assert (settings["preset"], settings["strength"]) == ("auto", "auto")
    assert settings["noise_estimator_sha256"] == shipped_noise_estimator()[1]
    assert "seed" not in settings
    again = lgbpn("denoise", tmp_path, "--preset", "auto", "--strength", "auto", "--seed", "8").stderr
    assert "1 already there\n" in again


def test_a_tile_that_does_not_show_makes_no_other_result(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    lgbpn("denoise", photo)
    assert "1 already there\n" in lgbpn("denoise", photo, "--tile", "128", "--max-memory", "4GB").stderr
    assert "made by another model or with other settings" in lgbpn("denoise", photo, "--halo", "0").stderr


def test_the_model_of_the_camera_is_used_where_there_is_one(
    lgbpn: Lgbpn, fake_rooms: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lgbpn_cli.models.manifest.model_for_camera",
        lambda camera, iso, part: "other" if (camera, iso, part) == ("Canon EOS 5D", 800, None) else None,
    )
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "Canon EOS 5D"
    exif.get_ifd(0x8769)[34855] = 800
    grey = Image.new("RGB", (20, 20), "grey")
    grey.save(tmp_path / "known.png", exif=exif)
    grey.save(tmp_path / "unknown.png")
    result = lgbpn("denoise", tmp_path, "-m", "auto", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    told = {Path(line["source"]).name: line["model"] for line in map(json.loads, result.stdout.splitlines())}
    assert told == {"known.png": "other", "unknown.png": "fake"}
    assert "Canon EOS 5D, ISO 800: model other" in result.stderr
    used = [settings_of(tmp_path / "out" / name)["model_sha256"] for name in ("known.png", "unknown.png")]
    assert used == ["sum of other teacher", "sum of fake teacher"]
    # Which model made a result is not known before its photo is read.
    assert "2 already there\n" in lgbpn("denoise", tmp_path, "-m", "auto", "-o", tmp_path / "out").stderr


def test_photos_of_low_iso_are_left_alone(lgbpn: Lgbpn, tmp_path: Path) -> None:
    for name, iso in (("low", 200), ("high", 800), ("unknown", None)):
        exif = Image.Exif()
        exif[271] = "Canon"
        if iso is not None:
            exif.get_ifd(0x8769)[34855] = iso
        Image.new("RGB", (32, 32), (90, 80, 70)).save(tmp_path / f"{name}.png", exif=exif)
    out = tmp_path / "out"
    result = lgbpn("denoise", tmp_path, "-o", out, "--min-iso", "800", "--json", "-v")
    assert result.exit_code == 0
    assert {path.stem for path in out.iterdir()} == {"high", "unknown"}
    assert "1 left alone: their ISO is below 800" in result.stderr
    assert f"{tmp_path / 'low.png'}: its ISO is low" in result.stderr
    assert "2 photos denoised" in result.stderr
    assert "(1 skipped)" in result.stderr
    told = {Path(line["source"]).stem: line for line in map(json.loads, result.stdout.splitlines())}
    assert (told["low"]["status"], told["low"]["target"]) == ("skipped", None)
    alone = lgbpn("denoise", tmp_path / "low.png", "-o", out, "--min-iso", "800", "-n")
    assert alone.exit_code == 0
    assert "nothing to do (1 skipped)" in alone.stderr
    assert lgbpn("denoise", tmp_path / "low.png", "--min-iso", "800", "--device", "cuda").exit_code == 0
    assert "is not an ISO" in lgbpn("denoise", tmp_path, "--min-iso", "-1").stderr


def test_machines_share_a_folder_by_parts(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    for name in "abcde":
        make_photo(f"in/{name}.png")
    for number, expected in ((1, "ace"), (2, "bd"), (3, "")):
        out = tmp_path / f"out{number}"
        options = ("-o", out, "--part", f"{number}/2")
        result = lgbpn("denoise", tmp_path / "in", *options)
        if number == 3:
            assert result.exit_code == 2
            assert "--part: 3/2 is not a part" in result.stderr
        else:
            assert result.exit_code == 0
            assert {path.stem for path in out.iterdir()} == set(expected)
    alone = lgbpn("denoise", tmp_path / "in" / "a.png", "--part", "2/2")
    assert alone.exit_code == 0
    assert "this part is empty" in alone.stderr
    assert "nothing to do" in alone.stderr


@pytest.mark.parametrize(("quality", "part"), [("fast", "student"), ("teacher", "teacher")])
def test_each_part_of_a_model_has_its_own_tolerance(
    quality: str,
    part: str,
    lgbpn: Lgbpn,
    make_photo: MakePhoto,
    fake_rooms: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = []
    adaptation = fake_rooms["lgbpn_cli.denoise.detail"]

    def give_detail_back(
        noisy: object, clean: object, noise: object, tolerance: float, merge: object
    ) -> object:
        given.append(tolerance)
        return clean

    monkeypatch.setattr(adaptation, "give_detail_back", give_detail_back)
    assert lgbpn("denoise", make_photo("a.png", (8, 8)), "--quality", quality).exit_code == 0
    assert given == [adaptation.TOLERANCES[part]]


def test_only_and_exclude_choose_by_name(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    for name in ("in/a.png", "in/a_small.png", "in/b.jpg", "in/old/c.png", "in/@eaDir/a.png/THUMB.png"):
        make_photo(name)
    result = lgbpn(
        "denoise", tmp_path / "in", "-r", "-o", tmp_path / "out", "--only", "*.PNG", "--exclude", "*_small",
        "--exclude", "old",
    )  # fmt: skip
    assert result.exit_code == 0
    assert set(contents(tmp_path / "out")) == {"a.png"}
    for said in ("1 excluded by name", "1 not among the names wanted", "not entered (@eaDir"):
        assert said in result.stderr
