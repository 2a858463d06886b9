"""Damage that decoders pass over: zeros in the middle of a photo, and zeros behind it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from photo_samples import noise
from PIL import Image

from lgbpn_cli.errors import PhotoReadError
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import read_record

GAP_BYTES = 512
PARTS = 8
KINDS: dict[str, dict[str, object]] = {
    "a.jpg": {"quality": 90},
    "progressive.jpg": {"progressive": True, "quality": 90},
    "restarts.jpg": {"restart_marker_rows": 1, "quality": 90},
    "grey.jpg": {"quality": 90},
    "lossy.webp": {"quality": 90},
    "lossless.webp": {"lossless": True},
    "a.avif": {"quality": 90},
    "lossless.jp2": {},
    "lossy.jp2": {"irreversible": True, "quality_mode": "rates", "quality_layers": [40, 8]},
}


def picture(name: str) -> Image.Image:
    pixels = noise((240, 320, 3))
    return Image.fromarray(pixels[..., 0] if name.startswith("grey") else pixels)


def with_gap(data: bytes, part: int) -> bytes:
    begin = len(data) * (2 + part) // (PARTS + 3)
    return data[:begin] + bytes(GAP_BYTES) + data[begin + GAP_BYTES :]


def read(path: Path) -> Photo | None:
    try:
        return read_photo(path)
    except PhotoReadError:
        return None


@pytest.mark.parametrize("name", KINDS)
def test_a_gap_of_zeros_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    picture(name).save(path, **KINDS[name])
    whole, good = path.read_bytes(), read_photo(path)
    assert good.damage == ()
    for part in range(PARTS):
        path.write_bytes(with_gap(whole, part))
        photo = read(path)
        # The last scans of a progressive JPEG are plain bits of which any are right: one step of a coefficient.
        refined = name == "progressive.jpg" and part == PARTS - 1
        assert photo is None or len(photo.damage) == 1 or refined, part
        if refined and photo is not None:
            assert np.abs(photo.pixels.astype(int) - good.pixels).mean() < 1


@pytest.mark.parametrize("name", ["example.heic", "ten_bits.heic"], ids=["items with names", "without"])
def test_a_gap_in_a_heic_is_told(data_root: Path, repo_root: Path, tmp_path: Path, name: str) -> None:
    source = (data_root / "odd/heic_photo" if name == "example.heic" else repo_root / "tests/golden") / name
    whole = source.read_bytes()
    assert read_photo(source).damage == ()
    path = tmp_path / "a.heic"
    for part in range(0, PARTS, 3):
        path.write_bytes(with_gap(whole, part))
        photo = read(path)
        assert photo is None or len(photo.damage) == 1, part


def test_blank_paper_in_a_jpeg_2000_is_no_gap(tmp_path: Path) -> None:
    """Nothing is stored of its squares, for which some encoders write a zero each, and this one an 0x80."""
    page, path = np.full((1280, 1280), 255, np.uint8), tmp_path / "a.jp2"
    page[1240:, 1240:] = noise((40, 40))
    Image.fromarray(page).save(path, precinct_size=(32, 32), codeblock_size=(16, 16))
    data = path.read_bytes()
    assert b"\x80" * GAP_BYTES in data
    path.write_bytes(data.replace(b"\x80" * GAP_BYTES, bytes(GAP_BYTES)))
    photo = read_photo(path)
    assert photo.damage == ()
    assert np.array_equal(photo.pixels[..., 0], page)


def test_whole_photos_are_not_called_damaged(data_root: Path) -> None:
    paths = [*(data_root / "phone-highiso").iterdir(), *(data_root / "odd/modes").iterdir()]
    photos = [
        read(path) for path in sorted(paths) if path.suffix.lower() in (".jpg", ".webp", ".heic", ".avif")
    ]
    assert len(photos) > 5
    assert [photo.path for photo in photos if photo is not None and photo.damage] == []


def test_a_restart_marker_out_of_order_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    picture("a").save(path, restart_marker_rows=1)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\xff\xd2", b"\xff\xd5", 1))
    assert len(read_photo(path).damage) == 1


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.avif", "a.heic"])
def test_zeros_behind_a_photo_are_not_read(tmp_path: Path, repo_root: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.heic":
        shutil.copyfile(repo_root / "tests/golden/ten_bits.heic", path)
    else:
        picture(name).save(path)
    whole = read_photo(path)
    with path.open("r+b") as file:
        file.truncate(300_000_000)
    start = time.process_time()
    assert read_record(path) is None
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, whole.pixels)
    assert getattr(photo.container, "trailer", b"") == b""
    assert time.process_time() - start < 1


def test_zeros_behind_half_a_header_are_not_searched(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture("a").save(path)
    path.write_bytes(path.read_bytes()[:100])
    with path.open("r+b") as file:
        file.truncate(300_000_000)
    start = time.process_time()
    assert read_record(path) is None
    assert read(path) is None
    assert time.process_time() - start < 1
