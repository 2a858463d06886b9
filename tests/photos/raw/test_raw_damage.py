"""Raw files that are cut short or hold too little, of several makers."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_samples import (
    BLACK,
    WHITE,
    area,
    byte_tag,
    gain_map,
    mosaic_of,
    opcode,
    opcode_list,
    scene,
    tags_of,
    through,
    write_raw,
)

from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.shot import shot_in


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


@pytest.mark.parametrize(
    ("was", "lie", "message"),
    [((259, 3, 1, 1), (259, 3, 1, 7), "not JPEGs"), ((258, 3, 1, 16), (258, 3, 1, 8), "too many bytes")],
    ids=["compression", "bits"],
)
def test_a_dng_that_lies_about_its_samples_is_refused(
    tmp_path: Path, was: tuple[int, ...], lie: tuple[int, ...], message: str
) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()))
    data = path.read_bytes()
    assert data.count(struct.pack("<HHIHxx", *was)) == 1
    path.write_bytes(data.replace(struct.pack("<HHIHxx", *was), struct.pack("<HHIHxx", *lie)))
    with pytest.raises(PhotoReadError, match=message):
        read_photo(path)


def test_an_empty_active_area_is_refused(tmp_path: Path) -> None:
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), raw_tags=((50829, 4, 4, (20, 20, 20, 60), True),)
    )
    with pytest.raises(PhotoReadError, match="active area is empty"):
        read_photo(path)


def test_a_dng_too_small_for_libraw_or_with_deflated_long_numbers_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    samples = mosaic_of(scene())
    small = write_raw(tmp_path / "small.dng", samples[:40, :20])
    with pytest.raises(UnsupportedPhotoError, match=r"20x40 pixels.*none below 22"):
        read_photo(small)
    with pytest.raises(UnsupportedPhotoError, match="32 bits a sample compressed by deflate"):
        read_photo(write_raw(tmp_path / "deflated.dng", samples.astype(np.uint32), compression="zlib"))


def test_a_deflated_dng_that_claims_more_rows_than_it_has_is_refused(tmp_path: Path) -> None:
    samples = mosaic_of(scene())
    height = len(samples)
    path = write_raw(tmp_path / "a.dng", samples, compression="zlib", rowsperstrip=height)
    data = path.read_bytes()
    for layout in ("<HHIHxx", "<HHII"):
        code = 3 if layout == "<HHIHxx" else 4
        said, claimed = (struct.pack(layout, 257, code, 1, rows) for rows in (height, 3 * height))
        data = data.replace(said, claimed)
    path.write_bytes(data)
    with pytest.raises(PhotoReadError, match="number of its strips"):
        read_photo(path)


def test_one_black_level_above_white_is_refused(tmp_path: Path) -> None:
    path = write_raw(
        tmp_path / "a.dng",
        mosaic_of(scene()),
        black=(BLACK, BLACK, 2 * WHITE, BLACK),
        raw_tags=((50713, 3, 2, (2, 2), True),),
    )
    with pytest.raises(PhotoReadError, match=f"its white level is {WHITE} and its black level {2 * WHITE}"):
        read_photo(path)


@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan, np.inf, 1e30])
def test_a_gain_map_without_gains_is_refused(tmp_path: Path, gain: float) -> None:
    samples = mosaic_of(scene())
    gains = np.full((2, 2, 1), gain, np.float32)
    tag = byte_tag(51009, opcode_list(gain_map(area(0, 0, *samples.shape), gains)))
    with pytest.raises(PhotoReadError, match="values that are no gains"):
        read_photo(write_raw(tmp_path / "a.dng", samples, raw_tags=(tag,)))


def test_a_polynomial_without_numbers_is_refused(tmp_path: Path) -> None:
    samples = mosaic_of(scene())
    polynomial = struct.pack(">I3d", 2, 0.0, np.inf, -np.inf)
    tag = byte_tag(51009, opcode_list(opcode(8, area(0, 0, *samples.shape) + polynomial)))
    with pytest.raises(PhotoReadError, match="opcode 8 makes its samples no numbers"):
        read_photo(write_raw(tmp_path / "a.dng", samples, raw_tags=(tag,)))


def test_floats_far_above_white_are_white(tmp_path: Path) -> None:
    samples = np.full((64, 96), 1e30, np.float32)
    samples[:, :48] = 0.2
    photo = read_photo(write_raw(tmp_path / "a.dng", samples, black=0, white=1), as_mosaic=True)
    assert (photo.pixels[:, 60:] == 65535).all()
    assert (photo.pixels[:, :40] < 65535).all()


def test_a_deflated_dng_with_wrong_bytes_is_refused(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), compression="zlib")
    data = bytearray(path.read_bytes())
    data[3000:3040] = bytes(255 - each for each in data[3000:3040])
    path.write_bytes(data)
    with pytest.raises(PhotoReadError, match="samples cannot be decoded"):
        read_photo(path)


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
