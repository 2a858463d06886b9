"""Which photo a result was made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lgbpn_cli.photos.source_id import is_made_of, source_id_of

TIME = "2026:01:02 03:04:05.67"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "cam1" / "DSC_1.jpg"
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * 2000)
    return path


def not_asked() -> str:
    raise AssertionError("the header is read although something quicker tells")


def test_a_photo_is_known_without_its_header(photo: Path) -> None:
    recorded = source_id_of(photo, TIME)
    assert is_made_of(recorded, photo, not_asked)
    os.utime(photo, (1, 1))  # as a copy without its times has it
    assert is_made_of(recorded, photo, not_asked)


def test_another_name_is_another_photo(photo: Path) -> None:
    recorded = source_id_of(photo, TIME)
    assert not is_made_of(recorded, photo.rename(photo.with_suffix(".heic")), not_asked)


def test_a_name_in_other_letters_is_the_same(photo: Path) -> None:
    recorded = source_id_of(photo, TIME)
    assert is_made_of(recorded, photo.rename(photo.with_name("dsc_1.JPG")), not_asked)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (TIME, TIME, True),
        (TIME, "2026:01:02 03:04:06.00", False),
        (TIME, "", False),
        ("", TIME, False),
        ("", "", False),
    ],
)
def test_of_a_photo_with_other_contents_the_time_tells(
    photo: Path, before: str, after: str, expected: bool
) -> None:
    recorded = source_id_of(photo, before)
    photo.write_bytes(photo.read_bytes()[:-1] + b"x")
    os.utime(photo, (1, 1))
    assert is_made_of(recorded, photo, lambda: after) is expected


@pytest.mark.parametrize("recorded", ["", "a:b", "a:b:c:d:e:f"])
def test_what_an_unknown_version_wrote_is_nobodys(photo: Path, recorded: str) -> None:
    assert is_made_of(recorded, photo, not_asked)
