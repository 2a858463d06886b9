"""Arrays kept in a file: made once, and anew where the file is of something else or damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.training.engine.kept_arrays import Arrays, digest, kept_arrays

ARRAYS = (np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones(3, np.float16))


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> tuple[np.ndarray, ...]:
        self.calls += 1
        return ARRAYS


def same(found: Arrays) -> bool:
    assert len(found) == len(ARRAYS)
    return all(
        np.array_equal(found[i], ARRAYS[i]) and found[i].dtype == ARRAYS[i].dtype for i in range(len(found))
    )


def test_what_is_kept_is_not_made_again(tmp_path: Path) -> None:
    make, kept = Maker(), tmp_path / "kept.npz"
    assert same(kept_arrays(kept, "a", make))
    assert same(kept_arrays(kept, "a", make))
    assert make.calls == 1
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_file_that_was_cut_off_is_made_anew(tmp_path: Path, left: int) -> None:
    make, kept = Maker(), tmp_path / "kept.npz"
    kept_arrays(kept, "a", make)
    kept.write_bytes(kept.read_bytes()[:left])
    assert same(kept_arrays(kept, "a", make))
    assert make.calls == 2


def test_what_is_made_of_something_else_is_made_anew(tmp_path: Path) -> None:
    make, kept = Maker(), tmp_path / "kept.npz"
    kept_arrays(kept, "a", make)
    kept_arrays(kept, "b", make)
    assert make.calls == 2


def test_pictures_differ_by_pixels_and_by_shape() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert digest(picture) == digest(picture.copy())
    others = (picture + 1, picture.reshape(1, 4, 3), picture[::-1], picture.transpose(1, 0, 2))
    assert len({digest(each) for each in (picture, *others)}) == 5
