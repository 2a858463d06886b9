"""`lgbpn eval --submission`, with a network that gives the negative of a picture."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from small_photos import Lgbpn

BLOCKS = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 3), np.uint8)
BOXES = [np.array([[1, 1, 4, 6], [3, 2, 10, 5]]), np.array([[2, 2, 9, 9], [1, 5, 12, 8]])]


@pytest.fixture
def sidd(tmp_path: Path) -> Path:
    """A small file of benchmark blocks."""
    savemat(tmp_path / "BenchmarkNoisyBlocksSrgb.mat", {"BenchmarkNoisyBlocksSrgb": BLOCKS})
    return tmp_path / "BenchmarkNoisyBlocksSrgb.mat"


@pytest.fixture
def dnd(tmp_path: Path) -> Path:
    """The download of a benchmark of two pictures with two boxes each."""
    folder = tmp_path / "dnd"
    (folder / "images_srgb").mkdir(parents=True)
    generator = np.random.default_rng(1)
    for number in (1, 2):
        with h5py.File(folder / "images_srgb" / f"{number:04d}.mat", "w") as file:
            file["InoisySRGB"] = generator.random((12, 10, 3)).transpose()
    with h5py.File(folder / "info.mat", "w") as file:
        references = file.create_dataset("info/boundingboxes", (1, 2), h5py.ref_dtype)
        for index, boxes in enumerate(BOXES):
            file[f"boxes{index}"] = boxes.transpose().astype(float)
            references[0, index] = file[f"boxes{index}"].ref
    return folder


def test_sidds_file_holds_every_block_as_8_bit(lgbpn: Lgbpn, sidd: Path, tmp_path: Path) -> None:
    result = lgbpn("eval", sidd, "--submission", "sidd", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    found = loadmat(tmp_path / "out" / "SubmitSrgb.mat")
    cell = found["DenoisedBlocksSrgb"]
    assert (cell.shape, cell[1, 2].dtype) == ((2, 3), np.uint8)
    assert np.array_equal(cell[1, 2], 255 - BLOCKS[1, 2])
    assert found["TimeMPSrgb"] > 0
    assert found["OptionalData"]["Model"][0, 0][0] == "fake"


def test_dnds_files_hold_every_box_in_single_precision(lgbpn: Lgbpn, dnd: Path, tmp_path: Path) -> None:
    result = lgbpn("eval", dnd, "--submission", "dnd", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    found = loadmat(tmp_path / "out" / "0002.mat")
    with h5py.File(dnd / "images_srgb" / "0002.mat") as file:
        image = np.asarray(file["InoisySRGB"]).transpose()
    box = found["Idenoised"][0, 1]
    assert (found["Idenoised"].shape, box.dtype) == ((1, 2), np.float32)
    assert box == pytest.approx(1 - image[0:12, 4:8], abs=1e-6)
    assert (found["eval_version"][0], bool(found["israw"][0, 0])) == ("1.0", False)


def test_a_submission_is_never_replaced(lgbpn: Lgbpn, sidd: Path, tmp_path: Path) -> None:
    (tmp_path / "SubmitSrgb.mat").write_bytes(b"mine")
    result = lgbpn("eval", sidd, "--submission", "sidd", "-o", tmp_path)
    assert result.exit_code == 2
    assert "there already" in result.stderr
    assert (tmp_path / "SubmitSrgb.mat").read_bytes() == b"mine"


@pytest.mark.parametrize("options", [["--no-reference"], ["-m", "fake", "-m", "other"], ["--csv", "a.csv"]])
def test_a_submission_measures_nothing(options: list[str], lgbpn: Lgbpn, sidd: Path) -> None:
    assert lgbpn("eval", sidd, "--submission", "sidd", *options).exit_code == 2


def test_an_unknown_benchmark_is_explained(lgbpn: Lgbpn, sidd: Path) -> None:
    assert "sidd, dnd" in lgbpn("eval", sidd, "--submission", "nind").stderr


@pytest.mark.parametrize("benchmark", ["sidd", "dnd"])
def test_a_download_that_is_not_there_is_explained(benchmark: str, lgbpn: Lgbpn, tmp_path: Path) -> None:
    result = lgbpn("eval", tmp_path / "nothing", "--submission", benchmark, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()
