"""JPEG XL, in and out: pixels, depth, colours and metadata, with libjxl's own tools and exiftool as judges."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_samples import EXIF_ORIENTATION_6, PhotoMaker, noise, smooth
from PIL import Image, ImageCms

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.header import opened_header
from lgbpn_cli.photos.jxl.colours import colour_bits_of
from lgbpn_cli.photos.jxl.header import read_header
from lgbpn_cli.photos.metadata.icc import SPACES, Curve, icc_profile, pack_profile
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.shot import shot_in
from lgbpn_cli.photos.write import write_photo

RECORD = Record("0.1.0", "model", "{}")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b"</rdf:RDF></x:xmpmeta>"
)
CJXL, DJXL, EXIFTOOL = (shutil.which(name) for name in ("cjxl", "djxl", "exiftool"))
needs_libjxl = pytest.mark.skipif(
    not (CJXL and DJXL), reason="cjxl and djxl (Debian: libjxl-tools) are not installed"
)


def camera_exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[271], exif[272], exif[274] = "Canon", "Canon EOS 5D", orientation
    exif.get_ifd(0x8769).update({34855: 3200, 40962: 64, 40963: 48})
    return exif.tobytes()


def deep(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 257


SAMPLES = {
    "grey": smooth(48, 64)[..., :1],
    "colour": smooth(48, 64),
    "alpha": np.dstack([smooth(48, 64), noise((48, 64))]),
    "grey and alpha": np.dstack([smooth(48, 64)[..., 0], noise((48, 64))]),
    "odd size": noise((37, 41, 3)),
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_lossless_picture_comes_back_exactly(tmp_path: Path, name: str, bits: int) -> None:
    samples = SAMPLES[name] if bits == 8 else deep(SAMPLES[name])
    encoded = imagecodecs.jpegxl_encode(samples.squeeze(), lossless=True)
    (tmp_path / "a.jxl").write_bytes(encoded)
    photo = read_photo(tmp_path / "a.jxl")
    found = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    assert np.array_equal(found, samples)
    write_photo(photo, tmp_path / "result.jxl", record=RECORD)
    again = read_photo(tmp_path / "result.jxl")
    assert np.array_equal(again.pixels, photo.pixels)
    assert again.alpha is None or np.array_equal(again.alpha, photo.alpha)
    assert again.linear == photo.linear
    assert read_record(tmp_path / "result.jxl") == RECORD
    assert np.array_equal(
        imagecodecs.jpegxl_decode((tmp_path / "result.jxl").read_bytes()), samples.squeeze()
    )


@needs_libjxl
@pytest.mark.parametrize("space", ["RGB_D65_DCI_Rel_SRG", "RGB_D65_202_Rel_709", "RGB_D65_SRG_Rel_Lin"])
def test_named_colours_stay_named(tmp_path: Path, space: str) -> None:
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep(smooth(48, 64))))
    command = [CJXL or "", "a.png", "a.jxl", "-d", "0", "-x", f"color_space={space}"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    photo = read_photo(tmp_path / "a.jxl")
    assert photo.linear == space.endswith("Lin")
    assert photo.metadata.icc is not None
    if not photo.linear:
        known = SPACES["display-p3" if "DCI" in space else "rec2020"]
        assert colour_bits_of(photo.metadata.icc, 3) == colour_bits_of(icc_profile(known), 3)
    write_photo(photo, tmp_path / "b.jxl")
    assert read_photo(tmp_path / "b.jxl").metadata.icc == photo.metadata.icc
    for name in ("a", "b"):
        command = [DJXL or "", f"{name}.jxl", f"{name}.ppm"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    # libjxl itself reads the same pixels, whatever it converts them to.
    assert (tmp_path / "a.ppm").read_bytes() == (tmp_path / "b.ppm").read_bytes()


@needs_libjxl
def test_pq_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep(smooth(48, 64))))
    command = [CJXL or "", "a.png", "a.jxl", "-d", "0", "-x", "color_space=RGB_D65_202_Rel_PeQ"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(UnsupportedPhotoError, match=r"HDR colours .PQ"):
        read_photo(tmp_path / "a.jxl")


@needs_libjxl
@pytest.mark.parametrize("name", ["srgb", "display-p3", "adobe-rgb", "rec2020"])
@pytest.mark.parametrize("channels", [1, 3])
def test_known_profiles_are_named_as_libjxl_names_them(tmp_path: Path, name: str, channels: int) -> None:
    image = Image.fromarray(smooth(48, 64) if channels == 3 else smooth(48, 64)[..., 0])
    image.save(tmp_path / "a.png", icc_profile=icc_profile(SPACES[name], channels))
    ready = as_result(read_photo(tmp_path / "a.png"), OutputConfig(format="jxl"))
    write_photo(ready, tmp_path / "a.jxl")
    subprocess.run([DJXL or "", "a.jxl", "b.png"], cwd=tmp_path, check=True, capture_output=True)
    again = read_photo(tmp_path / "b.png")
    assert np.array_equal(again.pixels, ready.pixels)
    assert colour_bits_of(again.metadata.icc, channels) == colour_bits_of(ready.metadata.icc, channels)


def profiles() -> dict[str, bytes]:
    """Some that no JPEG XL can name: of one colour and of three, short and long, of other programs."""
    prophoto = icc_profile(SPACES["prophoto"])
    made_by_others = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made_by_others[40:44] = b"MSFT"
    other_white = icc_profile(replace(SPACES["srgb"], white=(0.3457, 0.3585), curve=Curve(power=1.9)))
    return {
        "prophoto": prophoto,
        "long": pack_profile({**tags_of_profile(prophoto), b"junk": bytes(range(256)) * 300}, prophoto[:128]),
        "others": bytes(made_by_others),
        "apple": other_white[:40] + b"APPL" + other_white[44:],
    }


def tags_of_profile(profile: bytes) -> dict[bytes, bytes]:
    count = int.from_bytes(profile[128:132], "big")
    rows = [struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(count)]
    return {name: profile[begin : begin + length] for name, begin, length in rows}


@needs_libjxl
@pytest.mark.parametrize("name", ["prophoto", "long", "others", "apple"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_profile_without_a_name_goes_along(tmp_path: Path, name: str, bits: int) -> None:
    """Into the file, as libjxl reads it, and out of it again."""
    pytest.importorskip("pyjpegxl", reason="there are no wheels of it for this platform")
    profile, samples = profiles()[name], smooth(48, 64) if bits == 8 else deep(smooth(48, 64))
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", iccprofile=profile)
    ready = as_result(read_photo(tmp_path / "a.tif"), OutputConfig(format="jxl"))
    write_photo(ready, tmp_path / "a.jxl", record=RECORD)
    subprocess.run([DJXL or "", "a.jxl", "b.png"], cwd=tmp_path, check=True, capture_output=True)
    seen, again = read_photo(tmp_path / "b.png"), read_photo(tmp_path / "a.jxl")
    if name != "others":  # which says sRGB, and is named
        assert (seen.metadata.icc, again.metadata.icc) == (profile, profile)
    assert np.array_equal(seen.pixels, samples)
    assert np.array_equal(again.pixels, samples)
    write_photo(as_result(again, OutputConfig()), tmp_path / "c.jxl")
    once_more = read_photo(tmp_path / "c.jxl")
    assert once_more.metadata.icc == again.metadata.icc
    assert np.array_equal(once_more.pixels, samples)


@needs_libjxl
@pytest.mark.parametrize("channels", [1, 3])
def test_lossy_pictures_with_a_profile_keep_their_colours(tmp_path: Path, channels: int) -> None:
    pytest.importorskip("pyjpegxl", reason="there are no wheels of it for this platform")
    image = Image.fromarray(smooth(48, 64) if channels == 3 else smooth(48, 64)[..., 0])
    profile = icc_profile(replace(SPACES["prophoto"], curve=Curve(power=2.0)), channels)
    image.save(tmp_path / "a.png", icc_profile=profile)
    subprocess.run([CJXL or "", "a.png", "a.jxl", "-d", "0.3"], cwd=tmp_path, check=True, capture_output=True)
    photo = read_photo(tmp_path / "a.jxl")
    assert (photo.pixels.dtype, photo.pixels.shape[2]) == (np.uint16, channels)
    assert any("ProPhoto" in note for note in photo.notes)
    found = as_result(photo, OutputConfig(format="png", bit_depth=8))
    assert np.abs(in_lab(found.pixels, found.metadata.icc) - in_lab(np.asarray(image), profile)).mean() < 1
    write_photo(as_result(photo, OutputConfig()), tmp_path / "b.jxl")
    again = read_photo(tmp_path / "b.jxl")
    assert np.array_equal(again.pixels, photo.pixels)
    assert again.metadata.icc == photo.metadata.icc


def in_lab(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    """8-bit pixels as Lab, lightness first."""
    image = Image.fromarray(pixels.squeeze())
    source: Any = ImageCms.createProfile("sRGB")
    if profile is not None:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    elif image.mode == "L":
        image = image.convert("RGB")
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("LAB"), image.mode, "LAB")
    lab = np.asarray(ImageCms.applyTransform(image, transform)).astype(int)
    return np.dstack([lab[..., :1], (lab[..., 1:] + 128) % 256])


def test_without_its_library_a_profile_is_named_with_the_cure(
    make_jpeg: PhotoMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = read_photo(make_jpeg(icc_profile=icc_profile(SPACES["prophoto"])))
    write_photo(as_result(photo, OutputConfig(format="jxl")), tmp_path / "a.jxl")
    monkeypatch.setitem(sys.modules, "pyjpegxl", None)
    with pytest.raises(UnsupportedPhotoError, match=r"needs pyjpegxl to be read.*pip install pyjpegxl"):
        read_photo(tmp_path / "a.jxl")


@pytest.mark.parametrize("quality", [None, 80])
def test_a_lossy_picture_becomes_a_lossy_one(tmp_path: Path, quality: int | None) -> None:
    pixels = noise((100, 120, 3)) // 8 + 100
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(pixels, lossless=False, distance=1.0))
    photo = as_result(read_photo(tmp_path / "a.jxl"), OutputConfig(jpeg_quality=quality))
    write_photo(photo, tmp_path / "b.jxl")
    again = read_photo(tmp_path / "b.jxl")
    assert 0 < np.abs(again.pixels.astype(int) - photo.pixels).mean() < 5
    assert (tmp_path / "b.jxl").stat().st_size < pixels.size / 2


@pytest.mark.parametrize("orientation", [1, 6])
def test_metadata_go_along_and_turned_photos_are_upright(
    make_jpeg: PhotoMaker, tmp_path: Path, orientation: int
) -> None:
    source = make_jpeg(size=(48, 64), exif=camera_exif(orientation), xmp=XMP, icc_profile=None)
    photo = read_photo(source)
    write_photo(as_result(photo, OutputConfig(format="jxl")), tmp_path / "a.jxl", record=RECORD)
    found = read_photo(tmp_path / "a.jxl")
    assert found.orientation == 1
    assert found.pixels.shape == ((48, 64, 3) if orientation == 1 else (64, 48, 3))
    assert b"softwareAgent" in (found.metadata.xmp or b"")
    assert shot_in(tmp_path / "a.jxl").iso == 3200
    if EXIFTOOL is not None:
        command = [EXIFTOOL, "-j", "-n", str(tmp_path / "a.jxl")]
        tags = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
        assert (tags["Model"], tags["ISO"], tags.get("Warning")) == ("Canon EOS 5D", 3200, None)
        assert (tags["ExifImageWidth"], tags["ExifImageHeight"]) == found.pixels.shape[1::-1]
        assert tags["Orientation"] == 1


def test_a_jpeg_kept_in_a_jpeg_xl_is_read_as_that_jpeg(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(icc_profile=icc_profile(SPACES["display-p3"]))
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode_jpeg(source.read_bytes(), usecontainer=True))
    photo, jpeg = read_photo(tmp_path / "a.jxl"), read_photo(source)
    assert np.array_equal(photo.pixels, jpeg.pixels)
    assert (photo.metadata.icc, photo.orientation) == (jpeg.metadata.icc, 6)
    write_photo(as_result(photo, OutputConfig()), tmp_path / "b.jxl")
    again = read_photo(tmp_path / "b.jxl")
    assert colour_bits_of(again.metadata.icc, 3) == colour_bits_of(jpeg.metadata.icc, 3)
    assert again.pixels.shape == (70, 50, 3)


@needs_libjxl
def test_a_profile_of_another_encoder_is_read(tmp_path: Path) -> None:
    image = Image.fromarray(smooth(48, 64))
    exif = b"Exif\0\0" + EXIF_ORIENTATION_6
    image.save(tmp_path / "a.png", exif=exif, icc_profile=icc_profile(SPACES["prophoto"]))
    subprocess.run([CJXL or "", "a.png", "a.jxl", "-d", "0"], cwd=tmp_path, check=True, capture_output=True)
    pytest.importorskip("pyjpegxl", reason="there are no wheels of it for this platform")
    photo = read_photo(tmp_path / "a.jxl")
    assert photo.metadata.icc == icc_profile(SPACES["prophoto"])


@pytest.mark.parametrize(("lossless", "at_least"), [(True, 5.0), (False, 2.0)])
def test_what_reading_takes_counts_what_the_decoder_holds(
    tmp_path: Path, lossless: bool, at_least: float
) -> None:
    """Of pictures of drawings: their whole planes in 32 bits; 15.5 bytes a pixel were measured."""
    path = tmp_path / "a.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(smooth(48, 64), lossless=lossless, distance=1.0))
    with opened_header(path) as header:
        assert header.size.needed_bytes >= at_least * smooth(48, 64).nbytes


@pytest.mark.parametrize("container", [True, False])
def test_damaged_files_are_named(tmp_path: Path, container: bool) -> None:
    data = bytes(imagecodecs.jpegxl_encode(noise((48, 64, 3)), lossless=True, usecontainer=container))
    for share in (0.001, 0.01, 0.5, 0.95):
        (tmp_path / "a.jxl").write_bytes(data[: max(12, int(share * len(data)))])
        with pytest.raises(PhotoReadError):
            read_photo(tmp_path / "a.jxl")


def test_a_size_is_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    data = imagecodecs.jpegxl_encode(noise((48, 64, 3)), lossless=True, usecontainer=False)
    assert (read_header(bytes(data)).width, read_header(bytes(data)).height) == (64, 48)
    (tmp_path / "a.jxl").write_bytes(data)
    with pytest.raises(PhotoReadError, match="above the limit"):
        read_photo(tmp_path / "a.jxl", max_pixels=1000)


def test_depths_between_are_spread_over_16_bits(tmp_path: Path) -> None:
    levels = (np.mgrid[:48, :64][0] * 1023 // 47).astype(np.uint16)
    data = imagecodecs.jpegxl_encode(np.dstack([levels] * 3), lossless=True, bitspersample=10)
    (tmp_path / "a.jxl").write_bytes(data)
    photo = read_photo(tmp_path / "a.jxl")
    assert (photo.pixels.min(), photo.pixels.max()) == (0, 65535)
    write_photo(replace(photo), tmp_path / "b.jxl")
    assert np.array_equal(read_photo(tmp_path / "b.jxl").pixels, photo.pixels)
