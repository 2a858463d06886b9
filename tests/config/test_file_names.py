"""The patterns of --only and --exclude, and folders that no photo is kept in."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from lgbpn_cli.config.file_names import EXCLUDED, NOT_ONLY, NamePatterns, is_system_folder

PHOTO = PurePosixPath("Trip/day 1/IMG_0012_small.JPG")


@pytest.mark.parametrize(
    "pattern",
    [
        "*.jpg",
        "IMG_0012_small",
        "*_small*",
        "img_*",
        "trip/*",
        "Trip",
        "day ?",
        "Trip/day 1",
        "*/day 1/*",
        "[ij]mg*",
    ],
)
def test_a_pattern_fits_the_name_or_the_path_whatever_the_case(pattern: str) -> None:
    assert NamePatterns(only=(pattern,)).reason_against(PHOTO) is None
    assert NamePatterns(exclude=(pattern,)).reason_against(PHOTO) == EXCLUDED


@pytest.mark.parametrize("pattern", ["*.png", "small", "day", "1", "*/day 2/*", ""])
def test_other_patterns_do_not(pattern: str) -> None:
    assert NamePatterns(only=(pattern,)).reason_against(PHOTO) == NOT_ONLY
    assert NamePatterns(exclude=(pattern,)).reason_against(PHOTO) is None


def test_exclude_comes_before_only() -> None:
    assert NamePatterns(only=("*.jpg",), exclude=("*small*",)).reason_against(PHOTO) == EXCLUDED


def test_an_excluded_folder_is_not_entered() -> None:
    assert NamePatterns(exclude=("day*",)).excludes_folder(PHOTO.parent)
    assert NamePatterns(exclude=("trip/day 1",)).excludes_folder(PHOTO.parent)
    assert not NamePatterns(exclude=("*.jpg",), only=("x",)).excludes_folder(PHOTO.parent)


@pytest.mark.parametrize(
    ("name", "passed_over"),
    [
        ("@eaDir", True),
        ("#recycle", True),
        ("lost+found", True),
        ("Cat Previews.lrdata", True),
        ("RECYCLER", True),
        ("@GMT-2026.01.02-03.04.05", True),
        ("iPhoto.photolibrary", True),
        ("recycle", False),
        ("snapshots", False),
    ],
)
def test_folders_of_systems_and_programs(name: str, passed_over: bool) -> None:
    assert is_system_folder(name) is passed_over
