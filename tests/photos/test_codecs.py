"""The table of codecs: each kind of photo file is one line of it, and one folder."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
import pytest

from lgbpn_cli.config import OUTPUT_FORMATS, OutputConfig
from lgbpn_cli.errors import PhotoReadError
from lgbpn_cli.photos.codec import Codec, NewFiles, Size, bytes_of
from lgbpn_cli.photos.codecs import CODECS, SIGNATURE_BYTES, codec_of
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.faults import DamagedFileError
from lgbpn_cli.photos.header import opened_header
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES, result_suffix, type_of_suffix
from lgbpn_cli.photos.write import write_photo

WRITTEN = [name for name, codec in CODECS.items() if codec.new is not None]


def test_the_option_offers_what_can_be_written() -> None:
    assert ("preserve", *WRITTEN) == OUTPUT_FORMATS


def test_what_is_read_only_becomes_what_can_be_written() -> None:
    read_only = [codec for codec in CODECS.values() if codec.new is None]
    assert read_only
    assert {codec.becomes for codec in read_only} <= set(WRITTEN)
    assert all(codec.becomes == "" for codec in CODECS.values() if codec.new is not None)


def test_no_file_begins_like_two_kinds() -> None:
    begins = [(each.place, begin) for each in CODECS.values() for begin in each.signatures]
    assert len(begins) > 10
    for (place, one), (other_place, other) in combinations(begins, 2):
        assert place != other_place or not (one.startswith(other) or other.startswith(one))
    assert all(place + len(begin) <= SIGNATURE_BYTES for place, begin in begins)


def test_every_ending_belongs_to_one_kind_or_to_raw_files() -> None:
    for one, other in combinations((each for each in CODECS.values() if "dng" not in each.name), 2):
        assert not set(one.endings) & set(other.endings)
    assert {ending for codec in CODECS.values() for ending in codec.endings} == PHOTO_SUFFIXES


class QoiContainer(Container):
    """Marks a photo that is to become a QOI."""


def read_qoi(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    pixels = imagecodecs.qoi_decode(file.read())
    return Photo(path, pixels, None, "qoi", orientation=1, container=QoiContainer())


def write_qoi(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    file.write(imagecodecs.qoi_encode(photo.pixels))


def size_of_qoi(file: BinaryIO, path: Path) -> Size:
    head = file.read(12)
    if len(head) < 12:
        raise DamagedFileError("it ends inside its header")
    pixels = int.from_bytes(head[4:8], "big") * int.from_bytes(head[8:12], "big")
    return Size(pixels, 4 * pixels + bytes_of(file))


QOI = Codec(
    name="qoi",
    endings=(".qoi",),
    signatures=(b"qoif",),
    size=size_of_qoi,
    read=read_qoi,
    new=NewFiles(
        write=write_qoi,
        container=lambda photo, output: (QoiContainer(), ()),
        encoder_bytes=lambda samples, sample_bytes: samples,
        transparency=False,
    ),
)


@pytest.fixture
def qoi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A photo of a kind that one line adds to the table."""
    monkeypatch.setitem(CODECS, "qoi", QOI)
    path = tmp_path / "a.qoi"
    path.write_bytes(imagecodecs.qoi_encode(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)))
    return path


def test_a_kind_that_one_line_adds_is_read_converted_and_written(qoi: Path, tmp_path: Path) -> None:
    photo = read_photo(qoi)
    write_photo(as_result(photo, OutputConfig()), tmp_path / "b.qoi")
    assert np.array_equal(read_photo(tmp_path / "b.qoi").pixels, photo.pixels)
    write_photo(as_result(photo, OutputConfig(format="png")), tmp_path / "b.png")
    assert np.array_equal(read_photo(tmp_path / "b.png").pixels, photo.pixels)
    assert (result_suffix(".qoi", "preserve"), type_of_suffix(".QOI")) == (".qoi", "qoi")


def test_a_kind_that_one_line_adds_has_its_size_checked(qoi: Path) -> None:
    with pytest.raises(PhotoReadError, match="memory"):
        read_photo(qoi, max_bytes=1000)


def test_a_header_is_read_from_a_file_that_is_opened_once(qoi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def size(file: BinaryIO, path: Path) -> Size:
        seen.append(file.read(4))
        return Size(2000, 0)

    monkeypatch.setitem(CODECS, "qoi", Codec(**{**vars(QOI), "size": size}))
    with opened_header(qoi) as header:
        assert (header.size, header.size.pixels, header.mark) == (Size(2000, 0), 2000, None)
    assert seen == [b"qoif"]
    assert codec_of("a.NEF", b"").name == "raw"
    assert io.BytesIO(b"qoif").read(4) == seen[0]
