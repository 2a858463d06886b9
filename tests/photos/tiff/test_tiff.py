"""TIFF: new pixels in a copy of the file; every tag and all other bytes survive."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
from photo_samples import ICC, PhotoMaker, noise, smooth

from lgbpn_cli.errors import PhotoReadError, PhotoWriteError, UnsupportedPhotoError
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.tiff.edit import FreeSpace
from lgbpn_cli.photos.write import write_photo

PLACES = {273, 279, 324, 325}
"""Tags that say where the pixels lie."""
MARK = 65207


def tags(path: Path) -> dict[int, tuple[object, ...]]:
    with tifffile.TiffFile(path) as file:
        found = {tag.code: (tag.dtype, tag.count, tag.value) for tag in file.pages[0].tags}
    return {code: value for code, value in found.items() if code not in PLACES}


STORAGES = [
    pytest.param({"rowsperstrip": 7}, id="strips"),
    pytest.param({"rowsperstrip": 7, "compression": "lzw"}, id="lzw"),
    pytest.param({"rowsperstrip": 7, "compression": "lzw", "predictor": True}, id="lzw-differences"),
    pytest.param({"compression": "zlib", "predictor": True}, id="deflate-differences"),
    pytest.param({"rowsperstrip": 16, "compression": "packbits"}, id="packbits"),
    pytest.param({"rowsperstrip": 7, "compression": "zstd", "predictor": True}, id="zstandard"),
    pytest.param({"tile": (32, 16), "compression": "lzma"}, id="lzma-tiles"),
    pytest.param({"tile": (32, 16)}, id="tiles"),
    pytest.param({"tile": (32, 16), "compression": "zlib", "predictor": True}, id="deflate-tiles"),
    pytest.param({"bigtiff": True, "compression": "lzw"}, id="bigtiff"),
    pytest.param({"byteorder": ">", "compression": "lzw", "predictor": True}, id="big-endian"),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("storage", STORAGES)
def test_all_storages_come_back_exactly_with_all_tags(
    make_tiff: PhotoMaker, tmp_path: Path, storage: dict[str, object], dtype: type
) -> None:
    stored: np.ndarray = smooth(50, 70).astype(dtype) * (np.iinfo(dtype).max // 255)
    source, target = make_tiff(samples=stored, **storage), tmp_path / "result.tif"
    photo = read_photo(source)
    assert np.array_equal(photo.pixels, stored)
    assert photo.orientation == 6
    for pixels in (np.ascontiguousarray(stored[::-1]), noise(stored.shape, dtype), np.zeros_like(stored)):
        before = pixels.copy()
        write_photo(replace(photo, pixels=pixels), target, record=Record("1", "m", "{}"))
        assert np.array_equal(pixels, before)
        assert np.array_equal(tifffile.imread(target), pixels)
        assert np.array_equal(read_photo(target).pixels, pixels)
        after = tags(target)
        assert after.pop(MARK)
        assert after == tags(source)
        assert read_record(target) == Record("1", "m", "{}")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (1, {"photometric": "minisblack"}),
        (1, {"photometric": "miniswhite"}),
        (2, {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": "contig"}),
        (4, {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
        (
            4,
            {
                "photometric": "rgb",
                "extrasamples": ["unassalpha"],
                "planarconfig": "separate",
                "rowsperstrip": 9,
            },
        ),
        (3, {"photometric": "rgb", "planarconfig": "separate", "compression": "lzw", "predictor": True}),
    ],
)
def test_grey_alpha_and_separate_planes_survive(
    make_tiff: PhotoMaker, tmp_path: Path, samples: int, options: dict[str, object], dtype: type
) -> None:
    stored = noise((50, 70, samples), dtype)
    separate = options.get("planarconfig") == "separate"
    written = np.moveaxis(stored, 2, 0) if separate else stored.squeeze()
    source, target = make_tiff(samples=written, **options), tmp_path / "result.tif"
    photo = read_photo(source)
    colours = 1 if samples < 3 else 3
    white = np.iinfo(dtype).max
    expected = white - stored if options["photometric"] == "miniswhite" else stored
    assert np.array_equal(photo.pixels, expected[..., :colours])
    assert photo.alpha is None if samples == colours else np.array_equal(photo.alpha, stored[..., -1])

    write_photo(photo, target)
    assert np.array_equal(tifffile.imread(target), tifffile.imread(source))
    write_photo(replace(photo, pixels=white - photo.pixels), target)
    again = read_photo(target)
    assert np.array_equal(again.pixels, white - photo.pixels)
    assert photo.alpha is None or np.array_equal(again.alpha, photo.alpha)
    assert tags(target) == tags(source)


def test_untouched_uncompressed_pixels_give_the_same_file(data_root: Path, tmp_path: Path) -> None:
    for name in ("odd/tiff16_png16/sample.tif", "odd/modes/hopper.tif"):
        write_photo(read_photo(data_root / name), tmp_path / "result.tif")
        assert (tmp_path / "result.tif").read_bytes() == (data_root / name).read_bytes()


def test_real_files_keep_tags_and_take_new_pixels(data_root: Path, tmp_path: Path) -> None:
    for name in ("odd/tiff16_png16/sample.tif", "odd/modes/hopper.tif"):
        source, target = data_root / name, tmp_path / "result.tif"
        photo = read_photo(source)
        assert np.array_equal(photo.pixels, tifffile.imread(source))
        write_photo(replace(photo, pixels=np.flip(photo.pixels, 1)), target)
        assert np.array_equal(tifffile.imread(target), np.flip(photo.pixels, 1))
        assert tags(target) == tags(source)


def test_strips_of_odd_length_side_by_side_are_written_where_they_were(
    make_tiff: PhotoMaker, tmp_path: Path
) -> None:
    source = make_tiff(samples=noise((21, 33, 3)), rowsperstrip=1)
    write_photo(read_photo(source), tmp_path / "result.tif")
    assert (tmp_path / "result.tif").read_bytes() == source.read_bytes()


def test_smaller_pixels_reuse_the_old_place(make_tiff: PhotoMaker, tmp_path: Path) -> None:
    source = make_tiff(samples=noise((200, 200, 3)), compression="lzw", rowsperstrip=8)
    photo = read_photo(source)
    write_photo(replace(photo, pixels=photo.pixels // 64 * 64), tmp_path / "result.tif")
    assert (tmp_path / "result.tif").stat().st_size < source.stat().st_size / 2


def test_lengths_that_outgrow_16_bits_get_wider_numbers(tmp_path: Path) -> None:
    # One strip of 200 x 400 bytes, packed to little: its length is stored in 16 bits, inside the tag.
    packed = bytes([129, 7] * (200 * 400 // 128))
    entries = [(256, 3, 1, 400), (257, 3, 1, 200), (258, 3, 1, 8), (259, 3, 1, 32773), (262, 3, 1, 1),
               (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 200), (279, 3, 1, len(packed))]  # fmt: skip
    body = b"".join(struct.pack("<HHIHxx" if kind == 3 else "<HHII", tag, kind, count, value)
                    for tag, kind, count, value in entries)  # fmt: skip
    source, target = tmp_path / "source.tif", tmp_path / "result.tif"
    offset = 8 + len(packed)
    source.write_bytes(b"II*\0" + struct.pack("<I", offset) + packed + struct.pack("<H", 9) + body + bytes(4))
    photo = read_photo(source)
    assert (photo.pixels == 7).all()
    noisy = noise((200, 400, 1))
    write_photo(replace(photo, pixels=noisy), target)
    assert np.array_equal(read_photo(target).pixels, noisy)
    assert np.array_equal(tifffile.imread(target), noisy[..., 0])


def test_strips_that_share_their_bytes_do_not_overwrite_each_other(
    make_tiff: PhotoMaker, tmp_path: Path
) -> None:
    source = make_tiff(samples=np.full((32, 20, 3), 9, np.uint8), rowsperstrip=16)
    with tifffile.TiffFile(source) as file:
        entry = file.pages[0].tags[273]
        place, (first, _) = entry.valueoffset, entry.value
    data = bytearray(source.read_bytes())
    data[place + 4 : place + 8] = struct.pack("<I", first)  # both strips from the first one's bytes
    source.write_bytes(data)
    photo = read_photo(source)
    assert (photo.pixels == 9).all()
    write_photo(replace(photo, pixels=noise((32, 20, 3))), tmp_path / "result.tif")
    assert np.array_equal(read_photo(tmp_path / "result.tif").pixels, noise((32, 20, 3)))
    assert tags(tmp_path / "result.tif") == tags(source)


def test_pixels_that_share_bytes_with_a_tag_are_moved_away_from_it(
    make_tiff: PhotoMaker, tmp_path: Path
) -> None:
    source = make_tiff(rowsperstrip=50)
    with tifffile.TiffFile(source) as file:
        place = file.pages[0].tags[273].valueoffset
        profile = file.pages[0].tags[34675].valueoffset
    data = bytearray(source.read_bytes()) + bytes(50 * 70 * 3)
    data[place : place + 4] = struct.pack("<I", profile - 10)
    source.write_bytes(data)
    photo = read_photo(source)
    write_photo(replace(photo, pixels=noise(photo.pixels.shape)), tmp_path / "result.tif")
    assert tags(tmp_path / "result.tif")[34675][2] == ICC
    assert np.array_equal(read_photo(tmp_path / "result.tif").pixels, noise(photo.pixels.shape))


def test_every_truncation_is_an_error(make_tiff: PhotoMaker) -> None:
    for options in ({"rowsperstrip": 7}, {"compression": "lzw"}, {"compression": "zlib", "tile": (16, 16)}):
        path = make_tiff(**options)
        data = path.read_bytes()
        for length in [*range(4, len(data), 97), *range(len(data) - 20, len(data))]:
            path.write_bytes(data[:length])
            with pytest.raises(PhotoReadError):
                read_photo(path)


def test_damaged_compressed_pixels_are_an_error(make_tiff: PhotoMaker) -> None:
    path = make_tiff(samples=noise((50, 70, 3)), compression="zlib", rowsperstrip=50)
    with tifffile.TiffFile(path) as file:
        offset, length = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    whole = path.read_bytes()
    for place in (offset + length // 2, offset + length - 1):  # the stream, and the checksum behind it
        data = bytearray(whole)
        data[place] ^= 0x55
        path.write_bytes(data)
        with pytest.raises(PhotoReadError, match="decompressed"):
            read_photo(path)


def test_zeros_that_decompress_to_more_than_there_was_are_an_error(make_tiff: PhotoMaker) -> None:
    grain = np.random.default_rng(0).integers(0, 8, (32, 200, 3), np.uint8)
    path = make_tiff(samples=smooth(32, 200) // 2 + grain, compression="zlib", rowsperstrip=32)
    with tifffile.TiffFile(path) as file:
        offset, length = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    whole = path.read_bytes()
    for place in range(offset + 20, offset + length - 200, length // 20):
        path.write_bytes(whole[:place] + bytes(200) + whole[place + 200 :])
        with pytest.raises(PhotoReadError, match=r"decompressed|ends early"):
            read_photo(path)


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "lzma", "zstd"])
def test_a_strip_that_holds_whole_data_but_too_little_is_an_error(
    make_tiff: PhotoMaker, compression: str
) -> None:
    # Two strips of four rows that are claimed to have seven.
    path = make_tiff(samples=smooth(8, 70), compression=compression, rowsperstrip=4)
    with tifffile.TiffFile(path) as file:
        height, rows = file.pages[0].tags[257].valueoffset, file.pages[0].tags[278].valueoffset
    data = bytearray(path.read_bytes())
    data[rows : rows + 2] = struct.pack("<H", 7)
    data[height : height + 2] = struct.pack("<H", 14)
    path.write_bytes(data)
    with pytest.raises(PhotoReadError, match="strip or tile at row 0 "):
        read_photo(path)


def test_a_tag_whose_value_is_cut_off_is_an_error(make_tiff: PhotoMaker) -> None:
    path = make_tiff()
    with tifffile.TiffFile(path) as file:
        entry = file.pages[0].tags[34675]
        place = entry.offset + 8
    data = bytearray(path.read_bytes())
    data[place : place + 4] = struct.pack("<I", len(data) - 20)
    path.write_bytes(data)
    with pytest.raises(PhotoReadError, match="TIFF tag 34675 points beyond the end"):
        read_photo(path)


@pytest.mark.parametrize(
    ("samples", "options", "named"),
    [
        (noise((50, 70, 4)), {"photometric": "separated"}, "CMYK"),
        (noise((50, 70, 3)), {"photometric": "cielab"}, "Lab"),
        (np.zeros((50, 70, 3), np.uint32), {}, "32 bits"),
        (np.full((50, 70, 3), 200, np.float32), {}, "far above 1.0"),
        (np.full((50, 70, 3), np.nan, np.float32), {}, "not numbers"),
        (np.zeros((50, 70, 3), np.int16), {}, "signed"),
        (noise((50, 70, 3)), {"compression": "webp"}, "WebP"),
        (noise((50, 70)) > 99, {"photometric": "minisblack"}, "1 bit"),
        (
            noise((50, 70), np.uint16),
            {"photometric": "palette", "colormap": noise((3, 65536), np.uint16)},
            "palette colours of 16 bits",
        ),
        (noise((50, 70, 5)), {"extrasamples": [0, 0]}, "5 samples"),
        (noise((50, 70, 3)), {"subfiletype": 1}, "preview"),
        (noise((50, 70, 3)), {"extratags": [(50706, "B", 4, b"\1\4\0\0", True)]}, "DNG"),
    ],
)
def test_other_kinds_are_refused_by_name(
    make_tiff: PhotoMaker, samples: np.ndarray, options: dict[str, object], named: str
) -> None:
    with pytest.raises(UnsupportedPhotoError, match=named):
        read_photo(make_tiff(samples=samples, **options))


def test_a_source_that_changed_or_went_away_is_an_error(make_tiff: PhotoMaker, tmp_path: Path) -> None:
    source, target = make_tiff(), tmp_path / "result.tif"
    photo = read_photo(source)
    os.utime(source, ns=(1, 1))
    with pytest.raises(PhotoWriteError, match="was changed"):
        write_photo(photo, target)
    source.unlink()
    with pytest.raises(PhotoWriteError, match="no longer be read"):
        write_photo(photo, target)
    assert list(tmp_path.iterdir()) == []


def test_free_space_is_handed_out_once_and_never_where_other_bytes_lie() -> None:
    generator = np.random.default_rng(1)
    for turn in range(200):
        edges = np.sort(generator.choice(400, 12, replace=False))
        extents = [(int(begin), int(end)) for begin, end in edges.reshape(6, 2)]
        if turn % 2:  # one block inside another
            extents.append((extents[0][0], extents[0][0] + 1))
        size = int(generator.integers(edges[-1], 420))
        space = FreeSpace(extents, size)
        reusable = {byte for begin, end in extents for byte in range(begin, end)}
        # A single byte between two blocks is padding.
        gaps = {first[1] for first, second in pairwise(extents[:6]) if second[0] - first[1] == 1}
        taken: set[int] = set()
        for length in generator.integers(1, 40, 12):
            offset = space.take(int(length), even=bool(length % 3))
            given = set(range(offset, offset + int(length)))
            assert offset % 2 == 0 or not length % 3
            assert not given & taken
            assert all(byte in reusable | gaps or byte >= size for byte in given)
            taken |= given
        assert space.end > max(taken)
