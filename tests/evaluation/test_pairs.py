"""Which files belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.errors import PhotoError, UsageError
from lgbpn_cli.evaluation.pairs import PairPixels, pair_pictures, read_pair, read_result


def save(path: Path, size: tuple[int, int] = (6, 5), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 100).save(path)
    return path


def names(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / file)
    return folder


def test_files_of_one_stem_are_a_pair_whatever_their_type(tmp_path: Path) -> None:
    pairing = pair_pictures(names(tmp_path / "n", "b.png", "a.png"), names(tmp_path / "r", "a.tif", "b.png"))
    assert [(pair.noisy.file.name, pair.reference.file.name) for pair in pairing.pairs] == [
        ("a.png", "a.tif"),
        ("b.png", "b.png"),
    ]
    assert pairing.problems == ()


def test_files_without_a_partner_are_named(tmp_path: Path) -> None:
    noisy, reference = names(tmp_path / "n", "a.png", "x.png"), names(tmp_path / "r", "a.png", "y.png")
    problems = pair_pictures(noisy, reference).problems
    assert [problem.subject for problem in problems] == [str(noisy / "x.png"), str(reference / "y.png")]


def test_two_files_are_a_pair_whatever_their_names(tmp_path: Path) -> None:
    (pair,) = pair_pictures(save(tmp_path / "x.png"), save(tmp_path / "y.png")).pairs
    assert pair.name == "x"


def test_a_pattern_pairs_names_that_differ(tmp_path: Path) -> None:
    folder = names(tmp_path, "1_NOISY_7.png", "1_GT_7.png", "2_NOISY_7.png", "2_GT_7.png", "other.png")
    pairing = pair_pictures(folder, folder, pattern="{}_NOISY_{}={}_GT_{}")
    assert [(pair.noisy.file.name, pair.reference.file.name) for pair in pairing.pairs] == [
        ("1_NOISY_7.png", "1_GT_7.png"),
        ("2_NOISY_7.png", "2_GT_7.png"),
    ]
    assert pairing.problems == ()


def test_in_two_folders_names_that_do_not_fit_the_pattern_are_named(tmp_path: Path) -> None:
    noisy, reference = names(tmp_path / "n", "1_in.png", "odd.png"), names(tmp_path / "r", "1_gt.png")
    (problem,) = pair_pictures(noisy, reference, pattern="{}_in={}_gt").problems
    assert "odd.png" in problem.subject


def test_of_two_files_of_one_stem_the_second_is_named(tmp_path: Path) -> None:
    (problem,) = pair_pictures(
        names(tmp_path / "n", "a.jpg", "a.png"), names(tmp_path / "r", "a.png")
    ).problems
    assert "a.png" in problem.subject


def test_only_and_exclude_choose_among_the_names_on_both_sides(tmp_path: Path) -> None:
    noisy = names(tmp_path / "n", "33_1.png", "33_2.png", "34_1.png", "x.png")
    reference = names(tmp_path / "r", "33_1.png", "33_2.png", "34_1.png", "y.png")
    pairing = pair_pictures(noisy, reference, only=("33_*", "x"), exclude=("*_2",))
    assert [pair.name for pair in pairing.pairs] == ["33_1"]
    assert [problem.subject for problem in pairing.problems] == [str(noisy / "x.png")]


def test_a_choice_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    noisy = names(tmp_path / "n", "a.png")
    for chosen, option in (({"only": ("b*",)}, "`only`"), ({"exclude": ("a",)}, "`exclude`")):
        with pytest.raises(UsageError, match=option):
            pair_pictures(noisy, None, **chosen)


def test_two_files_are_chosen_by_the_name_of_the_noisy_one(tmp_path: Path) -> None:
    files = (save(tmp_path / "x.png"), save(tmp_path / "y.png"))
    assert [pair.name for pair in pair_pictures(*files, only=("x",)).pairs] == ["x"]


def test_results_are_found_with_and_without_suffix(tmp_path: Path) -> None:
    noisy = names(tmp_path / "n", "a.png", "b.png", "c.png")
    results = names(tmp_path / "d", "a.png", "b_denoised.png")
    pairs = pair_pictures(noisy, names(tmp_path / "r", "a.png", "b.png", "c.png"), (results,)).pairs
    found = [pair.denoised[0] and pair.denoised[0].file.name for pair in pairs]
    assert found == ["a.png", "b_denoised.png", None]


def test_results_are_found_by_the_noisy_photos_stem_under_a_pattern(tmp_path: Path) -> None:
    folder = names(tmp_path / "p", "a_in.png", "a_gt.png")
    results = names(tmp_path / "d", "a_in.png")
    (pair,) = pair_pictures(folder, folder, (results,), "{}_in={}_gt").pairs
    assert pair.denoised[0] is not None


def test_folders_without_a_common_name_are_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`pair_pattern`"):
        pair_pictures(names(tmp_path / "n", "a.png"), names(tmp_path / "r", "b.png"))


def test_a_file_and_a_folder_are_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two files or two folders"):
        pair_pictures(save(tmp_path / "a.png"), names(tmp_path / "r", "a.png"))


def test_a_folder_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        pair_pictures(tmp_path / "nothing", tmp_path)


def test_without_references_every_photo_stands_alone(tmp_path: Path) -> None:
    pairing = pair_pictures(names(tmp_path, "a.png", "b.png"), None)
    assert [pair.reference for pair in pairing.pairs] == [None, None]


def test_a_pair_of_two_sizes_is_refused(tmp_path: Path) -> None:
    (pair,) = pair_pictures(save(tmp_path / "a.png"), save(tmp_path / "b.png", (7, 5))).pairs
    with pytest.raises(PhotoError, match=r"6x5 px, but .*b\.png is 7x5 px"):
        read_pair(pair)


def test_a_pair_of_two_depths_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((5, 6), np.uint16)).save(tmp_path / "b.png")
    (pair,) = pair_pictures(save(tmp_path / "a.png", mode="L"), tmp_path / "b.png").pairs
    with pytest.raises(PhotoError, match=r"8 bits, but .*b\.png has 16"):
        read_pair(pair)


def test_a_result_of_another_size_is_refused(tmp_path: Path) -> None:
    (pair,) = pair_pictures(save(tmp_path / "a.png", (9, 9)), None).pairs
    with pytest.raises(PhotoError, match="9x9 px, but its noisy photo is 6x5 px"):
        read_result(pair.noisy, PairPixels(np.zeros((5, 6, 3), np.float32), None, 1), "b.png")
