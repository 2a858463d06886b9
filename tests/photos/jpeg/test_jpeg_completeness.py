"""JPEGs that were truncated and closed: found, whatever their coding; whole ones never taken for such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photo_samples import PhotoMaker, smooth
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from lgbpn_cli.errors import PhotoReadError
from lgbpn_cli.photos.read import read_photo

CODINGS: list[dict[str, object]] = [
    {"subsampling": "4:2:0"},
    {"subsampling": "4:4:4", "optimize": True},
    {"restart_marker_blocks": 2},
    {"progressive": True},
]


@pytest.mark.parametrize("share", [0.03, 0.5, 0.9])
@pytest.mark.parametrize("options", CODINGS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_truncated_and_closed_picture_is_an_error(
    make_jpeg: PhotoMaker, mode: str, options: dict[str, object], share: float
) -> None:
    path = make_jpeg(mode=mode, size=(90, 130), **options)
    data = path.read_bytes()
    begin = data.index(b"\xff\xda") + 14
    cut = data[: begin + int((len(data) - begin) * share)].rstrip(b"\xff")
    path.write_bytes(cut + b"\xff\xd9")
    with pytest.raises(PhotoReadError, match=r"truncated and closed|ends early, although"):
        read_photo(path)


@pytest.mark.parametrize("missing", [1, 2, 3, 6, 100])
@pytest.mark.parametrize("restarts", [0, 1])
def test_the_last_bytes_of_a_progressive_picture_are_missed(
    make_jpeg: PhotoMaker, missing: int, restarts: int
) -> None:
    path = make_jpeg(mode="RGB", size=(400, 304), progressive=True, restart_marker_rows=restarts)
    path.write_bytes(path.read_bytes()[: -2 - missing].rstrip(b"\xff") + b"\xff\xd9")
    with pytest.raises(PhotoReadError, match="ends early, although"):
        read_photo(path)


def test_a_progressive_picture_that_ends_before_a_restart_marker_is_an_error(make_jpeg: PhotoMaker) -> None:
    path = make_jpeg(mode="RGB", size=(400, 304), progressive=True, restart_marker_rows=1)
    data = path.read_bytes()
    path.write_bytes(
        data[: max(data.rindex(bytes([0xFF, 0xD0 + number])) for number in range(8))] + data[-2:]
    )
    with pytest.raises(PhotoReadError, match="ends early, although"):
        read_photo(path)


def test_a_progressive_picture_is_decoded_twice_at_most(
    make_jpeg: PhotoMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    load = JpegImageFile.load

    def counted(image: JpegImageFile) -> object:
        decoded.append(image)
        return load(image)

    monkeypatch.setattr(JpegImageFile, "load", counted)
    read_photo(make_jpeg(mode="RGB", size=(90, 130), progressive=True))
    assert len(set(map(id, decoded))) <= 2


@pytest.mark.parametrize("options", CODINGS)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_that_ends_in_grey_is_no_error(
    tmp_path: Path, options: dict[str, object], level: int
) -> None:
    pixels = smooth(90, 130)
    pixels[60:] = level
    for mode in ("L", "RGB"):
        Image.fromarray(pixels).convert(mode).save(tmp_path / "a.jpg", quality=90, **options)
        assert read_photo(tmp_path / "a.jpg").pixels.shape[:2] == (90, 130)


def test_flat_pictures_are_whole(tmp_path: Path) -> None:
    for progressive in (False, True):
        Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(tmp_path / "a.jpg", progressive=progressive)
        assert (read_photo(tmp_path / "a.jpg").pixels == 128).all()


def test_no_real_photo_is_taken_for_a_truncated_one(data_root: Path) -> None:
    files = [
        *(data_root / "phone-highiso").glob("*.jpg"),
        *(data_root / "odd/exif_orientation").glob("*.jpg"),
    ]
    assert len(files) > 15
    for path in files:
        read_photo(path)
