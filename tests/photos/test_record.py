"""The tool's own mark: found again in every format, replaced by a newer one, never invented."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from photo_samples import EXIF_ORIENTATION_6, PhotoMaker

from lgbpn_cli.photos.metadata.exif import SOFTWARE, split_exif
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

RECORD = Record(version="0.1.0", model="small-ä", settings='{"seed": 0, "text": "naïve \\"quotes\\""}')


@pytest.fixture(params=["jpeg", "png", "tiff"])
def photo(
    request: pytest.FixtureRequest, make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> Photo:
    return read_photo({"jpeg": make_jpeg, "png": make_png, "tiff": make_tiff}[request.param]())


def test_a_record_is_read_back_and_an_unmarked_file_has_none(photo: Photo, tmp_path: Path) -> None:
    write_photo(photo, tmp_path / "marked", record=RECORD)
    write_photo(photo, tmp_path / "plain")
    assert read_record(tmp_path / "marked") == RECORD
    assert read_record(tmp_path / "plain") is None
    assert read_record(photo.path) is None


def test_a_newer_record_replaces_the_older_one(photo: Photo, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    newer = Record("0.2.0", "m", "{}")
    write_photo(photo, first, record=RECORD)
    write_photo(read_photo(first), second, record=newer)
    assert read_record(second) == newer
    assert b"0.1.0" in first.read_bytes()
    if photo.format != "tiff":  # whose old text stays behind, unreachable, in the copied file
        marks = [b'lgbpn {"', b'lgbpn\0{"']
        assert sum(second.read_bytes().count(mark) for mark in marks) == 1


def test_a_record_stays_when_a_result_is_written_again_without_one(photo: Photo, tmp_path: Path) -> None:
    write_photo(photo, tmp_path / "first", record=RECORD)
    write_photo(read_photo(tmp_path / "first"), tmp_path / "second")
    assert read_record(tmp_path / "second") == RECORD


def test_a_record_changes_nothing_else(photo: Photo, tmp_path: Path) -> None:
    write_photo(photo, tmp_path / "marked", record=RECORD)
    write_photo(photo, tmp_path / "plain")
    marked, plain = read_photo(tmp_path / "marked"), read_photo(tmp_path / "plain")
    assert np.array_equal(marked.pixels, plain.pixels)
    assert marked.orientation == plain.orientation == 6


def test_the_photos_own_software_tag_stays(
    make_tiff: PhotoMaker, make_jpeg: PhotoMaker, tmp_path: Path
) -> None:
    for source, expected in ((make_tiff(), b"a program"), (make_jpeg(), b"lgbpn 0.1.0")):
        write_photo(read_photo(source), tmp_path / "result", record=RECORD)
        exif = read_photo(tmp_path / "result").metadata.exif
        assert exif is not None
        assert [tag.data for tag in split_exif(exif)[1] if tag.tag == SOFTWARE] == [expected + b"\0"]


def test_segments_that_would_grow_too_large_stay_as_they_were(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(exif=b"Exif\0\0" + EXIF_ORIENTATION_6 + bytes(65470))
    write_photo(read_photo(source), tmp_path / "result", record=RECORD)
    again = read_photo(tmp_path / "result")
    assert again.metadata.exif == read_photo(source).metadata.exif
    assert read_record(tmp_path / "result") == RECORD


def test_garbage_has_no_record_and_raises_nothing(photo: Photo, tmp_path: Path) -> None:
    write_photo(photo, tmp_path / "marked", record=RECORD)
    data = (tmp_path / "marked").read_bytes()
    garbage = tmp_path / "garbage"
    generator = np.random.default_rng(0)
    for length in range(0, min(len(data), 4000), 13):
        garbage.write_bytes(data[:length])
        read_record(garbage)
        garbage.write_bytes(data[:length] + generator.bytes(200))
        read_record(garbage)
    assert read_record(Path("a name with a \0 in it")) is None


# Not TIFF: its directory may lie anywhere.
@pytest.mark.parametrize("photo", ["jpeg", "png"], indirect=True)
def test_only_the_beginning_of_a_file_is_read(photo: Photo, tmp_path: Path) -> None:
    write_photo(photo, tmp_path / "marked", record=RECORD)
    data = (tmp_path / "marked").read_bytes()
    (tmp_path / "cut").write_bytes(data[: data.rindex(b'"version":"0.1.0"}') + 300])
    assert read_record(tmp_path / "cut") == RECORD


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version": "1"}', '{"version":1,"model":"m","settings":"s"}', "[" * 100_000],
)
def test_texts_that_are_no_record_give_none(text: str) -> None:
    assert Record.from_text(text) is None


def test_the_text_is_ascii_json_that_others_can_read() -> None:
    assert json.loads(RECORD.to_text()) == {
        "version": RECORD.version, "model": RECORD.model, "settings": RECORD.settings,
    }  # fmt: skip
    assert RECORD.to_text().isascii()
    assert Record.from_text(RECORD.to_text()) == RECORD
