"""TIFFs that change how they are stored (JPEG, palette), float predictors, and files of several pages."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from photo_samples import ICC, PhotoMaker, noise, smooth

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

RECORD = Record("1", "m", "{}")


def tags(page: tifffile.TiffPage, *without: int) -> dict[int, object]:
    return {tag.code: tag.value for tag in page.tags if tag.code not in without}


JPEGS = [
    pytest.param({"photometric": "ycbcr", "subsampling": (2, 2), "tile": (32, 32)}, 3, id="ycbcr-tiles"),
    pytest.param({"photometric": "ycbcr", "subsampling": (1, 1), "rowsperstrip": 16}, 3, id="ycbcr-strips"),
    pytest.param({"photometric": "rgb", "rowsperstrip": 16}, 3, id="rgb"),
    pytest.param({"photometric": "minisblack", "tile": (16, 32)}, 1, id="grey"),
]


@pytest.mark.parametrize(("options", "channels"), JPEGS)
def test_jpeg_in_tiff_becomes_deflate_and_loses_nothing_else(
    make_tiff: PhotoMaker, tmp_path: Path, options: dict[str, object], channels: int
) -> None:
    stored = smooth(50, 70) if channels == 3 else smooth(50, 70)[..., 0]
    source, target = make_tiff(samples=stored, compression="jpeg", **options), tmp_path / "result.tif"
    photo = read_photo(source)
    assert np.array_equal(photo.pixels.squeeze(), tifffile.imread(source))
    write_photo(replace(photo, pixels=photo.pixels[::-1]), target, record=RECORD)
    assert np.array_equal(tifffile.imread(target), photo.pixels[::-1].squeeze())
    assert read_record(target) == RECORD
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(target) as after:
        coding = (259, 262, 317, 347, 530, 531, 532, 273, 279, 324, 325, 65207)
        assert tags(after.pages[0], *coding) == tags(before.pages[0], *coding)
        assert after.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert after.pages[0].predictor == 2
        assert 347 not in after.pages[0].tags


def test_a_jpeg_tile_of_another_size_is_an_error(make_tiff: PhotoMaker) -> None:
    path = make_tiff(samples=smooth(64, 64), compression="jpeg", photometric="rgb", tile=(32, 32))
    data = path.read_bytes()
    place = data.index(b"\xff\xc0") + 5
    path.write_bytes(data[:place] + struct.pack(">HH", 65000, 65000) + data[place + 4 :])
    with pytest.raises(PhotoReadError, match="holds a different picture"):
        read_photo(path)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "rowsperstrip": 9}, {"tile": (16, 16)}])
def test_a_palette_becomes_rgb(make_tiff: PhotoMaker, tmp_path: Path, options: dict[str, object]) -> None:
    indices, colours = noise((50, 70)), noise((3, 256), np.uint8, seed=1)
    source = make_tiff(
        samples=indices, photometric="palette", colormap=colours.astype(np.uint16) * 257, **options
    )
    expected = colours.T[indices]
    photo = read_photo(source)
    assert np.array_equal(photo.pixels, expected)
    write_photo(replace(photo, pixels=255 - photo.pixels), tmp_path / "result.tif", record=RECORD)
    assert np.array_equal(tifffile.imread(tmp_path / "result.tif"), 255 - expected)
    assert np.array_equal(read_photo(tmp_path / "result.tif").pixels, 255 - expected)
    with tifffile.TiffFile(tmp_path / "result.tif") as after:
        assert after.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        assert after.pages[0].tags[34675].value == ICC
        assert 320 not in after.pages[0].tags


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{"rowsperstrip": 9}, {"tile": (16, 32)}])
def test_floats_with_their_own_predictor_come_back_exactly(
    make_tiff: PhotoMaker, tmp_path: Path, options: dict[str, object], byteorder: str
) -> None:
    light = np.random.default_rng(0).uniform(-0.1, 3.0, (50, 70, 3)).astype(np.float32)
    source = make_tiff(samples=light, compression="zlib", predictor=3, byteorder=byteorder, **options)
    photo = read_photo(source)
    assert np.array_equal(photo.pixels, light)
    write_photo(replace(photo, pixels=light[::-1]), tmp_path / "result.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "result.tif"), light[::-1])
    assert np.array_equal(read_photo(tmp_path / "result.tif").pixels, light[::-1])


@pytest.fixture
def pages_tiff(tmp_path: Path) -> Path:
    """Six pages: photo, preview, 16-bit grey photo, CMYK, JPEG photo, photo with equal lists as the first."""
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(smooth(40, 60), photometric="rgb", rowsperstrip=8, metadata=None, iccprofile=ICC)
        writer.write(smooth(10, 15), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(noise((30, 20), np.uint16), photometric="minisblack", compression="lzw", metadata=None)
        writer.write(noise((20, 20, 4)), photometric="separated", description="inks", metadata=None)
        writer.write(smooth(32, 32), photometric="ycbcr", compression="jpeg", metadata=None)
        writer.write(
            smooth(40, 60)[::-1], photometric="rgb", rowsperstrip=8, description="last", metadata=None
        )
    return path


def test_all_photos_of_a_file_get_new_pixels_and_all_other_pages_stay(
    pages_tiff: Path, tmp_path: Path
) -> None:
    photo = read_photo(pages_tiff)
    assert [page.pixels.shape for page in (photo, *photo.further)] == [
        (40, 60, 3), (30, 20, 1), (32, 32, 3), (40, 60, 3),
    ]  # fmt: skip
    assert photo.notes == (
        "page 4 of 6 stays as it is: a TIFF with CMYK colours, a printer's inks, which the network has not learned",
    )
    changed = replace(
        photo,
        pixels=noise(photo.pixels.shape),
        further=tuple(replace(page, pixels=np.flip(page.pixels, 1)) for page in photo.further),
    )
    write_photo(changed, tmp_path / "result.tif", record=RECORD)
    with tifffile.TiffFile(pages_tiff) as before, tifffile.TiffFile(tmp_path / "result.tif") as after:
        assert len(after.pages) == 6
        for index, page in {
            0: changed,
            2: changed.further[0],
            4: changed.further[1],
            5: changed.further[2],
        }.items():
            assert np.array_equal(after.pages[index].asarray(), page.pixels.squeeze())
        preview = after.pages[1].asarray().astype(int)
        assert preview.shape == (10, 15, 3)
        assert np.abs(preview.mean(axis=(0, 1)) - changed.pixels.mean(axis=(0, 1))).max() < 12
        for index in (3,):
            assert np.array_equal(after.pages[index].asarray(), before.pages[index].asarray())
            assert tags(after.pages[index]) == tags(before.pages[index])
        places = (273, 279, 305, 700, 65207)
        for index in (0, 2, 5):
            assert tags(after.pages[index], *places) == tags(before.pages[index], *places)
    again = read_photo(tmp_path / "result.tif")
    assert np.array_equal(again.further[2].pixels, changed.further[2].pixels)
    assert read_record(tmp_path / "result.tif") == RECORD


@pytest.mark.parametrize("bigtiff", [False, True])
def test_pages_of_one_kind_take_each_others_old_place(tmp_path: Path, bigtiff: bool) -> None:
    source, target = tmp_path / "pages.tif", tmp_path / "result.tif"
    pictures = [noise((40, 60, 3), seed=seed) for seed in range(4)]
    with tifffile.TiffWriter(source, bigtiff=bigtiff) as writer:
        for picture in pictures:
            writer.write(picture, photometric="rgb", compression="lzw", rowsperstrip=8, metadata=None)
    photo = read_photo(source)
    flat = [np.full_like(picture, 7 * number) for number, picture in enumerate(pictures)]
    further = tuple(replace(page, pixels=new) for page, new in zip(photo.further, flat[1:], strict=True))
    write_photo(replace(photo, pixels=flat[0], further=further), target)
    assert all(
        np.array_equal(tifffile.imread(target, key=number), picture) for number, picture in enumerate(flat)
    )
    assert target.stat().st_size < source.stat().st_size


def test_all_pages_together_count_against_the_limit(pages_tiff: Path) -> None:
    pixels = 40 * 60 + 30 * 20 + 32 * 32 + 40 * 60
    assert read_photo(pages_tiff, max_pixels=pixels).megapixels == pytest.approx(pixels / 1e6)
    with pytest.raises(PhotoReadError, match="above the limit"):
        read_photo(pages_tiff, max_pixels=pixels - 1)


def test_directories_that_lead_back_are_an_error(pages_tiff: Path) -> None:
    with tifffile.TiffFile(pages_tiff) as file:
        first, last = file.pages[0].offset, file.pages[5]
        place = last.offset + 2 + 12 * len(last.tags)
    data = bytearray(pages_tiff.read_bytes())
    data[place : place + 4] = struct.pack("<I", first)
    pages_tiff.write_bytes(data)
    with pytest.raises(PhotoReadError, match="lead back"):
        read_photo(pages_tiff)


@pytest.mark.parametrize(
    "output", [OutputConfig(format="jpeg"), OutputConfig(bit_depth=16), OutputConfig(strip_metadata=True)]
)
def test_several_pages_become_no_single_picture(pages_tiff: Path, output: OutputConfig) -> None:
    with pytest.raises(UnsupportedPhotoError, match="5 pages"):
        as_result(read_photo(pages_tiff), output)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib", "predictor": 3}, {"compression": "lzw", "tile": (16, 32)}]
)
def test_half_floats_come_back_as_half_floats(
    tmp_path: Path, options: dict[str, object], byteorder: str
) -> None:
    light = np.random.default_rng(0).uniform(-0.1, 3.0, (50, 70, 3)).astype(np.float16)
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=byteorder) as writer:
        writer.write(light, photometric="rgb", metadata=None, **options)
    photo = read_photo(tmp_path / "a.tif")
    assert photo.linear
    assert photo.pixels.dtype == np.float32
    assert np.array_equal(photo.pixels, light)
    write_photo(replace(photo, pixels=photo.pixels[::-1] * 2), tmp_path / "result.tif")
    found = tifffile.imread(tmp_path / "result.tif")
    assert found.dtype.newbyteorder("=") == np.float16
    assert np.array_equal(found, light[::-1] * 2)


def test_photoshop_layers_are_left_out_and_named(make_tiff: PhotoMaker, tmp_path: Path) -> None:
    """They would keep the noise, and image editors show them instead of the flat picture."""
    layers = b"Adobe Photoshop Document Data Block\0" + b"8BIMLayr" + b"noise " * 5000
    source = make_tiff(extratags=[(37724, 7, len(layers), layers, True), (315, "s", 0, "somebody", True)])
    photo = read_photo(source)
    assert photo.notes == ("its Photoshop layers are left out: the result is the flat picture alone",)
    write_photo(replace(photo, pixels=photo.pixels[::-1]), tmp_path / "result.tif", record=RECORD)
    with tifffile.TiffFile(tmp_path / "result.tif") as found:
        assert 37724 not in found.pages[0].tags
        assert found.pages[0].tags["Artist"].value == "somebody"
        assert np.array_equal(found.pages[0].asarray(), photo.pixels[::-1])


def test_layers_of_further_pages_are_left_out_too(tmp_path: Path) -> None:
    layers = (37724, 7, 100, b"layer" * 20, True)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for _ in range(2):
            tiff.write(smooth(50, 70), photometric="rgb", metadata=None, extratags=[layers])
    photo = read_photo(tmp_path / "a.tif")
    assert len(photo.notes) == 2
    write_photo(photo, tmp_path / "result.tif", record=RECORD)
    with tifffile.TiffFile(tmp_path / "result.tif") as found:
        assert [37724 in page.tags for page in found.pages] == [False, False]
        assert all(np.array_equal(page.asarray(), smooth(50, 70)) for page in found.pages)


@pytest.mark.parametrize("kind", [1, 6, 8, 9, 5, 7, 11], ids=lambda kind: f"type {kind}")
@pytest.mark.parametrize("tag", [273, 279])
def test_offsets_and_lengths_of_odd_types_are_read_or_refused_but_never_fail_when_written(
    tmp_path: Path, kind: int, tag: int
) -> None:
    """Before the network runs, that is: the tag of a small TIFF gets another type."""
    values = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 120, 277: 1, 278: 8, 279: 64}
    types = dict.fromkeys(values, 3) | {273: 4, 279: 4} | {tag: kind}
    records = b"".join(
        struct.pack("<HHII", number, types[number], 1, value) for number, value in values.items()
    )
    data = b"II*\0" + struct.pack("<IH", 8, len(values)) + records + bytes(4)
    (tmp_path / "a.tif").write_bytes(data.ljust(120, b"\0") + bytes(range(64)) + bytes(200))
    try:
        photo = read_photo(tmp_path / "a.tif")
    except PhotoReadError:
        assert kind not in (8, 9)  # signed, but sound
        return
    write_photo(replace(photo, pixels=255 - photo.pixels), tmp_path / "result.tif", record=RECORD)
    assert np.array_equal(read_photo(tmp_path / "result.tif").pixels, 255 - photo.pixels)


def test_a_negative_offset_is_damage(tmp_path: Path) -> None:
    values = [
        (256, 3, 8),
        (257, 3, 8),
        (258, 3, 8),
        (262, 3, 1),
        (273, 9, 0xFFFFFFF0),
        (277, 3, 1),
        (279, 4, 64),
    ]
    records = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in values)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, len(values)) + records + bytes(100))
    with pytest.raises(PhotoReadError, match="negative"):
        read_photo(tmp_path / "a.tif")
