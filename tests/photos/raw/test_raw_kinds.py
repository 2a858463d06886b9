"""Raw files of every layout: sub-directories, byte orders, crops, float, grey, cut short, lens tags, opcodes."""

from __future__ import annotations

import io
import json
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
    RGGB,
    WHITE,
    XTRANS,
    area,
    fractions,
    gain_map,
    mosaic_of,
    opcode,
    opcode_list,
    write_raw,
)

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.demosaic import LIGHT_RANGE, PEDESTAL
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.shot import shot_in
from lgbpn_cli.photos.write import write_photo

RECORD = Record("0.1.0", "model", "{}")
LENS_TAGS = tuple((number, 8, 4, (3, 100, -200, 300), True) for number in (0x7032, 0x7035, 0x7037))
RAW_BLACK_OF_SONY = (0x7310, 3, 4, (999, 999, 999, 999), True)
WARP = opcode(1, struct.pack(">I6d2d", 1, 1.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5))
VIGNETTE = opcode(3, struct.pack(">7d", 0.1, 0, 0, 0, 0, 0.5, 0.5))


def scene(height: int = 60, width: int = 90) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width] / 20
    return 0.3 + 0.2 * np.stack([np.sin(rows + phase) * np.cos(columns) for phase in (0, 1, 2)], axis=2)


def byte_tag(number: int, data: bytes) -> tuple[int, int, int, Any, bool]:
    return number, 7, len(data), data, True


def through(source: Path) -> Path:
    """The DNG that an identity network makes of a raw file."""
    target = source.with_name("result.dng")
    write_photo(as_result(read_photo(source), OutputConfig()), target, record=RECORD)
    return target


def light_of(photo: Photo) -> np.ndarray:
    assert photo.camera is not None
    black, white = photo.camera.black, photo.camera.white
    light: np.ndarray = (photo.pixels.astype(np.float64) - black) / (white - black) * photo.camera.gains
    return light


def tags_of(path: Path, *options: str) -> dict[str, Any]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    command = ["exiftool", "-j", "-G1", "-a", "-n", "-b", *options, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tags: dict[str, Any] = json.loads(found)[0]
    return tags


LAYOUTS: dict[str, dict[str, Any]] = {
    "first directory": {},
    "sub-directory": {"below": True},
    "big-endian": {"byteorder": ">", "below": True},
    "tiles": {"tile": (64, 64)},
    "strips": {"rowsperstrip": 7},
    "four blacks": {"black": (500, 510, 520, 530), "raw_tags": ((50713, 3, 2, (2, 2), True),)},
    "fraction of a black": {"black": (512.25,)},
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


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("below", [True, False])
def test_lens_corrections_of_the_samples_directory_come_along(
    tmp_path: Path, byteorder: str, below: bool
) -> None:
    """Sony's tags and opcodes that bend the picture; what speaks of the old samples does not."""
    raw_tags = (*LENS_TAGS, RAW_BLACK_OF_SONY, byte_tag(51022, opcode_list(WARP, VIGNETTE)))
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), raw_tags=raw_tags, below=below, byteorder=byteorder
    )
    before, after = tags_of(path, "-U"), tags_of(through(path), "-U")
    own = "SubIFD:" if below else "IFD0:"
    names = [name.removeprefix(own) for name in before if name.startswith(own) and ("Params" in name)]
    assert len(names) == 3
    for name in names:
        assert after[f"SubIFD:{name}"] == before[own + name]
    assert opcode_list(WARP, VIGNETTE) in path.with_name("result.dng").read_bytes()
    assert not [name for name in after if "BlackLevel" in name and "SubIFD:BlackLevel" not in name]
    assert after["SubIFD:NoiseReductionApplied"] == 1


@pytest.mark.parametrize("pattern", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
def test_shading_that_opcodes_undo_is_undone_before_denoising(tmp_path: Path, pattern: bytes) -> None:
    light = scene()
    rows, columns = np.mgrid[:9, :9] / 4 - 1
    gains = (1 + 0.8 * (rows**2 + columns**2)).astype(np.float32)[..., None]
    maps = gain_map(area(0, 0, 60, 90), gains)
    shaded = light.copy()
    for plane in range(3):
        grid = gains[..., 0]
        down, across = ((np.arange(side) + 0.5) / side * 8 for side in (60, 90))
        tall = np.array([np.interp(down, range(9), grid[:, column]) for column in range(9)])
        full = np.array([np.interp(across, range(9), tall[:, row]) for row in range(60)])
        shaded[..., plane] /= full
    raw_tags = (byte_tag(51009, opcode_list(maps, WARP)), byte_tag(51022, opcode_list(VIGNETTE)))
    path = write_raw(tmp_path / "a.dng", mosaic_of(shaded, pattern), pattern=pattern, raw_tags=raw_tags)
    assert np.abs(light_of(read_photo(path)) - light)[4:-4, 4:-4].mean() < 0.012
    after = tags_of(through(path))
    assert "SubIFD:OpcodeList2" not in after
    assert opcode_list(WARP, VIGNETTE) in through(path).read_bytes()


def test_opcodes_of_a_linear_dng_are_applied_too(tmp_path: Path) -> None:
    samples = np.full((40, 50, 3), 20000, np.uint16)
    raw_tags = (
        byte_tag(51009, opcode_list(gain_map(area(0, 0, 40, 50, planes=3), np.full((1, 1, 1), 1.5)))),
    )
    path = write_raw(tmp_path / "a.dng", samples, pattern=None, black=0, white=65535, raw_tags=raw_tags)
    photo = read_photo(path)
    assert np.allclose((photo.pixels.astype(float) - PEDESTAL) / LIGHT_RANGE, 1.5 * 20000 / 65535, atol=1e-4)


def test_pixels_that_opcodes_call_bad_are_filled_in(tmp_path: Path) -> None:
    samples = mosaic_of(np.full((40, 50, 3), 0.4))
    clean = read_photo(write_raw(tmp_path / "clean.dng", samples))
    samples[12:16, 20:23] = 0
    listed = struct.pack(">3I", 0, 0, 1) + struct.pack(">4I", 12, 20, 16, 23)
    path = write_raw(tmp_path / "a.dng", samples, raw_tags=(byte_tag(51008, opcode_list(opcode(5, listed))),))
    assert np.abs(read_photo(path).pixels.astype(int) - clean.pixels).max() < 100


def test_hot_pixels_of_a_raw_file_are_gone(tmp_path: Path) -> None:
    samples = mosaic_of(np.full((60, 90, 3), 0.2))
    samples = (samples + np.random.default_rng(0).normal(scale=20, size=samples.shape)).astype(np.uint16)
    samples[30, 40] = samples[13, 25] = WHITE
    photo = read_photo(write_raw(tmp_path / "a.dng", samples))
    assert light_of(photo).max() < 0.3


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
    photo = read_photo(path)
    found = light_of(photo)
    outside = np.ones((60, 90), bool)
    outside[14:46, 24:56] = outside[:4] = outside[-4:] = outside[:, :4] = outside[:, -4:] = False
    assert np.abs(found - light)[outside].mean() < 0.01
    assert found[25:35, 35:45, 1].mean() == pytest.approx(3.0 if mosaic else 6.0, rel=0.02)
    with rawpy.imread(str(through(path))) as result:
        assert result.white_level < 65535 / 2


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
}


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("below", [True, False])
def test_other_colour_filters_are_refused_by_name(tmp_path: Path, name: str, below: bool) -> None:
    samples = np.tile(np.arange(1000, 1060, dtype=np.uint16), (60, 1))
    path = write_raw(tmp_path / "a.dng", samples, pattern=PATTERNS[name], below=below)
    with pytest.raises(UnsupportedPhotoError, match=name):
        read_photo(path)


@pytest.mark.parametrize(
    "options", [{}, {"below": True}, {"rowsperstrip": 8}, {"tile": (32, 32)}, {"byteorder": ">"}]
)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_raw_file_whose_samples_end_early_is_refused(
    tmp_path: Path, options: dict[str, Any], share: float
) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), **options)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(PhotoReadError, match=r"end early|cannot be decoded"):
        read_photo(path)


@pytest.mark.parametrize("suffix", [".nef", ".cr2", ".arw", ".orf", ".pef", ".srw", ".3fr"])
def test_every_maker_s_file_is_checked_whatever_libraw_says(tmp_path: Path, suffix: str) -> None:
    path = write_raw(tmp_path / f"a{suffix}", mosaic_of(scene()), below=True)
    data = path.read_bytes().replace(struct.pack("<HH", 50706, 1), struct.pack("<HH", 50706 - 100, 1))
    if suffix == ".orf":
        data = b"IIRO" + data[4:]
    path.write_bytes(data[:-500])
    with pytest.raises(PhotoReadError, match="end early"):
        read_photo(path)


def test_strips_that_hold_too_little_are_refused(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()))
    length = struct.pack("<HHII", 279, 4, 1, 60 * 90 * 2)
    data = path.read_bytes()
    assert data.count(length) == 1
    path.write_bytes(data.replace(length, struct.pack("<HHII", 279, 4, 1, 100)))
    with pytest.raises(PhotoReadError, match="too few bytes"):
        read_photo(path)


@pytest.mark.parametrize("below", [True, False])
def test_further_camera_profiles_move_with_the_file(tmp_path: Path, below: bool) -> None:
    """They are TIFF structures of their own, which the tag only points to."""
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), below=below, tags=((50933, 4, 2, (11, 22), True),)
    )
    data = path.read_bytes()
    name = b"Portrait\0"
    profile = b"IIRC" + struct.pack("<IHHHII", 8, 1, 50936, 2, len(name), 26) + bytes(4) + name
    place = len(data) + len(data) % 2
    data = data.ljust(place, b"\0") + profile
    data = data.replace(
        struct.pack("<2I", 11, 22), struct.pack("<2I", place, 5)
    )  # the second leads to nonsense
    path.write_bytes(data)
    after = through(path)
    tags = tags_of(after)
    assert "ExifTool:Warning" not in tags
    assert [value for key, value in tags.items() if key.endswith(":ProfileName")] == ["Portrait"]


def test_a_gain_table_map_stays_with_its_samples(tmp_path: Path) -> None:
    table = bytes(range(64)) * 2
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), below=True, raw_tags=(byte_tag(52525, table),))
    result = through(path)
    assert table in result.read_bytes()
    assert tags_of(result)["IFD0:DNGVersion"] == "1 6 0 0"


@pytest.mark.parametrize("matrix", [(1e9, 0, 0, 0, 1, 0, 0, 0, 1), (0,) * 9, (-1e8,) * 9])
def test_a_colour_matrix_without_sense_costs_colours_but_no_photo(
    tmp_path: Path, matrix: tuple[float, ...]
) -> None:
    parts = [part for value in matrix for part in (int(max(-(2**31), min(2**31 - 1, value))), 1)]
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), tags=((50721, 10, 9, parts, True),))
    assert through(path).is_file()


@pytest.mark.parametrize("neutral", [(1e-4, 1.0, 100.0), (0.0, 1.0, 1.0), None])
def test_a_white_balance_without_sense_costs_no_photo(
    tmp_path: Path, neutral: tuple[float, ...] | None
) -> None:
    assert through(write_raw(tmp_path / "a.dng", mosaic_of(scene()), neutral=neutral)).is_file()


@pytest.mark.parametrize("level", [0.0, 0.2, 1.0])
def test_a_result_of_one_colour_is_no_blank_file(tmp_path: Path, level: float) -> None:
    samples = mosaic_of(np.full((40, 50, 3), level))
    samples[0, 0] += 1  # the source is no blank file either
    result = through(write_raw(tmp_path / "a.dng", samples))
    photo = read_photo(result)
    assert photo.pixels.shape == (40, 50, 3)


def panasonic(path: Path, *, whole: bool) -> Path:
    """An RW2 of 280 x 40 sites, with EXIF in its JPEG alone and Panasonic's own numbers below 254."""
    exif = Image.Exif()
    exif[271], exif[272] = "Panasonic", "DMC-LX3"
    exif.get_ifd(0x8769)[34855] = 800
    picture = io.BytesIO()
    Image.new("RGB", (16, 16)).save(picture, "JPEG", exif=exif.tobytes())
    jpeg = picture.getvalue()
    width, height = 280, 40
    entries = [
        (2, 3, 1, width), (3, 3, 1, height), (4, 3, 1, 0), (5, 3, 1, 0), (6, 3, 1, height), (7, 3, 1, width),
        (9, 3, 1, 1), (10, 3, 1, 12), (11, 3, 1, 34316), (23, 3, 1, 80), (45, 3, 1, 4), (46, 7, len(jpeg), 0),
        (271, 2, 10, 0), (272, 2, 8, 0), (273, 4, 1, 0xFFFFFFFF), (279, 4, 1, width * height * 2), (280, 4, 1, 0),
    ]  # fmt: skip
    place = 8 + 2 + 12 * len(entries) + 4
    blobs, records = b"", b""
    contents = {46: jpeg, 271: b"Panasonic\0", 272: b"DMC-LX3\0"}
    for tag, kind, count, value in entries:
        if tag in contents:
            value = place + len(blobs)
            blobs += contents[tag] + bytes(len(contents[tag]) % 2)
        records += struct.pack("<HHII", tag, kind, count, value)
    begin = place + len(blobs)
    records = records[:-4] + struct.pack("<I", begin)
    data = b"IIU\0" + struct.pack("<IH", 8, len(entries)) + records + bytes(4) + blobs
    needed = width * height // 14 * 16
    path.write_bytes(data + np.random.default_rng(0).bytes(needed if whole else needed // 2))
    return path


def test_panasonic_s_exif_is_that_of_its_jpeg(tmp_path: Path) -> None:
    shot = shot_in(panasonic(tmp_path / "a.rw2", whole=True))
    assert (shot.camera, shot.iso) == ("Panasonic DMC-LX3", 800)


def test_a_cut_panasonic_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoReadError, match="end early"):
        read_photo(panasonic(tmp_path / "a.rw2", whole=False))


def test_a_canon_crw_has_its_date(data_root: Path, tmp_path: Path) -> None:
    shutil.copy(data_root / "raw/CRW.CRW", tmp_path / "a.crw")
    tags = tags_of(through(tmp_path / "a.crw"))
    assert tags["ExifIFD:DateTimeOriginal"] == "2018:01:01 13:03:32"
    assert (tags["ExifIFD:ISO"], tags["ExifIFD:ExposureTime"]) == (100, pytest.approx(4.97, abs=0.01))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_cut_canon_crw_is_damaged_and_not_of_an_unknown_kind(
    data_root: Path, tmp_path: Path, share: float
) -> None:
    data = (data_root / "raw/CRW.CRW").read_bytes()
    (tmp_path / "a.crw").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(PhotoReadError, match=r"end early|cannot be decoded"):
        read_photo(tmp_path / "a.crw")


@pytest.mark.parametrize(("black", "white"), [(512, 100), (512, 512), (60000, 16383)])
def test_a_white_no_brighter_than_black_is_refused(tmp_path: Path, black: int, white: int) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), black=black, white=white)
    with pytest.raises(PhotoReadError, match=f"its white level is {white} and its black level {black}"):
        read_photo(path, as_mosaic=True)
