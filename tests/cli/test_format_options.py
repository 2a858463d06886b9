"""`lgbpn denoise`: the options about the type and the rest of the results."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_photos import Lgbpn, MakePhoto, contents, negative_of, pixels_of

from lgbpn_cli.photos.photo import Camera, Photo
from lgbpn_cli.photos.raw.dng import DngContainer
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.write import write_photo


@pytest.mark.parametrize(
    ("wanted", "name", "kind"),
    [
        ("preserve", "a_denoised.png", "png"),
        ("jpeg", "a_denoised.jpg", "jpeg"),
        ("png", "a_denoised.png", "png"),
        ("tiff", "a_denoised.tif", "tiff"),
        ("webp", "a_denoised.webp", "webp"),
        ("avif", "a_denoised.avif", "avif"),
        ("jxl", "a_denoised.jxl", "jxl"),
        ("jpg", "a_denoised.jpg", "jpeg"),
        ("JPG", "a_denoised.jpg", "jpeg"),
        ("tif", "a_denoised.tif", "tiff"),
        (".tif", "a_denoised.tif", "tiff"),
    ],
)
def test_format_decides_about_type_and_name(
    lgbpn: Lgbpn, make_photo: MakePhoto, wanted: str, name: str, kind: str
) -> None:
    photo = make_photo("a.png", size=(32, 32))
    assert lgbpn("denoise", photo, "-f", wanted).exit_code == 0
    result = read_photo(photo.with_name(name))
    assert result.format == kind
    if kind in ("png", "tiff"):
        assert np.array_equal(result.pixels, negative_of(photo))
    assert read_record(photo.with_name(name)) is not None


def test_a_result_of_another_type_is_known_and_skipped(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("in/a.png")
    lgbpn("denoise", photo.parent, "-f", "tiff")
    again = lgbpn("denoise", photo.parent, "-f", "tiff")
    assert again.exit_code == 0
    assert "1 already there" in again.stderr
    assert set(contents(photo.parent)) == {"a.png", "a_denoised.tif"}


def save_small_raw(path: Path) -> None:
    """Write a linear DNG of a few pixels, which is a camera raw file like any other."""
    pixels = np.random.default_rng(0).integers(0, 40000, (48, 64, 3)).astype(np.uint16)
    straight = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    camera = Camera("Maker", "Model", (2.0, 1.0, 1.5), straight, straight, (0, 0, 64, 48))
    write_photo(Photo(path, pixels, None, "dng", 1, DngContainer(), linear=True, camera=camera), path)


def test_raw_becomes_dng_and_only_raw_does(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    save_small_raw(photo.with_name("b.dng"))
    result = lgbpn("denoise", photo, photo.with_name("b.dng"), "-f", "dng", "-o", photo.parent / "out")
    assert result.exit_code == 1
    assert "only those become DNG" in result.stderr
    assert set(contents(photo.parent / "out")) == {"b.dng"}
    assert read_photo(photo.parent / "out/b.dng").format == "raw"


def test_raw_files_are_rendered_in_the_colour_space_asked_for(lgbpn: Lgbpn, tmp_path: Path) -> None:
    save_small_raw(tmp_path / "b.dng")
    profiles = set()
    for space in ("srgb", "prophoto"):
        result = lgbpn(
            "denoise", tmp_path / "b.dng", "-f", "tiff", "--colour-space", space, "-o", tmp_path / space
        )
        assert result.exit_code == 0
        profiles.add(read_photo(tmp_path / space / "b.tif").metadata.icc)
    assert len(profiles) == 2
    result = lgbpn("denoise", tmp_path / "b.dng", "--colour-space", "prophoto")
    assert result.exit_code == 2
    assert "--colour-space: is for raw files that are rendered" in result.stderr


def test_all_pages_of_a_tiff_are_denoised_and_others_named(lgbpn: Lgbpn, tmp_path: Path) -> None:
    pages = [np.random.default_rng(seed).integers(0, 256, (20, 30, 3)).astype(np.uint8) for seed in range(2)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for page in pages:
            writer.write(page, photometric="rgb", metadata=None)
        writer.write(np.dstack([pages[0], pages[1][..., 0]]), photometric="separated", metadata=None)
    result = lgbpn("denoise", tmp_path / "a.tif")
    assert result.exit_code == 0
    assert "a.tif: page 3 of 3 stays as it is: a TIFF with CMYK colours" in result.stderr
    for number, page in enumerate(pages):
        assert np.array_equal(tifffile.imread(tmp_path / "a_denoised.tif", key=number), 255 - page)


def test_a_dry_run_knows_the_size_of_raw_files(lgbpn: Lgbpn, tmp_path: Path) -> None:
    save_small_raw(tmp_path / "b.dng")
    result = lgbpn("denoise", tmp_path / "b.dng", "-n", "--json")
    assert json.loads(result.stdout)["megapixels"] == pytest.approx(48 * 64 / 1e6)


def test_heic_and_jpeg_of_one_name_do_not_clash(lgbpn: Lgbpn, make_photo: MakePhoto, data_root: Path) -> None:
    photo = make_photo("in/IMG_1.jpg")
    shutil.copyfile(data_root / "odd/heic_photo/example.heic", photo.with_name("IMG_1.heic"))
    result = lgbpn("denoise", photo.parent, "-o", photo.parent.parent / "out", "-n")
    assert result.exit_code == 0
    assert "IMG_1.jpg.jpg" in result.stderr or "IMG_1.heic.jpg" in result.stderr


def test_an_unknown_format_is_a_usage_error(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    result = lgbpn("denoise", make_photo("a.png"), "-f", "bmp")
    assert result.exit_code == 2
    assert "-f: 'bmp' is unknown" in result.stderr


def test_bit_depth_16_keeps_what_the_network_gave(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    assert lgbpn("denoise", photo, "--bit-depth", 16, "--strength", 0.5).exit_code == 0
    result = read_photo(photo.with_name("a_denoised.png"))
    assert result.pixels.dtype == np.uint16
    assert np.abs(result.pixels.astype(int) - 32768).max() <= 1


def test_a_bit_depth_of_12_is_a_usage_error(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    result = lgbpn("denoise", make_photo("a.png"), "--bit-depth", 12)
    assert result.exit_code == 2
    assert "Use 8 or 16." in result.stderr


def test_jpeg_quality_sets_the_tables(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.jpg")
    assert lgbpn("denoise", photo, "--jpeg-quality", 30).exit_code == 0
    old: Any
    new: Any
    with Image.open(photo) as old, Image.open(photo.with_name("a_denoised.jpg")) as new:
        assert sum(new.quantization[0]) > 2 * sum(old.quantization[0])


def test_a_jpeg_quality_of_0_is_a_usage_error(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    assert lgbpn("denoise", make_photo("a.jpg"), "--jpeg-quality", 0).exit_code == 2


def test_metadata_is_stripped_only_on_request(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.jpg")
    with Image.open(photo) as image:
        image.save(photo, comment=b"secret")
    assert lgbpn("denoise", photo, "--suffix", "_kept").exit_code == 0
    assert lgbpn("denoise", photo, "--strip-metadata").exit_code == 0
    assert b"secret" in photo.with_name("a_kept.jpg").read_bytes()
    assert b"secret" not in photo.with_name("a_denoised.jpg").read_bytes()


def test_times_are_kept_only_on_request(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    os.utime(photo, ns=(10**18, 10**18 + 7))
    lgbpn("denoise", photo, "--suffix", "_new")
    lgbpn("denoise", photo, "--preserve-times")
    assert photo.with_name("a_new.png").stat().st_mtime_ns != 10**18 + 7
    assert photo.with_name("a_denoised.png").stat().st_mtime_ns == 10**18 + 7


def test_no_provenance_leaves_the_results_without_a_mark(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    lgbpn("denoise", photo, "--no-provenance")
    assert read_record(photo.with_name("a_denoised.png")) is None
    assert np.array_equal(pixels_of(photo.with_name("a_denoised.png")), negative_of(photo))


def test_max_pixels_refuses_larger_photos(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png", size=(12, 8))
    result = lgbpn("denoise", photo, "--max-pixels", 95)
    assert result.exit_code == 1
    assert "above the limit" in result.stderr
    assert lgbpn("denoise", photo, "--max-pixels", 96).exit_code == 0


def test_sidecars_go_along(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("in/a.png")
    photo.with_suffix(".xmp").write_bytes(b"stars")
    lgbpn("denoise", photo.parent, "-o", tmp_path / "out")
    assert contents(tmp_path / "out")["a.xmp"] == b"stars"


def test_the_library_takes_the_type_from_the_targets_name(make_photo: MakePhoto, fake_rooms: object) -> None:
    import lgbpn_cli

    photo = make_photo("a.png")
    lgbpn_cli.denoise_file(photo, photo.with_name("b.tif"))
    result = read_photo(photo.with_name("b.tif"))
    assert result.format == "tiff"
    assert np.array_equal(result.pixels, negative_of(photo))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["-f", "png", "--jpeg-quality", "90"], "--jpeg-quality: png files have none"),
        (["-o", "out", "--suffix", "_x"], "--suffix: is for results beside their photos"),
    ],
)
def test_an_option_that_could_do_nothing_is_refused(
    lgbpn: Lgbpn, make_photo: MakePhoto, options: list[str], named: str
) -> None:
    result = lgbpn("denoise", make_photo("a.png"), *options)
    assert result.exit_code == 2
    assert named in result.stderr
