"""Camera raw files in, linear DNG or a rendered TIFF out."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image, ImageCms
from working_results import from_working

from lgbpn_cli.config import COLOUR_SPACES, OutputConfig
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.demosaic import PEDESTAL
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

NAMES = ["colorchart.dng", "CRW.CRW"]
RECORD = Record("0.1.0", "model", "{}")
RENDERING = {
    "no_auto_bright": True,
    "adjust_maximum_thr": 0.0,
    "user_flip": 0,
    "output_bps": 16,
    "demosaic_algorithm": rawpy.DemosaicAlgorithm.DHT,
}
LARGEST_MEAN_DIFFERENCE = 0.005


def in_squares(pixels: np.ndarray) -> np.ndarray:
    """The means of squares of 4 x 4 pixels, 0..1: LibRaw clips noise below black, and demosaics the rest otherwise."""
    height, width = pixels.shape[0] // 4 * 4, pixels.shape[1] // 4 * 4
    squares = pixels[:height, :width].reshape(height // 4, 4, width // 4, 4, 3)
    means: np.ndarray = squares.mean(axis=(1, 3), dtype=np.float64) / 65535
    return means


@pytest.fixture(scope="module", params=NAMES)
def raw(request: pytest.FixtureRequest, data_root: Path) -> Photo:
    return read_photo(data_root / "raw" / request.param)


@pytest.fixture(scope="module")
def dng(raw: Photo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photo after an identity network."""
    ready = as_result(raw, OutputConfig())
    target = tmp_path_factory.mktemp("dng") / "result.dng"
    write_photo(from_working(to_working(ready), ready), target, record=RECORD)
    return target


def test_raw_pixels_are_linear_camera_rgb_of_16_bits(raw: Photo) -> None:
    assert raw.linear
    assert raw.camera is not None
    assert raw.pixels.dtype == np.uint16
    assert raw.camera.gains[1] == 1.0
    assert np.allclose(np.array(raw.camera.to_srgb).sum(axis=1), 1.0)


def test_an_identity_network_gives_every_sample_back(raw: Photo) -> None:
    assert np.array_equal(from_working(to_working(raw), raw).pixels, raw.pixels)


def test_the_dng_opens_in_libraw_with_the_samples_that_were_written(raw: Photo, dng: Path) -> None:
    with rawpy.imread(str(dng)) as found:
        assert np.array_equal(found.raw_image[..., :3], np.maximum(raw.pixels, PEDESTAL) - PEDESTAL)
        assert found.white_level == 65535 - PEDESTAL
        assert set(found.black_level_per_channel) == {0}


def test_the_dng_renders_like_its_source(raw: Photo, dng: Path) -> None:
    """Of a camera, too, that did not store its balance: LibRaw tells it from the photo, and so do we."""
    with rawpy.imread(str(raw.path)) as source:
        expected = source.postprocess(use_camera_wb=True, **RENDERING)
    with rawpy.imread(str(dng)) as result:
        rendered = result.postprocess(use_camera_wb=True, **RENDERING)
    assert rendered.shape == expected.shape
    assert np.abs(in_squares(rendered) - in_squares(expected)).mean() < LARGEST_MEAN_DIFFERENCE


def test_dcraw_renders_the_dng(raw: Photo, dng: Path) -> None:
    if shutil.which("dcraw") is None:
        pytest.skip("dcraw is not installed")
    data = subprocess.run(["dcraw", "-w", "-W", "-c", str(dng)], capture_output=True, check=True).stdout
    _, size, _ = data.split(b"\n", 3)[:3]
    assert size.split() == [b"%d" % raw.pixels.shape[1], b"%d" % raw.pixels.shape[0]]
    assert np.frombuffer(data[-raw.pixels.size :], np.uint8).std() > 10


def test_the_dng_has_a_preview_first_and_names_its_camera(raw: Photo, dng: Path) -> None:
    with tifffile.TiffFile(dng) as tiff:
        first = tiff.pages[0]
        assert first.shape[2] == 3
        assert max(first.shape) <= 640
        assert first.asarray().std() > 10
        assert raw.camera is not None
        assert raw.camera.model in first.tags["Model"].value
        assert len(first.tags["ColorMatrix1"].value) == 18
        neutral = np.array(first.tags["AsShotNeutral"].value, float).reshape(3, 2)
        balanced = neutral[:, 0] / neutral[:, 1] * raw.camera.gains
        assert np.allclose(balanced / balanced[1], 1.0, atol=1e-3)


def test_the_dng_is_known_as_a_result(dng: Path) -> None:
    assert read_record(dng) == RECORD


def test_a_dng_result_can_be_read_again(raw: Photo, dng: Path) -> None:
    again = read_photo(dng)
    assert again.pixels.shape == raw.pixels.shape
    assert np.array_equal(again.pixels, np.maximum(raw.pixels, PEDESTAL))


def test_a_turned_photo_stays_turned_by_its_tag(raw: Photo, tmp_path: Path) -> None:
    ready = as_result(replace(raw, orientation=6, metadata=replace(raw.metadata, exif=None)), OutputConfig())
    write_photo(ready, tmp_path / "turned.dng")
    with rawpy.imread(str(tmp_path / "turned.dng")) as found:
        assert found.sizes.flip == 6
        assert np.array_equal(found.raw_image[..., :3], np.maximum(raw.pixels, PEDESTAL) - PEDESTAL)


def test_highlights_above_white_survive(raw: Photo) -> None:
    bright = replace(raw, pixels=np.full((4, 4, 3), 65535, np.uint16))
    image = to_working(bright)
    assert image.max() == pytest.approx(1)  # a network that saw them in purple would paint their edges so
    assert (from_working(image, bright).pixels == 65535).all()


def test_a_tiff_of_a_raw_file_is_srgb_of_16_bits_with_its_profile(raw: Photo, tmp_path: Path) -> None:
    ready = as_result(raw, OutputConfig(format="tiff"))
    assert not ready.linear
    write_photo(ready, tmp_path / "result.tif", record=RECORD)
    again = read_photo(tmp_path / "result.tif")
    assert again.bit_depth == 16
    assert again.metadata.icc is not None
    with rawpy.imread(str(raw.path)) as source:
        expected = source.postprocess(use_camera_wb=True, gamma=(2.4, 12.92), **RENDERING)
    assert np.abs(in_squares(again.pixels) - in_squares(expected)).mean() < LARGEST_MEAN_DIFFERENCE


@pytest.mark.parametrize("name", COLOUR_SPACES)
def test_every_colour_space_shows_the_same_colours(raw: Photo, name: str) -> None:
    """By another colour engine, in parts of the picture that every space can hold."""
    small = replace(raw, pixels=np.ascontiguousarray(raw.pixels[::16, ::16]))
    shown = {}
    for space in ("srgb", name):
        ready = as_result(small, OutputConfig(format="png", colour_space=space, bit_depth=8))
        assert ready.metadata.icc is not None
        profile = ImageCms.ImageCmsProfile(io.BytesIO(ready.metadata.icc))
        picture = Image.fromarray(ready.pixels)
        found = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"))
        shown[space] = np.asarray(found).astype(float)
    inside = ((shown["srgb"] > 20) & (shown["srgb"] < 250)).all(axis=2)
    assert inside.mean() > 0.2
    assert np.abs(shown[name] - shown["srgb"])[inside].mean() < 1


def test_a_jpeg_of_a_raw_file_is_possible(raw: Photo, tmp_path: Path) -> None:
    write_photo(as_result(raw, OutputConfig(format="jpeg")), tmp_path / "result.jpg")
    with Image.open(tmp_path / "result.jpg") as image:
        assert image.size == (raw.pixels.shape[1], raw.pixels.shape[0])
        assert image.info["icc_profile"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("all-zeros-IMG_1361.dng", "raw data end early"),
        ("truncated-1.nef", "raw data cannot be decoded .they end early"),
        ("truncated-2.nef", "raw data cannot be decoded .they end early"),
        ("Canon-R6-pruned.CR3", "raw data cannot be decoded .they end early"),
    ],
)
def test_damaged_raw_files_are_named(data_root: Path, name: str, cause: str) -> None:
    with pytest.raises(PhotoReadError, match=cause):
        read_photo(data_root / "raw" / name)


def test_damage_inside_raw_data_is_an_error(data_root: Path, tmp_path: Path, dng: Path) -> None:
    data = bytearray(dng.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 2000] = b"\xff\xd9" * 1000
    (tmp_path / "damaged.dng").write_bytes(data)
    with pytest.raises(PhotoReadError, match="raw data cannot be decoded"):
        read_photo(tmp_path / "damaged.dng")


def test_an_empty_or_foreign_file_with_a_raw_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.nef").touch()
    with pytest.raises(PhotoReadError, match="the file is empty"):
        read_photo(tmp_path / "empty.nef")
    (tmp_path / "text.cr2").write_text("Dear diary,\n" * 100)
    with pytest.raises(UnsupportedPhotoError, match="LibRaw cannot read"):
        read_photo(tmp_path / "text.cr2")
    for kind in ("jpeg", "png", "webp", "avif"):
        Image.new("RGB", (40, 30)).save(tmp_path / "picture.nef", kind)
        with pytest.raises(UnsupportedPhotoError, match=f"(?i)a {kind} with the ending of a camera raw file"):
            read_photo(tmp_path / "picture.nef")


def test_a_raw_file_above_the_limit_is_refused_before_it_is_decoded(data_root: Path) -> None:
    with pytest.raises(PhotoReadError, match="above the limit"):
        read_photo(data_root / "raw" / "colorchart.dng", max_pixels=1_000_000)


def test_only_raw_files_become_dng(data_root: Path) -> None:
    photo = read_photo(data_root / "odd/exif_orientation/landscape_1.jpg")
    with pytest.raises(UnsupportedPhotoError, match="only those become DNG"):
        as_result(photo, OutputConfig(format="dng"))


def test_a_dng_of_8_bits_is_refused(raw: Photo) -> None:
    with pytest.raises(UnsupportedPhotoError, match="16 bits"):
        as_result(raw, OutputConfig(bit_depth=8))
