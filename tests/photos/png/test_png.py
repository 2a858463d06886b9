"""PNG: pixels, alpha and every chunk that is not pixel storage survive."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from photo_samples import EXIF_ORIENTATION_6, ICC, PhotoMaker, noise, png_chunks, smooth
from PIL import Image

from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo

STORAGE = {b"IHDR", b"IDAT"}


def chunk(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + kind + payload + zlib.crc32(kind + payload).to_bytes(4, "big")


def with_chunks(path: Path, added: bytes) -> Path:
    """Put packed chunks behind IHDR."""
    data = path.read_bytes()
    path.write_bytes(data[:33] + added + data[33:])
    return path


def carried(path: Path) -> list[tuple[bytes, bytes]]:
    return [found for found in png_chunks(path) if found[0] not in STORAGE]


@pytest.mark.parametrize("size", [(31, 45), (300, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_all_sample_kinds_come_back_exactly(
    tmp_path: Path, dtype: type, samples: int, size: tuple[int, int]
) -> None:
    stored = noise((*size, samples), dtype)
    source, target = tmp_path / "source.png", tmp_path / "result.png"
    encoded = imagecodecs.png_encode(stored.squeeze(2) if samples == 1 else stored, out=50_000)
    source.write_bytes(encoded)
    photo = read_photo(source)
    colours = 1 if samples < 3 else 3
    assert photo.bit_depth == np.iinfo(dtype).bits
    assert np.array_equal(photo.pixels, stored[..., :colours])
    assert photo.alpha is None if samples in (1, 3) else np.array_equal(photo.alpha, stored[..., colours])

    changed = replace(photo, pixels=np.flip(photo.pixels, 0))
    write_photo(changed, target)
    again = read_photo(target)
    assert again.pixels.dtype == dtype
    assert np.array_equal(again.pixels, changed.pixels)
    assert (again.alpha is None) == (photo.alpha is None)
    assert photo.alpha is None or np.array_equal(again.alpha, photo.alpha)
    assert png_chunks(target)[0] == png_chunks(source)[0]


def test_all_chunks_survive_in_their_order(make_png: PhotoMaker, tmp_path: Path) -> None:
    source = with_chunks(make_png(), chunk(b"gAMA", b"\0\0\xb1\x8f") + chunk(b"tIME", b"\x07\xea\1\1\0\0\0"))
    target = tmp_path / "result.png"
    photo = read_photo(source)
    assert photo.orientation == 6
    write_photo(photo, target)
    assert carried(target) == carried(source)
    assert {b"eXIf", b"iCCP", b"tEXt", b"iTXt", b"prVt", b"pHYs"} <= {kind for kind, _ in carried(target)}
    kinds = [kind for kind, _ in png_chunks(target)]
    assert kinds.index(b"prVt") > kinds.index(b"IDAT")
    with Image.open(target) as image:
        image.load()
        assert image.info["icc_profile"] == ICC
        assert image.getexif()[274] == 6


def test_real_files_keep_pixels_and_chunks(data_root: Path, tmp_path: Path) -> None:
    for name in ("odd/tiff16_png16/16-bit-grey-alpha.png", "odd/modes/test-card.png"):
        source, target = data_root / name, tmp_path / "result.png"
        photo = read_photo(source)
        write_photo(photo, target)
        again = read_photo(target)
        assert np.array_equal(again.pixels, photo.pixels)
        assert np.array_equal(again.alpha, photo.alpha) if photo.alpha is not None else again.alpha is None
        assert carried(target) == carried(source)


def test_a_16_bit_grey_alpha_file_is_read_with_both(data_root: Path) -> None:
    photo = read_photo(data_root / "odd/tiff16_png16/16-bit-grey-alpha.png")
    assert (photo.pixels.shape, photo.pixels.dtype) == ((96, 109, 1), np.uint16)
    assert photo.alpha is not None
    assert photo.alpha.dtype == np.uint16


def test_a_palette_becomes_the_colours_it_stands_for(make_png: PhotoMaker, tmp_path: Path) -> None:
    picture = Image.fromarray(smooth(30, 40)).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    source = make_png(picture=picture)
    data = source.read_bytes()
    behind_palette = data.index(b"PLTE") + 4 + 64 * 3 + 4
    source.write_bytes(data[:behind_palette] + chunk(b"bKGD", b"\5") + data[behind_palette:])
    photo = read_photo(source)
    expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(photo.pixels, expected)
    write_photo(photo, tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as image:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), expected)
    written = dict(png_chunks(tmp_path / "result.png"))
    red, green, blue = (picture.getpalette() or [])[15:18]
    assert written[b"bKGD"] == bytes([0, red, 0, green, 0, blue])
    assert b"PLTE" not in written
    assert written[b"eXIf"] == EXIF_ORIENTATION_6


def test_transparency_by_palette_or_colour_key_becomes_alpha(make_png: PhotoMaker, tmp_path: Path) -> None:
    palette = Image.fromarray(smooth(30, 40)).convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    plain = Image.fromarray(smooth(30, 40))
    for picture, key in ((palette, 3), (plain, (9, 8, 7))):
        source, target = make_png(picture=picture, transparency=key), tmp_path / "result.png"
        with Image.open(source) as image:
            expected = np.asarray(image.convert("RGBA"))
        photo = read_photo(source)
        write_photo(photo, target)
        with Image.open(target) as image:
            assert np.array_equal(np.asarray(image), expected)
        assert b"tRNS" not in dict(png_chunks(target))


def test_grey_of_few_bits_spans_the_full_range(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + bytes([0x1B] * 8) for _ in range(4))  # 0, 1, 2 and 3, eight times
    header = struct.pack(">IIBBBBB", 32, 4, 2, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert read_photo(tmp_path / "a.png").pixels[0, :4, 0].tolist() == [0, 85, 170, 255]


def test_black_and_white_of_1_bit_is_refused(make_png: PhotoMaker) -> None:
    with pytest.raises(UnsupportedPhotoError, match="1 bit"):
        read_photo(make_png(picture=Image.fromarray(smooth(30, 256)[..., 1]).convert("1")))


def test_apples_pointer_into_the_pixels_is_dropped(make_png: PhotoMaker, tmp_path: Path) -> None:
    source = with_chunks(make_png(), chunk(b"iDOT", bytes(28)))
    write_photo(read_photo(source), tmp_path / "result.png")
    assert b"iDOT" not in dict(png_chunks(tmp_path / "result.png"))


def test_every_truncation_is_an_error(make_png: PhotoMaker, tmp_path: Path) -> None:
    sixteen = tmp_path / "sixteen.png"
    sixteen.write_bytes(imagecodecs.png_encode(noise((20, 20, 3), np.uint16)))
    for path in (make_png(), sixteen):
        data = path.read_bytes()
        for length in [*range(8, len(data), 41), *range(len(data) - 20, len(data))]:
            path.write_bytes(data[:length])
            with pytest.raises(PhotoReadError):
                read_photo(path)


def test_a_wrong_checksum_is_an_error_at_8_and_16_bits(make_png: PhotoMaker, tmp_path: Path) -> None:
    sixteen = tmp_path / "sixteen.png"
    sixteen.write_bytes(imagecodecs.png_encode(noise((20, 20, 3), np.uint16)))
    for path in (make_png(), sixteen):
        data = bytearray(path.read_bytes())
        data[data.index(b"IDAT") + 30] ^= 1
        path.write_bytes(data)
        with pytest.raises(PhotoReadError, match="checksum of its IDAT"):
            read_photo(path)


def test_pixels_cut_short_inside_whole_chunks_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "short.png"
    header = b"\0\0\0\x14\0\0\0\x14\x10\2\0\0\0"
    pixels = zlib.compress(bytes(20 * (1 + 20 * 6)))
    for cut in (pixels[: len(pixels) // 2], pixels[:-1], zlib.compress(bytes(1000)), b""):
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", cut) + chunk(b"IEND", b"")
        )
        with pytest.raises(PhotoReadError):
            read_photo(path)


def test_an_animation_is_refused(make_png: PhotoMaker) -> None:
    with pytest.raises(UnsupportedPhotoError, match="animated"):
        read_photo(with_chunks(make_png(), chunk(b"acTL", bytes(8))))


def test_an_animation_of_one_frame_is_a_picture(make_png: PhotoMaker) -> None:
    still = read_photo(make_png())
    frame = struct.pack(">IIIIIHHBB", 0, still.pixels.shape[1], still.pixels.shape[0], 0, 0, 1, 1, 0, 0)
    of_one = with_chunks(make_png("one.png"), chunk(b"acTL", b"\0\0\0\1" + bytes(4)) + chunk(b"fcTL", frame))
    assert np.array_equal(read_photo(of_one).pixels, still.pixels)


def test_a_chunk_that_one_has_to_know_is_named(make_png: PhotoMaker) -> None:
    with pytest.raises(UnsupportedPhotoError, match="needs a CRIT chunk"):
        read_photo(with_chunks(make_png(), chunk(b"CRIT", b"\xd9")))


def test_an_interlaced_picture_is_read(tmp_path: Path) -> None:
    # Adam7 of a 1x1 picture is one pass of one pixel.
    path = tmp_path / "interlaced.png"
    pixels = chunk(b"IDAT", zlib.compress(b"\0\x12\x34\x56"))
    header = chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\1")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
    assert read_photo(path).pixels.tolist() == [[[0x12, 0x34, 0x56]]]


def test_side_chunks_that_nobody_can_read_are_left_out(data_root: Path, tmp_path: Path) -> None:
    for name in ("0b7d50ac449fd59eb3de00647636d0c9.png", "e76546768d4a8f2f4c39339345c7614c.png"):
        source = data_root / "odd/malformed" / name
        with pytest.raises(ValueError, match="Truncated"):
            Image.open(source).load()
        photo = read_photo(source)
        write_photo(photo, tmp_path / "result.png")
        with Image.open(tmp_path / "result.png") as image:
            assert np.array_equal(np.asarray(image.convert("RGB")), photo.pixels)


def test_chunks_behind_the_pixels_that_mean_nothing_there_are_dropped(tmp_path: Path) -> None:
    picture = Image.fromarray(smooth(30, 40)).convert("P")
    picture.save(tmp_path / "photo.png", transparency=3)
    chunks = png_chunks(tmp_path / "photo.png")
    moved = [each for each in chunks if each[0] != b"tRNS"]
    moved.insert(-1, next(each for each in chunks if each[0] == b"tRNS"))
    packed = [
        struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
        for kind, payload in moved
    ]
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    write_photo(read_photo(tmp_path / "photo.png"), tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(picture.convert("RGB")))
    assert b"tRNS" not in dict(png_chunks(tmp_path / "result.png"))
