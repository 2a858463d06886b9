"""--strength, --luma, --chroma and --grain: on photos of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of, save_pixels, settings_of

LUMA = np.array([0.299, 0.587, 0.114])


def test_luma_0_keeps_the_brightness_and_chroma_0_the_colour(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    # Pixels far from black and white, which would clip what the mixture asks for.
    photo = make_photo("a.png")
    save_pixels(photo, 110 + pixels_of(photo).astype(int) // 8)
    before, after = (pixels.astype(float) for pixels in (pixels_of(photo), negative_of(photo)))
    result = photo.with_name("a_denoised.png")
    lgbpn("denoise", photo, "--luma", 0, "--chroma", 1)
    found = pixels_of(result).astype(float)
    assert np.abs(found @ LUMA - before @ LUMA).max() < 0.6
    assert np.abs((found - (found @ LUMA)[..., None]) - (after - (after @ LUMA)[..., None])).max() < 1.1
    lgbpn("denoise", photo, "--luma", 1, "--chroma", 0, "--overwrite")
    found = pixels_of(result).astype(float)
    assert np.abs(found @ LUMA - after @ LUMA).max() < 0.6
    assert {"luma": 1.0, "chroma": 0.0}.items() <= settings_of(result).items()
    assert "strength" not in settings_of(result)


def test_strength_sets_both_and_each_may_differ(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    result = photo.with_name("a_denoised.png")
    lgbpn("denoise", photo, "--strength", "30%", "--chroma", "auto")
    assert {"luma": 0.3, "chroma": "auto"}.items() <= settings_of(result).items()
    lgbpn("denoise", photo, "--luma", 0.5, "--chroma", "50%", "--overwrite")
    assert settings_of(result)["strength"] == 0.5
    mean = (pixels_of(photo).astype(float) + negative_of(photo)) / 2
    assert np.abs(pixels_of(result) - mean).max() <= 0.5


def test_strength_0_is_the_photo_itself_whatever_its_type(lgbpn: Lgbpn, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    deep = random.integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    Image.fromarray(random.integers(0, 256, (20, 30, 4)).astype(np.uint8)).save(tmp_path / "alpha.png")
    Image.fromarray(random.integers(0, 256, (20, 30)).astype(np.uint8)).save(tmp_path / "grey.png")
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for page in (deep, deep // 2):
            file.write(page, photometric="rgb")
    result = lgbpn("denoise", tmp_path, "-o", tmp_path / "out", "--luma", 0, "--chroma", 0)
    assert result.exit_code == 0, result.stderr
    for name in ("alpha.png", "grey.png"):
        assert np.array_equal(pixels_of(tmp_path / "out" / name), pixels_of(tmp_path / name))
    for name in ("deep.tif", "pages.tif"):
        assert np.array_equal(tifffile.imread(tmp_path / "out" / name, key=0), deep)
    assert np.array_equal(tifffile.imread(tmp_path / "out" / "pages.tif", key=1), deep // 2)


def test_grey_has_no_colour_to_keep(lgbpn: Lgbpn, tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(100, 140, (20, 30)).astype(np.uint8)
    save_pixels(tmp_path / "a.png", grey)
    lgbpn("denoise", tmp_path / "a.png", "--luma", 0, "--chroma", 1)
    assert np.array_equal(pixels_of(tmp_path / "a_denoised.png"), grey)
    lgbpn("denoise", tmp_path / "a.png", "--luma", 1, "--chroma", 0, "--overwrite")
    assert np.array_equal(pixels_of(tmp_path / "a_denoised.png"), 255 - grey)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_grain_is_as_strong_as_asked_for_and_the_same_again(lgbpn: Lgbpn, tmp_path: Path, mode: str) -> None:
    Image.new("RGBA", (200, 180), (127, 127, 127, 50)).convert(mode).save(tmp_path / "a.png")
    result = tmp_path / "a_denoised.png"
    lgbpn("denoise", tmp_path / "a.png", "--strength", 0, "--grain", "6,1.5")
    first = pixels_of(result)
    picture = first[..., :3] if first.ndim == 3 else first[..., None]
    assert picture.std(axis=(0, 1)) == pytest.approx(6.0, rel=0.06)
    assert (picture == picture[..., :1]).all()
    if mode == "RGBA":
        assert (first[..., 3] == 50).all()
    assert settings_of(result)["grain"] == [6.0, 1.5]
    assert settings_of(result)["seed"] == 0
    lgbpn("denoise", tmp_path / "a.png", "--strength", 0, "--grain", "6,1.5", "--overwrite")
    assert np.array_equal(pixels_of(result), first)
    lgbpn("denoise", tmp_path / "a.png", "--strength", 0, "--grain", "6,1.5", "--seed", 3, "--overwrite")
    assert not np.array_equal(pixels_of(result), first)


def test_grain_may_have_colour_and_0_is_none(lgbpn: Lgbpn, tmp_path: Path) -> None:
    Image.new("RGB", (200, 180), (127, 127, 127)).save(tmp_path / "a.png")
    result = tmp_path / "a_denoised.png"
    lgbpn("denoise", tmp_path / "a.png", "--strength", 0, "--grain", "6,colour")
    red, green, _ = np.moveaxis(pixels_of(result).astype(float), 2, 0)
    assert abs(np.corrcoef(red.ravel(), green.ravel())[0, 1]) < 0.05
    lgbpn("denoise", tmp_path / "a.png", "--strength", 0, "--grain", "0", "--overwrite")
    assert (pixels_of(result) == 127).all()
    assert "grain" not in settings_of(result)


def test_grain_needs_light_in_linear_photos_too(lgbpn: Lgbpn, tmp_path: Path) -> None:
    light = np.zeros((120, 120, 3), np.float32)
    light[60:] = 0.2
    tifffile.imwrite(tmp_path / "a.tif", light, photometric="rgb")
    result = lgbpn("denoise", tmp_path / "a.tif", "--strength", 0, "--grain", "6")
    assert result.exit_code == 0, result.stderr
    found = tifffile.imread(tmp_path / "a_denoised.tif")
    assert (found[:60] == 0).all()
    encoded = 1.055 * found[60:] ** (1 / 2.4) - 0.055
    assert 255 * encoded.std() == pytest.approx(6.0, rel=0.1)
