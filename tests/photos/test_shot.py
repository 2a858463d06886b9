"""Camera and ISO from the header alone are those of the photo that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from raw_samples import write_raw

from lgbpn_cli.batch.estimate import claim_of
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.shot import Shot, shot_in, shot_of, shot_time_in
from lgbpn_cli.photos.write import write_photo


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp", "avif"])
def test_every_type_tells(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "Canon EOS 5D"
    exif.get_ifd(0x8769)[34855] = 800
    Image.fromarray(np.full((20, 20, 3), 90, np.uint8)).save(tmp_path / "photo.jpg", exif=exif)
    photo, path = read_photo(tmp_path / "photo.jpg"), tmp_path / f"result.{kind}"
    write_photo(as_result(photo, OutputConfig(format=kind)), path, record=None)
    assert shot_in(path) == shot_of(read_photo(path)) == Shot("Canon EOS 5D", 800)


@pytest.mark.parametrize("limit", [1000, 3000])
def test_pictures_above_pillows_limit_tell_too(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It warns of larger pictures, and refuses those twice as large: 179 megapixels."""
    exif = Image.Exif()
    exif[272] = "Scanner"
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.jpg", exif=exif)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert shot_in(tmp_path / "photo.jpg") == Shot("Scanner", 0)
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "name",
    [
        "phone-highiso/Issue_266.jpg",
        "phone-highiso/aux_YCbCr.heic",
        "odd/heic_photo/iphone_13_pro_max.HEIC",
        "raw/CRW.CRW",
        "raw/colorchart.dng",
    ],
)
def test_real_files_tell_without_being_decoded(data_root: Path, name: str) -> None:
    shot = shot_in(data_root / name)
    assert shot.camera
    assert shot == shot_of(read_photo(data_root / name))


def test_the_picture_may_be_missing(data_root: Path) -> None:
    """The header of a CR3 file whose samples were cut off."""
    assert shot_in(data_root / "raw" / "Canon-R6-pruned.CR3") == Shot("Canon EOS R6", 100)


@pytest.mark.parametrize("name", ["empty.jpg", "text.NEF", "text.heic", "missing.jpg", "missing.dng"])
def test_what_does_not_tell_is_unknown(tmp_path: Path, name: str) -> None:
    if not name.startswith("missing"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"no photo, but some text")
    assert shot_in(tmp_path / name) == Shot()


def test_a_png_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a megabyte of it can be hundreds of megabytes of picture."""
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")

    def decoded(image: PngImageFile) -> None:
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(PngImageFile, "load", decoded)
    assert shot_in(tmp_path / "photo.png") == Shot()


def test_damaged_exif_is_not_warned_of(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "Canon EOS 5D with a name longer than four bytes"
    blob = exif.tobytes()
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.jpg", exif=blob[:-20])
    shot_of(read_photo(tmp_path / "photo.jpg"))
    shot_in(tmp_path / "photo.jpg")
    assert not recwarn.list


def test_an_avif_without_its_picture_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    place = data.index(b"pitm") + 8
    data[place : place + 2] = b"\0\7"  # the number of its picture, which there is not
    path.write_bytes(data)
    assert shot_in(path) == Shot()


def test_a_header_that_only_its_decoder_sees_through_says_nothing(data_root: Path) -> None:
    path = data_root / "cases/minIso_avif/bad.avif"
    assert shot_in(path) == Shot()
    assert shot_time_in(path) == ""
    claim = claim_of(path)
    assert claim is not None
    assert claim.size.pixels == 56 * 56  # it does say how large it is


def test_iso_may_lie_in_the_first_directory(tmp_path: Path) -> None:
    """Where TIFF/EP puts it, and some raw files keep it."""
    samples = np.full((32, 32), 900, np.uint16)
    samples[0, 0] = 5000
    raw = write_raw(tmp_path / "a.dng", samples, raw_tags=((34855, 3, 1, 6400, True),))
    assert shot_of(read_photo(raw)).iso == 6400
    assert shot_in(raw).iso == 6400
