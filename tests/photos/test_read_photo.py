"""Reading: every file gives a Photo or a PhotoError of one line, quickly, and nothing else."""

from __future__ import annotations

import os
import shutil
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from photo_samples import PhotoMaker

from lgbpn_cli.errors import PhotoError, PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES

FOLDERS = ["malformed", "invalid_jpg", "modes", "cmyk", "tiff16_png16", "heic_photo"]


def outcome(path: Path) -> Photo | PhotoError:
    try:
        return read_photo(path)
    except PhotoError as error:
        return error


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_odd_file_is_a_photo_or_a_photo_error(
    data_root: Path, folder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    files = sorted(path for path in (data_root / "odd" / folder).iterdir() if path.is_file())
    assert files
    for path in files:
        assert read_record(path) is None
        found = outcome(path)
        if isinstance(found, PhotoError):
            assert str(found).startswith(f"{path}: ")
            assert "\n" not in str(found)
            assert found.cause
            assert found.cure.endswith(".")
    assert capfd.readouterr() == ("", "")


def test_raw_files_by_another_name_are_refused(data_root: Path, tmp_path: Path) -> None:
    for name in ("colorchart.dng", "CRW.CRW", "Canon-R6-pruned.CR3"):
        path = tmp_path / "photo.tif"
        shutil.copyfile(data_root / "raw" / name, path)
        with pytest.raises(UnsupportedPhotoError, match=r"camera raw file.*Rename it to"):
            read_photo(path)


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"GIF89a\x01\0\x01\0", "GIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"8BPS\0\1\0\0", "Photoshop"),
        (b"\xff\xd8\xff\xf7\x00\x0b\x08", "JPEG-LS"),
    ],
)
def test_other_kinds_are_named_with_what_to_do(tmp_path: Path, head: bytes, named: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(head + bytes(100))
    with pytest.raises(UnsupportedPhotoError, match=named) as caught:
        read_photo(path)
    assert caught.value.cure.lower().endswith("skip it.")


def test_the_content_decides_and_not_the_name(make_png: PhotoMaker, make_jpeg: PhotoMaker) -> None:
    assert read_photo(make_png("wrong.jpg")).format == "png"
    assert read_photo(make_jpeg("wrong.tif")).format == "jpeg"


def test_text_empty_missing_and_folder_are_read_errors(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("Dear diary,\n")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    causes = {
        "text.png": "not a photo",
        "empty.png": "the file is empty",
        "missing.png": "No such file",
        "folder.png": "Is a directory",
        "pipe.png": "not a regular file",
    }
    for name, cause in causes.items():
        with pytest.raises(PhotoReadError, match=cause):
            read_photo(tmp_path / name)
        assert read_record(tmp_path / name) is None


def test_missing_permission_is_a_read_error(make_png: PhotoMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_png()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)  # tests may run as root, whom no permission stops
    with pytest.raises(PhotoReadError, match=r"Permission denied.*Check its name and permissions"):
        read_photo(path)


def test_odd_characters_in_a_name_leave_the_message_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "line\nbreak \udcff.png"
    path.write_bytes(b"")
    with pytest.raises(PhotoReadError) as caught:
        read_photo(path)
    assert "\n" not in str(caught.value)
    str(caught.value).encode("utf-8")


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, payload: bytes) -> bytes:
        return (
            struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x22\0\2\x11\0\3\x11\0"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xda\0\2\xff\xd9"


def tiff_of(entries: list[tuple[int, int, int, int]], behind: bytes = bytes(64)) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4) + behind


def tiff_entries(**changed: tuple[int, int, int]) -> list[tuple[int, int, int, int]]:
    entries = {
        "width": (256, 4, 1, 100), "height": (257, 4, 1, 100), "bits": (258, 3, 1, 8),
        "compression": (259, 3, 1, 8), "photometric": (262, 3, 1, 1), "offsets": (273, 4, 1, 8),
        "samples": (277, 3, 1, 1), "rows": (278, 4, 1, 100), "lengths": (279, 4, 1, 64),
    }  # fmt: skip
    return [(entry[0], *changed[name]) if name in changed else entry for name, entry in entries.items()]


BOMBS = {
    "png-claims-too-much": png_of(60000, 60000, zlib.compress(bytes(1000))),
    "png-holds-too-little": png_of(19000, 19000, zlib.compress(bytes(1000))),
    "jpeg": jpeg_of(65500, 65500),
    "tiff-size": tiff_of(tiff_entries(width=(4, 1, 0xFFFFFFFF), height=(4, 1, 0xFFFFFFFF))),
    "tiff-holds-too-little": tiff_of(
        tiff_entries(width=(4, 1, 19000), height=(4, 1, 19000), rows=(4, 1, 19000))
    ),
    "tiff-strips": tiff_of(tiff_entries(height=(4, 1, 4_000_000), rows=(4, 1, 1))),
    "tiff-list": tiff_of(tiff_entries(offsets=(4, 0xFFFFFFFF, 8))),
    "tiff-tags": b"II*\0\x08\0\0\0\xff\xff" + bytes(64),
    "tiff-tile": tiff_of([*tiff_entries(), (322, 4, 1, 1 << 31), (323, 4, 1, 1 << 31), (324, 4, 1, 8)]),
    "tiff-rows": tiff_of(tiff_entries(rows=(4, 1, 0))),
    "tiff-samples": tiff_of(tiff_entries(samples=(3, 1, 60000))),
    "bigtiff": b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(64),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_fast_and_without_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[name])
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(PhotoError):
        read_photo(path)
    seconds = time.perf_counter() - begin
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak_bytes < 5e6


def test_endless_lists_are_refused_without_memory(tmp_path: Path) -> None:
    path = tmp_path / "list.tif"
    path.write_bytes(tiff_of(tiff_entries(offsets=(4, 8_000_000, 200))))
    os.truncate(path, 40_000_000)  # zeros that take no space on the disk
    tracemalloc.start()
    with pytest.raises(PhotoReadError, match="claims 8000000 values"):
        read_photo(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 5e6


def test_the_largest_size_is_the_callers_to_choose(
    make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> None:
    for path in (make_jpeg(), make_png(), make_tiff()):
        pixels = read_photo(path).pixels
        count = pixels.shape[0] * pixels.shape[1]
        read_photo(path, max_pixels=count)
        with pytest.raises(PhotoReadError, match="above the limit"):
            read_photo(path, max_pixels=count - 1)


def test_reading_leaves_pillows_own_limits_alone(make_jpeg: PhotoMaker) -> None:
    from PIL import Image, ImageFile

    before = (Image.MAX_IMAGE_PIXELS, ImageFile.MAXBLOCK, ImageFile.LOAD_TRUNCATED_IMAGES)
    read_photo(make_jpeg())
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.MAXBLOCK, ImageFile.LOAD_TRUNCATED_IMAGES)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_pixels_are_writable_and_contiguous_whatever_the_format(
    make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> None:
    for path in (make_jpeg(), make_png(), make_tiff()):
        photo = read_photo(path)
        assert photo.pixels.flags.writeable
        assert photo.pixels.flags.c_contiguous
        assert photo.pixels.dtype.isnative
        assert photo.bit_depth == 8


def test_suffixes_are_lower_case_with_a_dot() -> None:
    assert {
        ".jpg",
        ".png",
        ".tiff",
        ".btf",
        ".heic",
        ".webp",
        ".avif",
        ".nef",
        ".cr3",
        ".dng",
    } < PHOTO_SUFFIXES
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in PHOTO_SUFFIXES)
