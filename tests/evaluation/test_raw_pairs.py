"""`lgbpn eval` of raw files: the raw network on mosaics against references, in linear light after one development."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from raw_samples import mosaic_of, write_raw

from lgbpn_cli import measurements
from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.evaluation.pairs import Pair, Picture, pair_pictures, read_pair
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.photos.read import read_photo

SIDE = 128


def scene() -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    waves = [0.2 + 0.12 * np.sin(rows / 17 + k) * np.cos(columns / 19 - k) for k in range(3)]
    return np.stack(waves, axis=2)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    noisy, reference = tmp_path / "noisy", tmp_path / "reference"
    noisy.mkdir()
    reference.mkdir()
    samples = mosaic_of(scene())
    write_raw(reference / "a.dng", samples)
    noise = np.random.default_rng(0).normal(scale=400, size=samples.shape)
    write_raw(noisy / "a.dng", (samples + noise).clip(0, 16383).astype(np.uint16))
    return noisy, reference


def read(path: Path) -> object:
    return read_photo(path, as_mosaic=True)


def test_both_are_developed_alike_and_the_mosaic_is_kept(folders: tuple[Path, Path]) -> None:
    (pair,) = pair_pictures(*folders, read=read).pairs  # type: ignore[arg-type]  # as narrow as it is used
    pixels = read_pair(pair)
    assert pixels.raw is not None
    assert pixels.raw.mosaic is not None
    assert pixels.reference is not None
    same = read_pair(Pair("a", pair.reference, Picture("b", None, lambda: read_photo(folders[1] / "a.dng"))))  # type: ignore[arg-type]
    assert np.abs(same.noisy - same.reference).max() < 1e-3


def test_the_raw_network_is_measured_on_the_mosaic(folders: tuple[Path, Path]) -> None:
    config = EvaluationConfig(*folders)
    report = measurements.evaluate(config, [InferenceConfig()], command="x", device="cpu")
    assert report.problems == ()
    noisy, network = report.methods
    of_noisy, of_network = (each.scores[0].psnr_db for each in (noisy, network))
    assert of_noisy is not None
    assert of_network is not None
    # Noise of 400 of 15871 levels under balance factors of 2, 1 and 1.5, in linear light.
    expected = -10 * np.log10((400 / 15871) ** 2 * np.mean(np.square([2.0, 1.0, 1.5])))
    assert of_noisy == pytest.approx(expected, abs=1.5)
    assert of_network > of_noisy + 8
    values = str(report.facts["protocol"]["values"])  # type: ignore[index]  # a dictionary
    assert "linear light" in values
