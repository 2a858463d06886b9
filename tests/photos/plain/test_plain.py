"""BMP, Targa and JPEG 2000 in; PNGs are made of them."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from photo_samples import EXIF_ORIENTATION_6, noise, smooth
from PIL import Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.metadata.icc import SPACES, icc_profile
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES, UNREAD_PICTURES, result_suffix
from lgbpn_cli.photos.write import write_photo

RECORD = Record("0.1.0", "model", "{}")
BOTH = [("bmp", "BMP"), ("tga", "Targa")]


@pytest.mark.parametrize(("ending", "name"), BOTH)
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_bitmaps_become_pngs_of_the_same_pixels(tmp_path: Path, ending: str, name: str, mode: str) -> None:
    picture = Image.fromarray(smooth(30, 40)).convert(mode)
    picture.save(tmp_path / f"a.{ending}")
    photo = as_result(read_photo(tmp_path / f"a.{ending}"), OutputConfig())
    assert photo.format == "png"
    assert photo.notes == (f"becomes a PNG: {name} files are read, not written",)
    write_photo(photo, tmp_path / "result.png", record=RECORD)
    expected = np.asarray(picture.convert("RGB") if mode == "P" else picture)
    assert np.array_equal(read_photo(tmp_path / "result.png").pixels.squeeze(), expected)
    assert read_record(tmp_path / "result.png") == RECORD


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_dib_may_lack_the_header_of_a_bmp(tmp_path: Path, mode: str) -> None:
    Image.fromarray(smooth(30, 40)).convert(mode).save(tmp_path / "a.bmp")
    expected = read_photo(tmp_path / "a.bmp").pixels
    (tmp_path / "a.dib").write_bytes((tmp_path / "a.bmp").read_bytes()[14:])
    assert np.array_equal(read_photo(tmp_path / "a.dib").pixels, expected)
    (tmp_path / "cut.dib").write_bytes((tmp_path / "a.dib").read_bytes()[:200])
    with pytest.raises(PhotoReadError):
        read_photo(tmp_path / "cut.dib")


def test_a_targas_transparency_and_compression(tmp_path: Path) -> None:
    samples = np.dstack([smooth(30, 40), noise((30, 40))])
    Image.fromarray(samples).save(tmp_path / "a.tga", compression="tga_rle")
    photo = read_photo(tmp_path / "a.tga")
    assert photo.alpha is not None
    assert np.array_equal(np.dstack([photo.pixels, photo.alpha]), samples)


@pytest.mark.parametrize("ending", ["bmp", "tga"])
def test_truncated_and_black_and_white_bitmaps_are_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(noise((30, 40, 3))).save(path)
    data = path.read_bytes()
    for length in (len(data) // 2, 20):
        path.write_bytes(data[:length])
        with pytest.raises(PhotoReadError):
            read_photo(path)
    path.write_bytes(data)
    with pytest.raises(PhotoReadError, match="above the limit"):
        read_photo(path, max_pixels=100)
    Image.fromarray(noise((30, 40))).convert("1").save(path)
    with pytest.raises(UnsupportedPhotoError, match="1 bit"):
        read_photo(path)


def test_a_file_by_that_name_that_is_no_targa_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tga").write_bytes(b"no picture at all, but text")
    with pytest.raises(PhotoReadError, match="not a photo"):
        read_photo(tmp_path / "a.tga")
    Image.fromarray(smooth(8, 8)).save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").rename(tmp_path / "b.tga")
    assert read_photo(tmp_path / "b.tga").format == "jpeg"


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["JP2", "J2K"])
def test_jpeg_2000_keeps_its_depth(tmp_path: Path, bits: int, channels: int, kind: str) -> None:
    levels = np.dstack([smooth(48, 64), noise((48, 64))])[..., :channels].astype(np.uint32)
    samples: np.ndarray = (levels * ((1 << bits) - 1) // 255).astype(np.uint8 if bits == 8 else np.uint16)
    data = imagecodecs.jpeg2k_encode(samples.squeeze(), level=0, bitspersample=bits, codecformat=kind)
    (tmp_path / "a.jp2").write_bytes(data)
    photo = read_photo(tmp_path / "a.jp2")
    found = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    white = 255 if bits == 8 else 65535
    assert np.abs(found / white - samples / ((1 << bits) - 1)).max() < 1e-4
    write_photo(as_result(photo, OutputConfig()), tmp_path / "result.png")
    assert np.array_equal(read_photo(tmp_path / "result.png").pixels, photo.pixels)


def box(kind: bytes, contents: bytes) -> bytes:
    return (8 + len(contents)).to_bytes(4, "big") + kind + contents


def test_metadata_and_profile_of_a_jpeg_2000_go_along(tmp_path: Path) -> None:
    data = bytes(imagecodecs.jpeg2k_encode(smooth(48, 64), level=0))
    profile = icc_profile(SPACES["display-p3"])
    old = data[data.index(b"colr") - 4 :][:15]
    new = box(b"colr", b"\2\0\0" + profile)
    place = data.index(b"jp2h") - 4
    length = int.from_bytes(data[place : place + 4], "big") + len(new) - len(old)
    data = data[:place] + length.to_bytes(4, "big") + data[place + 4 :].replace(old, new)
    xmp = b"<x:xmpmeta/>"
    data += box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + xmp)
    data += box(b"uuid", b"JpgTiffExif->JP2" + EXIF_ORIENTATION_6)
    (tmp_path / "a.jp2").write_bytes(data)
    photo = read_photo(tmp_path / "a.jp2")
    assert (photo.metadata.icc, photo.metadata.xmp, photo.orientation) == (profile, xmp, 6)
    assert photo.metadata.exif == EXIF_ORIENTATION_6


@pytest.mark.parametrize("kind", ["JP2", "J2K"])
def test_a_truncated_jpeg_2000_is_named(tmp_path: Path, kind: str) -> None:
    data = bytes(imagecodecs.jpeg2k_encode(noise((48, 64, 3)), level=0, codecformat=kind))
    for share in (0.1, 0.5, 0.99):
        (tmp_path / "a.jp2").write_bytes(data[: int(share * len(data))])
        with pytest.raises(PhotoReadError):
            read_photo(tmp_path / "a.jp2")


def test_names_say_what_becomes_of_them() -> None:
    assert {".bmp", ".dib", ".tga", ".jp2", ".j2k", ".jxl"} <= PHOTO_SUFFIXES
    assert not PHOTO_SUFFIXES & set(UNREAD_PICTURES)
    assert [result_suffix(ending, "preserve") for ending in (".BMP", ".jp2", ".tga", ".jxl")] == [
        ".png", ".png", ".png", ".jxl",
    ]  # fmt: skip
    assert result_suffix(".bmp", "tiff") == ".tif"
