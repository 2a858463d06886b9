"""`lgbpn eval --burst`: raw files of one still scene, each against the mean of the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw_samples import mosaic_of, write_raw

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.evaluation import measurements
from lgbpn_cli.evaluation.burst import best_psnr_db, burst_of
from lgbpn_cli.evaluation.pairs import Pairing, pair_pictures
from lgbpn_cli.evaluation.report.table import as_text
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo

SIDE, NOISE = 128, 400
FRAMES = 4


def scene(phase: float = 0.0) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    waves = [0.3 + 0.2 * np.sin(rows / 17 + k + phase) * np.cos(columns / 19 - k) for k in range(3)]
    return np.stack(waves, axis=2)


def write_frame(path: Path, light: np.ndarray, seed: int) -> Path:
    samples = mosaic_of(light)
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=samples.shape)
    return write_raw(path, (samples + noise).clip(0, 16383).astype(np.uint16))


@pytest.fixture
def burst(tmp_path: Path) -> Path:
    folder = tmp_path / "burst"
    folder.mkdir()
    for number in range(FRAMES):
        write_frame(folder / f"{number}.dng", scene(), number)
    return folder


def read(path: Path) -> Photo:
    return read_photo(path, as_mosaic=True)


def found_in(folder: Path) -> Pairing:
    return burst_of(pair_pictures(folder, None, read=read), folder)


def test_the_reference_is_the_mean_of_the_others(burst: Path) -> None:
    first = found_in(burst).pairs[0]
    assert first.reference is not None
    mean = first.reference.read().mosaic
    others = [read(burst / f"{number}.dng").mosaic for number in (1, 2, 3)]
    assert mean is not None
    expected = np.mean([each.mosaic.samples for each in others if each is not None], axis=0)
    assert np.abs(mean.mosaic.samples - expected).max() < 1e-6
    assert first.reference.shown == "the mean of the other 3 frames"


def test_no_result_can_be_better_than_the_mean_of_the_others(burst: Path) -> None:
    report = measurements.evaluate(
        EvaluationConfig(burst, None, burst=True), [InferenceConfig()], command="x", device="cpu"
    )
    assert report.problems == ()
    noisy, network = (float(np.mean([score.psnr_db for score in each.scores])) for each in report.methods)
    # Noise of 400 of 15871 levels under balance factors of 2, 1 and 1.5, and a third of its variance in the reference.
    variance = (NOISE / 15871) ** 2 * np.mean(np.square([2.0, 1.0, 1.5])) * (1 + 1 / (FRAMES - 1))
    assert noisy == pytest.approx(-10 * np.log10(variance), abs=1.5)
    assert best_psnr_db(noisy, FRAMES) == pytest.approx(noisy + 6.02, abs=0.01)
    assert noisy + 4 < network < best_psnr_db(noisy, FRAMES) + 0.3
    assert "a perfect result would have" in as_text(report)
    assert "mean of the other frames" in str(report.facts["protocol"])


def test_frames_of_another_kind_are_left_out_by_name(burst: Path) -> None:
    write_frame(burst / "brighter.dng", scene() * 1.5, 9)
    write_frame(burst / "elsewhere.dng", scene(2.0)[:, ::-1], 9)
    write_frame(burst / "smaller.dng", scene()[:96], 9)
    Image.new("RGB", (SIDE, SIDE)).save(burst / "jpeg.jpg")
    (burst / "broken.dng").write_bytes((burst / "0.dng").read_bytes()[:9000])
    pairing = found_in(burst)
    assert [pair.name for pair in pairing.pairs] == ["0", "1", "2", "3"]
    causes = {Path(problem.subject).name: problem.cause for problem in pairing.problems}
    assert "another exposure" in causes["brighter.dng"]
    assert "a different scene" in causes["elsewhere.dng"]
    assert "128x96 px" in causes["smaller.dng"]
    assert "not a camera raw file" in causes["jpeg.jpg"]
    assert "broken.dng" in causes


def test_a_copy_of_a_frame_is_left_out_by_name(burst: Path) -> None:
    shutil.copy(burst / "1.dng", burst / "copy.dng")
    found = found_in(burst)
    assert len(found.pairs) == FRAMES
    (problem,) = found.problems
    assert "copy.dng" in str(problem)
    assert "the same shot as 1" in str(problem)


def test_two_of_four_that_belong_together_are_a_burst(burst: Path) -> None:
    for number, factor in ((2, 0.4), (3, 1.6)):
        write_frame(burst / f"{number}.dng", scene() * factor, number)
    assert [pair.name for pair in found_in(burst).pairs] == ["0", "1"]


def test_one_frame_is_no_burst(burst: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(burst / "0.dng", alone)
    with pytest.raises(UsageError, match="there is only 1"):
        found_in(alone)
    write_frame(alone / "other.dng", scene() * 0.3, 1)
    with pytest.raises(UsageError, match=r"1 of 2 can take part .*another exposure"):
        found_in(alone)


def test_dark_frames_are_compared_all_the_same(tmp_path: Path) -> None:
    for number in range(3):
        write_frame(tmp_path / f"{number}.dng", scene() * 0, number)
    assert len(found_in(tmp_path).pairs) == 3


def test_a_burst_needs_no_references(burst: Path) -> None:
    with pytest.raises(UsageError, match="it needs no references"):
        EvaluationConfig(burst, burst, burst=True)
