"""HEIC in; WebP and AVIF in and out: pixels, EXIF, XMP and profile."""

from __future__ import annotations

import gc
import io
import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pi_heif
import pytest
from photo_samples import EXIF_ORIENTATION_6, ICC, noise, smooth
from PIL import Image, ImageCms

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.codecs import CODECS
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.metadata.companions_in_file import alone
from lgbpn_cli.photos.metadata.exif import exif_with_orientation
from lgbpn_cli.photos.metadata.orientation import turned_upright
from lgbpn_cli.photos.photo import Metadata, Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
RECORD = Record("0.1.0", "model", "{}")
HEIC = "odd/heic_photo/example.heic"


@pytest.fixture(params=["webp", "avif"])
def modern(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"photo.{request.param}"
    Image.fromarray(smooth(40, 60)).save(path, quality=90, icc_profile=ICC, xmp=XMP)
    return path


def with_exif(photo: Photo, exif: bytes) -> Photo:
    return replace(photo, orientation=6, metadata=replace(photo.metadata, exif=exif))


def test_heic_becomes_jpeg_with_its_metadata(data_root: Path, tmp_path: Path) -> None:
    photo = read_photo(data_root / "phone-highiso/aux_YCbCr.heic")
    assert (photo.format, photo.orientation) == ("heif", 1)
    small = replace(photo, pixels=photo.pixels[:256, :256].copy())
    ready = as_result(small, OutputConfig())
    write_photo(ready, tmp_path / "result.jpg")
    again = read_photo(tmp_path / "result.jpg")
    assert again.format == "jpeg"
    assert again.metadata == ready.metadata == replace(photo.metadata, xmp=alone(photo.metadata.xmp)[0])
    assert b"hdrgm:" not in (again.metadata.xmp or b"")
    assert None not in (photo.metadata.exif, photo.metadata.xmp, photo.metadata.icc)
    assert np.abs(again.pixels.astype(int) - small.pixels).mean() < 2
    write_photo(ready, tmp_path / "result.jpg", record=RECORD)
    assert read_record(tmp_path / "result.jpg") == RECORD


@pytest.mark.parametrize("wanted", ["png", "tiff"])
def test_heic_becomes_lossless_files_with_equal_pixels(data_root: Path, tmp_path: Path, wanted: str) -> None:
    photo = read_photo(data_root / HEIC)
    photo = replace(photo, pixels=photo.pixels[:64].copy())
    write_photo(as_result(photo, OutputConfig(format=wanted)), tmp_path / "result")
    again = read_photo(tmp_path / "result")
    assert again.format == wanted
    assert np.array_equal(again.pixels, photo.pixels)


def test_a_heic_of_10_bits_keeps_them_with_white_at_the_top(repo_root: Path, tmp_path: Path) -> None:
    # Made with: heif-enc -b 10 -L -p chroma=444 ten.png, a PNG of 16 bits with the ramps below.
    photo = read_photo(repo_root / "tests/golden/ten_bits.heic")
    rows, columns = np.mgrid[:64, :96]
    ramps = np.stack([rows * 16 % 1024, columns * 10 % 1024, (rows + columns) * 6 % 1024], axis=2)
    assert photo.pixels.dtype == np.uint16
    error = photo.pixels / 65535 - ramps / 1023
    assert np.abs(error).max() < 3 / 1023  # HEVC stores brightness and colour, rounded
    assert len(np.unique(photo.pixels)) > 500
    assert np.array_equal(photo.pixels & 63, photo.pixels >> 10)
    write_photo(as_result(photo, OutputConfig(format="tiff")), tmp_path / "result.tif")
    assert np.array_equal(read_photo(tmp_path / "result.tif").pixels, photo.pixels)


def test_pixels_of_a_heic_stay_when_its_decoder_is_gone(data_root: Path) -> None:
    """They are the decoder's own memory, which its arrays do not keep by themselves."""
    photo = read_photo(data_root / HEIC)
    pixels = photo.pixels.copy()
    gc.collect()
    others = [
        np.full(photo.pixels.shape, 77, np.uint8) for _ in range(8)
    ]  # what would get memory that is free
    assert np.array_equal(photo.pixels, pixels)
    assert (others[-1] == 77).all()
    with pi_heif.open_heif(data_root / HEIC).to_pillow() as image:
        assert np.array_equal(photo.pixels, np.asarray(image))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_heic_is_named(data_root: Path, tmp_path: Path, share: float) -> None:
    data = (data_root / HEIC).read_bytes()
    (tmp_path / "cut.heic").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(PhotoReadError, match="truncated"):
        read_photo(tmp_path / "cut.heic")


@pytest.mark.parametrize(
    "behind", [b"\xd8\x91" * 700, b"SEFT made by a program " * 30], ids=["bytes", "text"]
)
def test_data_behind_a_heic_are_named_and_do_not_hide_it(
    data_root: Path, tmp_path: Path, behind: bytes
) -> None:
    (tmp_path / "long.heic").write_bytes((data_root / HEIC).read_bytes() + behind)
    photo = read_photo(tmp_path / "long.heic")
    assert np.array_equal(photo.pixels, read_photo(data_root / HEIC).pixels)
    assert "data behind the picture" in photo.beside


def test_a_few_bytes_behind_a_heic_are_not_worth_a_word(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "long.heic").write_bytes((data_root / HEIC).read_bytes() + b"end")
    assert read_photo(tmp_path / "long.heic").beside == read_photo(data_root / HEIC).beside


def test_a_heic_whose_film_is_cut_off_is_named(data_root: Path, tmp_path: Path) -> None:
    film = struct.pack(">I4s", 5000, b"mpvd") + bytes(100)
    (tmp_path / "cut.heic").write_bytes((data_root / HEIC).read_bytes() + film)
    with pytest.raises(PhotoReadError, match="truncated"):
        read_photo(tmp_path / "cut.heic")


def test_a_heic_above_the_limit_is_refused(data_root: Path) -> None:
    with pytest.raises(PhotoReadError, match="above the limit"):
        read_photo(data_root / HEIC, max_pixels=1000)


def test_webp_and_avif_keep_type_metadata_and_nearly_their_pixels(modern: Path, tmp_path: Path) -> None:
    photo = read_photo(modern)
    exif = exif_with_orientation(EXIF_ORIENTATION_6, 1)
    photo = replace(photo, metadata=replace(photo.metadata, exif=exif))
    write_photo(as_result(photo, OutputConfig()), tmp_path / "result")
    again = read_photo(tmp_path / "result")
    assert again.format == photo.format
    assert again.metadata == Metadata(exif=exif, xmp=XMP, icc=ICC)
    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() < 3
    write_photo(as_result(photo, OutputConfig()), tmp_path / "result", record=RECORD)
    assert read_record(tmp_path / "result") == RECORD


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_keeps_metadata_that_its_flags_deny(tmp_path: Path, lossless: bool) -> None:
    path, exif = tmp_path / "a.webp", exif_with_orientation(EXIF_ORIENTATION_6, 6)
    settings = {"icc_profile": ICC, "exif": exif, "xmp": XMP}
    Image.fromarray(smooth(40, 60)).save(path, lossless=lossless, **settings)
    data = bytearray(path.read_bytes())
    assert data[12:16] == b"VP8X"
    data[20] = 0
    path.write_bytes(data)
    photo = read_photo(path)
    assert photo.orientation == 6
    assert photo.metadata == Metadata(exif=exif, xmp=XMP, icc=ICC)
    with path.open("rb") as file:
        assert CODECS["webp"].exif(file, path)[274] == 6
    write_photo(as_result(photo, OutputConfig()), tmp_path / "result.webp")
    with Image.open(tmp_path / "result.webp") as image:
        assert (image.info["icc_profile"], image.info["xmp"]) == (ICC, XMP)
        assert image.getexif()[274] == 6


@pytest.mark.parametrize("kind", ["webp", "avif"])
def test_alpha_comes_back_exactly(kind: str, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (40, 60, 4), np.uint8)
    Image.fromarray(samples).save(tmp_path / f"a.{kind}", quality=90)
    photo = read_photo(tmp_path / f"a.{kind}")
    write_photo(as_result(photo, OutputConfig()), tmp_path / "result")
    assert photo.alpha is not None
    assert np.array_equal(read_photo(tmp_path / "result").alpha, photo.alpha)


def test_a_photo_above_pillows_own_limit_is_read_without_a_word(
    modern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_photo(modern).pixels.shape == (40, 60, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_a_turned_photo_is_shown_alike_as_webp_and_avif(modern: Path, tmp_path: Path) -> None:
    photo = with_exif(read_photo(modern), EXIF_ORIENTATION_6)
    write_photo(photo, tmp_path / "result")
    again = read_photo(tmp_path / "result")
    shown = turned_upright(again.pixels, again.orientation).astype(int)
    assert np.abs(shown - turned_upright(photo.pixels, 6)).mean() < 3


def test_a_lossless_webp_stays_lossless_and_keeps_its_alpha(tmp_path: Path) -> None:
    samples = np.dstack([smooth(20, 30), np.arange(600, dtype=np.uint8).reshape(20, 30)])
    Image.fromarray(samples).save(tmp_path / "photo.webp", lossless=True, exact=True)
    photo = read_photo(tmp_path / "photo.webp")
    write_photo(photo, tmp_path / "result.webp", record=RECORD)
    with Image.open(tmp_path / "result.webp") as image:
        assert np.array_equal(np.asarray(image), samples)


def test_animations_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(smooth(20, 30) // part) for part in (1, 2)]
    for kind in ("webp", "avif"):
        path = tmp_path / f"film.{kind}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
        with pytest.raises(UnsupportedPhotoError, match="anima"):
            read_photo(path)


def test_truncated_webp_and_avif_are_read_errors(modern: Path) -> None:
    data = modern.read_bytes()
    for length in (14, len(data) // 2, len(data) - 3):
        modern.write_bytes(data[:length])
        with pytest.raises(PhotoReadError):
            read_photo(modern)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """An AVIF of 10 bits, made from ramps by the encoder alone."""
    rows, columns = np.mgrid[:64, :96]
    ramps = np.stack([rows * 16 % 1024, columns * 10 % 1024, (rows + columns) * 6 % 1024], axis=2)
    encoded = imagecodecs.avif_encode(ramps.astype(np.uint16), bitspersample=10, level=100, pixelformat="444")
    (tmp_path / "deep.avif").write_bytes(encoded)
    return tmp_path / "deep.avif"


@pytest.mark.parametrize("with_icc", [True, False])
@pytest.mark.parametrize("exif", [None, EXIF_ORIENTATION_6 + b"!" * 301])
def test_an_avif_of_10_bits_stays_one_with_all_metadata(
    deep: Path, tmp_path: Path, exif: bytes | None, with_icc: bool
) -> None:
    photo = read_photo(deep)
    assert photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels & 63, photo.pixels >> 10)
    exif = exif_with_orientation(exif, 1)
    metadata = Metadata(exif=exif, xmp=XMP, icc=ICC if with_icc else None)
    ready = as_result(replace(photo, metadata=metadata), OutputConfig())
    write_photo(ready, tmp_path / "result.avif")
    again = read_photo(tmp_path / "result.avif")
    assert again.metadata == metadata
    assert np.abs(again.pixels / 65535 - photo.pixels / 65535).mean() < 0.002
    assert len(np.unique(again.pixels)) > 500
    with Image.open(tmp_path / "result.avif") as image:  # another decoder reads the same picture
        assert np.abs(np.asarray(image) / 255 - photo.pixels / 65535).mean() < 0.004
    write_photo(ready, tmp_path / "marked.avif", record=RECORD)
    assert read_record(tmp_path / "marked.avif") == RECORD


def test_16_bits_become_an_avif_of_10(deep: Path, tmp_path: Path) -> None:
    photo = read_photo(deep)
    write_photo(as_result(photo, OutputConfig(format="png")), tmp_path / "a.png")
    again = as_result(read_photo(tmp_path / "a.png"), OutputConfig(format="avif"))
    write_photo(again, tmp_path / "a.avif")
    assert read_photo(tmp_path / "a.avif").bit_depth == 16
    shallow = as_result(photo, OutputConfig(bit_depth=8))
    write_photo(shallow, tmp_path / "b.avif")
    assert read_photo(tmp_path / "b.avif").bit_depth == 8


def test_exiftool_finds_the_metadata_of_a_deep_avif(deep: Path, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    write_photo(as_result(read_photo(deep), OutputConfig()), tmp_path / "result.avif", record=RECORD)
    command = ["exiftool", "-json", "-G1", str(tmp_path / "result.avif")]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    assert found["IFD0:Software"] == "lgbpn 0.1.0"
    assert found["XMP-xmpMM:HistorySoftwareAgent"] == "lgbpn 0.1.0"
    assert "ExifTool:Warning" not in found


def test_colours_named_by_number_become_a_profile(tmp_path: Path) -> None:
    samples = np.full((48, 64, 3), 500, np.uint16)
    for primaries, transfer, named in ((12, 13, "Display P3"), (9, 14, "Rec. 2020"), (1, 13, None)):
        path = tmp_path / "a.avif"
        encoded = imagecodecs.avif_encode(samples, bitspersample=10, primaries=primaries, transfer=transfer)
        path.write_bytes(encoded)
        icc = read_photo(path).metadata.icc
        assert (icc is None) == (named is None)
        if icc is not None:
            assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip() == named


@pytest.mark.parametrize("brand", [b"mif1", b"msf1", b"miaf"])
def test_an_avif_that_begins_like_any_heif_file_is_read_as_avif(tmp_path: Path, brand: bytes) -> None:
    encoded = imagecodecs.avif_encode(smooth(48, 64))
    assert encoded[8:12] == b"avif"
    path = tmp_path / "a.heif"
    path.write_bytes(encoded[:8] + brand + encoded[12:])
    photo = read_photo(path)
    assert (photo.format, photo.pixels.shape) == ("avif", (48, 64, 3))


@pytest.mark.parametrize(
    ("samples", "options", "named"),
    [
        (noise((48, 64, 4), np.uint16) >> 6, {"bitspersample": 10}, "10 bits a sample with transparency"),
        (noise((48, 64, 3), np.uint16) >> 6, {"bitspersample": 10, "transfer": 16}, "HDR colours .PQ"),
        (noise((48, 64, 3)), {"transfer": 18}, "HDR colours .HLG"),
    ],
)
def test_other_avifs_are_refused_by_name(
    tmp_path: Path, samples: np.ndarray, options: dict[str, int], named: str
) -> None:
    (tmp_path / "a.avif").write_bytes(imagecodecs.avif_encode(samples, **options))
    with pytest.raises(UnsupportedPhotoError, match=named):
        read_photo(tmp_path / "a.avif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_upright_is_what_pillow_does(orientation: int) -> None:
    from PIL import ImageOps

    image = Image.fromarray(smooth(5, 7))
    exif = Image.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    with Image.open(buffer) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    assert np.array_equal(turned_upright(smooth(5, 7), orientation), expected)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_a_grey_avif_is_grey_and_stays_so(tmp_path: Path, bits: int) -> None:
    levels = np.mgrid[:48, :64][0] * ((1 << bits) - 1) // 47
    samples = levels.astype(np.uint8 if bits == 8 else np.uint16)
    path = tmp_path / "grey.avif"
    path.write_bytes(
        imagecodecs.avif_encode(samples, level=100, speed=8, bitspersample=bits, pixelformat="400")
    )
    photo = read_photo(path)
    assert photo.pixels.shape == (48, 64, 1)
    white = 255 if bits == 8 else 65535
    assert np.abs(photo.pixels[..., 0] / white - levels / ((1 << bits) - 1)).max() < 0.02
    write_photo(photo, tmp_path / "result.avif", record=RECORD)
    again = read_photo(tmp_path / "result.avif")
    assert again.pixels.shape == (48, 64, 1)
    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() < 0.02 * white
    with Image.open(tmp_path / "result.avif") as image:
        assert image.mode == "L"


def test_a_webps_unknown_data_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    Image.fromarray(smooth(40, 60)).save(path)
    data = bytearray(path.read_bytes())
    data += b"ABCD" + struct.pack("<I", 4) + b"mine" + b"\xff\x1b[m" + struct.pack("<I", 0)
    data[4:8] = struct.pack("<I", len(data) - 8)
    path.write_bytes(data)
    (note,) = as_result(read_photo(path), OutputConfig()).notes
    assert note == "left behind: its unknown data (ABCD), its unknown data (ff1b5b6d)"


@pytest.mark.parametrize("wanted", ["avif", "jxl"])
def test_xmp_turns_no_picture_that_was_turned_already(tmp_path: Path, wanted: str) -> None:
    xmp = XMP.replace(
        b"<rdf:RDF/>",
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF>',
    )
    Image.fromarray(smooth(40, 60)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + EXIF_ORIENTATION_6, xmp=xmp)
    photo = read_photo(tmp_path / "a.jpg")
    assert b'tiff:Orientation="6"' in (photo.metadata.xmp or b"")
    write_photo(as_result(photo, OutputConfig(format=wanted)), tmp_path / f"b.{wanted}")
    again = read_photo(tmp_path / f"b.{wanted}")
    assert again.orientation == 1
    assert again.pixels.shape[:2] == photo.pixels.shape[1::-1]
    assert b'tiff:Orientation="1"' in (again.metadata.xmp or b"")
    assert b'tiff:Orientation="6"' not in (tmp_path / f"b.{wanted}").read_bytes()
