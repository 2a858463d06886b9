"""SIDD's block files, in both of MATLAB's layouts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from lgbpn_cli.errors import PhotoReadError, UsageError
from lgbpn_cli.evaluation.pairs import pair_pictures, read_pair
from lgbpn_cli.research.matlab_blocks import read_blocks

BLOCKS = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 10, 3), np.uint8)
NAME = "ValidationNoisyBlocksSrgb"
Save = Callable[[Path, np.ndarray], Path]


def save_version_5(path: Path, blocks: np.ndarray) -> Path:
    savemat(path, {NAME: blocks})
    return path


def save_version_7_3(path: Path, blocks: np.ndarray) -> Path:
    """Write HDF5 behind MATLAB's 512 bytes, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file[NAME] = blocks.transpose()
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(512))
    return path


LAYOUTS = pytest.mark.parametrize("save", [save_version_5, save_version_7_3])


@LAYOUTS
def test_every_block_is_read_under_its_name(save: Save, tmp_path: Path) -> None:
    blocks = read_blocks(save(tmp_path / "a.mat", BLOCKS))
    assert list(blocks) == ["01_01", "01_02", "01_03", "02_01", "02_02", "02_03"]
    assert np.array_equal(blocks["02_01"](), BLOCKS[1, 0])


def test_the_two_layouts_pair_with_each_other(tmp_path: Path) -> None:
    noisy, reference = (
        save_version_5(tmp_path / "n.mat", BLOCKS),
        save_version_7_3(tmp_path / "r.mat", 255 - BLOCKS),
    )
    pair = pair_pictures(noisy, reference).pairs[4]
    found = read_pair(pair)
    assert pair.name == "02_02"
    assert found.noisy + found.reference == pytest.approx(np.ones_like(found.noisy))


@LAYOUTS
def test_a_file_without_blocks_is_refused(save: Save, tmp_path: Path) -> None:
    with pytest.raises(PhotoReadError, match="no single array"):
        read_blocks(save(tmp_path / "a.mat", np.zeros((4, 4), np.uint8)))


@LAYOUTS
def test_a_damaged_file_is_refused(save: Save, tmp_path: Path) -> None:
    whole = save(tmp_path / "a.mat", BLOCKS).read_bytes()
    (tmp_path / "a.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PhotoReadError, match=r"not a readable \.mat file"):
        read_blocks(tmp_path / "a.mat")


@pytest.mark.parametrize(("save", "library"), [(save_version_5, "scipy.io"), (save_version_7_3, "h5py")])
def test_a_missing_library_is_named_with_its_cure(
    save: Save, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.mat", BLOCKS)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match="pip install scipy h5py"):
        read_blocks(path)
