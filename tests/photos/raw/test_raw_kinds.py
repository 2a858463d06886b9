"""Raw files of every layout: sub-directories, byte orders, crops, float, grey, other colour filters."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy
from PIL import Image
from raw_samples import (
    BGGR,
    BLACK,
    NEUTRAL,
    RGGB,
    WHITE,
    area,
    byte_tag,
    fractions,
    light_of,
    mosaic_of,
    opcode,
    opcode_list,
    scene,
    tags_of,
    through,
    write_raw,
)

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.raw.demosaic import LIGHT_RANGE, PEDESTAL
from lgbpn_cli.photos.read import read_photo

LAYOUTS: dict[str, dict[str, Any]] = {
    "first directory": {},
    "sub-directory": {"below": True},
    "big-endian": {"byteorder": ">", "below": True},
    "tiles": {"tile": (64, 64)},
    "strips": {"rowsperstrip": 7},
    "four blacks": {"black": (500, 510, 520, 530), "raw_tags": ((50713, 3, 2, (2, 2), True),)},
    "fraction of a black": {"black": (512.25,)},
    "deflate": {"compression": "zlib", "rowsperstrip": 7},
    "deflate, tiles, big-endian": {
        "compression": "zlib",
        "predictor": 2,
        "tile": (64, 48),
        "byteorder": ">",
        "below": True,
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_light_of_a_raw_file_is_that_of_its_scene(tmp_path: Path, layout: str) -> None:
    options = LAYOUTS[layout]
    light = scene()
    black = np.mean(options.get("black", BLACK))
    photo = read_photo(write_raw(tmp_path / "a.dng", mosaic_of(light, black=black), **options))
    assert np.abs(light_of(photo) - light)[4:-4, 4:-4].mean() < 0.01


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_raw_file_is_turned_by_its_tag(tmp_path: Path, orientation: int) -> None:
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), tags=((274, 3, 1, orientation, True),), below=True
    )
    photo = read_photo(path)
    assert (photo.pixels.shape, photo.orientation) == ((60, 90, 3), orientation)
    flips = {1: 0, 3: 3, 6: 6, 8: 5}
    with rawpy.imread(str(through(path))) as result:
        assert result.sizes.flip == flips[orientation]


@pytest.mark.parametrize("width", [40, 90, 408, 511, 512, 530])
@pytest.mark.parametrize("judge", ["libraw", "dcraw"])
def test_a_result_of_any_width_is_not_sheared(tmp_path: Path, width: int, judge: str) -> None:
    light = np.full((48, width, 3), 0.1)
    light[:, width // 2 :] = 0.5
    result = through(write_raw(tmp_path / "a.dng", mosaic_of(light)))
    if judge == "libraw":
        with rawpy.imread(str(result)) as raw:
            shown = raw.postprocess(use_camera_wb=True, no_auto_bright=True)
    else:
        if shutil.which("dcraw") is None:
            pytest.skip("dcraw is not installed")
        data = subprocess.run(
            ["dcraw", "-w", "-W", "-c", str(result)], capture_output=True, check=True
        ).stdout
        shown = np.asarray(Image.open(io.BytesIO(data)))
    assert shown.shape == (48, width, 3)
    assert shown[:, 4 : width // 2 - 4].std(axis=(0, 1)).max() < 2
    assert shown[:, width // 2 + 4 : -4].std(axis=(0, 1)).max() < 2


CROPS = {
    "odd": ((50719, 4, 2, (3, 5), True), (50720, 4, 2, (41, 33), True)),
    "fractions": ((50719, 5, 2, fractions(2.5, 4.5), True), (50720, 5, 2, fractions(40.25, 30.75), True)),
    "the user's": ((51125, 5, 4, fractions(0.1, 0.2, 0.8, 0.9), True),),
}


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_crops_are_kept_as_they_are(tmp_path: Path, crop: str, byteorder: str) -> None:
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), raw_tags=CROPS[crop], below=True, byteorder=byteorder
    )
    before, after = tags_of(path), tags_of(through(path))
    names = [name for name in before if "Crop" in name]
    assert names
    assert {name: after.get(name) for name in names} == {name: before[name] for name in names}


def test_margins_of_the_sensor_stay_out_and_crops_count_within_them(tmp_path: Path) -> None:
    light = scene(60, 90)
    active = ((50829, 4, 4, (3, 5, 57, 84), True), *CROPS["odd"])
    # The pattern's tag counts from the corner of the active area, not of the sensor.
    path = write_raw(tmp_path / "a.dng", mosaic_of(light, BGGR), raw_tags=active, pattern=RGGB)
    photo = read_photo(path)
    height, width, _ = photo.pixels.shape
    assert 53 <= height <= 54  # LibRaw leaves odd last lines out
    assert 78 <= width <= 79
    assert np.abs(light_of(photo) - light[3 : 3 + height, 5 : 5 + width])[4:-4, 4:-4].mean() < 0.01
    after = tags_of(through(path))
    assert (after["SubIFD:DefaultCropOrigin"], after["SubIFD:DefaultCropSize"]) == ("3 5", "41 33")


FLOATS = [np.float16, np.float32]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mosaic", [True, False])
def test_float_samples_above_white_keep_their_brightness(tmp_path: Path, dtype: Any, mosaic: bool) -> None:
    light = scene()
    light[20:40, 30:50] = 6.0
    seen = mosaic_of(light, black=0, white=65535) / 65535
    if mosaic:
        samples = np.where(light[..., 1] > 1, 3.0, seen).astype(dtype)
    else:
        samples = (light * (0.5, 1, 1 / 1.5)).astype(dtype)
    path = write_raw(tmp_path / "a.dng", samples, pattern=RGGB if mosaic else None, black=None, white=None)
    photo = read_photo(path, as_mosaic=True)
    assert photo.mosaic is None
    assert any("above white" in note for note in photo.notes) == mosaic
    found = light_of(photo)
    outside = np.ones((60, 90), bool)
    outside[14:46, 24:56] = outside[:4] = outside[-4:] = outside[:, :4] = outside[:, -4:] = False
    assert np.abs(found - light)[outside].mean() < 0.01
    assert found[25:35, 35:45, 1].mean() == pytest.approx(3.0 if mosaic else 6.0, rel=0.02)
    with rawpy.imread(str(through(path))) as result:
        assert result.white_level < 65535 / 2


ROOT = tuple(np.rint((np.arange(256) / 255) ** 2 * 65535).astype(int).tolist())
SQUARES = [opcode(8, area(0, 0, 60, 90, plane=plane) + struct.pack(">I3d", 2, 0, 0, 1)) for plane in range(3)]


@pytest.mark.parametrize(
    ("undone_by", "white"),
    [((50712, 3, 256, ROOT, True), 65535), (byte_tag(51009, opcode_list(*SQUARES)), 255)],
    ids=["table", "polynomials"],
)
def test_lossy_samples_are_made_linear_once(tmp_path: Path, undone_by: Any, white: int) -> None:
    light = scene()
    samples = np.rint(np.sqrt(light * NEUTRAL) * 255).astype(np.uint8)
    how = {
        "compression": "jpeg_lossy",
        "compressionargs": {"level": 99, "subsampling": "444"},
        "tile": (64, 64),
    }
    path = write_raw(
        tmp_path / "a.dng",
        samples,
        pattern=None,
        black=None,
        white=(white,) * 3,
        raw_tags=(undone_by,),
        **how,
    )
    assert np.abs(light_of(read_photo(path)) - light).mean() < 0.005


def test_a_white_level_of_zero_says_nothing(tmp_path: Path) -> None:
    samples = (scene() * (0.5, 1, 1 / 1.5)).astype(np.float32)
    said, zero = (
        write_raw(tmp_path / f"{white}.dng", samples, pattern=None, black=None, white=white)
        for white in (1, 0)
    )
    assert np.array_equal(read_photo(zero).pixels, read_photo(said).pixels)


def test_floats_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    samples = np.full((40, 50), 0.5, np.float32)
    samples[3, 4] = np.nan
    with pytest.raises(PhotoReadError, match="not numbers"):
        read_photo(write_raw(tmp_path / "a.dng", samples, black=None, white=None))


def grey_raw(path: Path, samples: np.ndarray) -> Path:
    """A linear DNG of one plane, which tifffile does not write: two planes' worth of tags are changed to one."""
    write_raw(path, samples, pattern=RGGB)
    data = bytearray(path.read_bytes())
    for old, new in ((struct.pack("<HHIH", 262, 3, 1, 32803), struct.pack("<HHIH", 262, 3, 1, 34892)),):
        assert data.count(old) == 1
        data = data.replace(old, new)
    for tag, renamed in ((33421, 65000), (33422, 65001), (50721, 65002), (50728, 65003), (50778, 65004)):
        data = data.replace(
            struct.pack("<H", tag) + data[data.index(struct.pack("<H", tag)) + 2 :][:2],
            struct.pack("<H", renamed) + data[data.index(struct.pack("<H", tag)) + 2 :][:2],
            1,
        )
    path.write_bytes(data)
    return path


def test_a_monochrome_raw_file_stays_one_channel(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:60, :90]
    samples = (BLACK + 4000 + 60 * rows + 20 * columns).astype(np.uint16)
    photo = read_photo(grey_raw(tmp_path / "a.dng", samples))
    assert photo.pixels.shape == (60, 90, 1)
    expected = (samples.astype(float) - BLACK) / (WHITE - BLACK)
    assert np.abs((photo.pixels[..., 0].astype(float) - PEDESTAL) / LIGHT_RANGE - expected).max() < 1e-4
    result = through(tmp_path / "a.dng")
    with rawpy.imread(str(result)) as raw:
        assert raw.num_colors == 1
        assert np.array_equal(raw.raw_image, photo.pixels[..., 0] - PEDESTAL)
    assert np.array_equal(read_photo(result).pixels, photo.pixels)
    rendered = as_result(photo, OutputConfig(format="tiff"))
    assert rendered.pixels.shape[2] == 1


PATTERNS = {
    "Quad Bayer": bytes([0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 2, 2, 1, 1, 2, 2]),
    "white": bytes([0, 6, 1, 6, 6, 0, 6, 1, 1, 6, 2, 6, 6, 1, 6, 2]),
    "red": bytes(4),
    "3 x 3": bytes([0, 1, 2, 1, 2, 0, 2, 0, 1]),
    "neither Bayer": bytes(3 * [*3 * [0], *3 * [1]] + 3 * [*3 * [1], *3 * [2]]),
}


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("below", [True, False])
def test_other_colour_filters_are_refused_by_name(tmp_path: Path, name: str, below: bool) -> None:
    samples = np.tile(np.arange(1000, 1060, dtype=np.uint16), (60, 1))
    path = write_raw(tmp_path / "a.dng", samples, pattern=PATTERNS[name], below=below)
    with pytest.raises(UnsupportedPhotoError, match=name):
        read_photo(path)


@pytest.mark.parametrize("layout", [2, 3, 5, 9])
def test_staggered_colour_filters_are_refused_by_name(tmp_path: Path, layout: int) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), raw_tags=((50711, 3, 1, layout, True),))
    with pytest.raises(UnsupportedPhotoError, match=f"staggered.*{layout}"):
        read_photo(path)


@pytest.mark.parametrize("level", [0.0, 0.2, 1.0])
def test_a_result_of_one_colour_is_no_blank_file(tmp_path: Path, level: float) -> None:
    samples = mosaic_of(np.full((40, 50, 3), level))
    samples[0, 0] += 1  # the source is no blank file either
    result = through(write_raw(tmp_path / "a.dng", samples))
    photo = read_photo(result)
    assert photo.pixels.shape == (40, 50, 3)
