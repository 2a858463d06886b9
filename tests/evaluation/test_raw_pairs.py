"""`lgbpn eval` of raw files: the raw network on mosaics against references, in linear light after one development."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from raw_samples import XTRANS, mosaic_of, write_raw

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.evaluation import measurements
from lgbpn_cli.evaluation.pairs import Pair, Picture, pair_pictures, read_pair
from lgbpn_cli.evaluation.report.table import as_text
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


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_brightness_is_matched(folders: tuple[Path, Path], factor: float) -> None:
    samples = mosaic_of(scene() * factor)
    noise = np.random.default_rng(1).normal(scale=400, size=samples.shape)
    write_raw(folders[0] / "a.dng", (samples + noise).clip(0, 16383).astype(np.uint16))
    report = measurements.evaluate(EvaluationConfig(*folders), [InferenceConfig()], command="x", device="cpu")
    noisy, network = (each.scores[0] for each in report.methods)
    assert noisy.brightness == pytest.approx(factor, rel=0.01)
    assert noisy.psnr_db is not None
    assert network.psnr_db is not None
    assert network.psnr_db > noisy.psnr_db + 8  # a fifth more light alone would leave it at 22 dB
    assert max(map(abs, network.shift_8bit or ())) < 0.5
    assert "made as bright as" in as_text(report)


def test_white_stays_white_when_brightness_is_matched(folders: tuple[Path, Path]) -> None:
    light = scene()
    light[:40] = 5.0
    write_raw(folders[1] / "a.dng", mosaic_of(light))
    light[40:] *= 0.8
    write_raw(folders[0] / "a.dng", mosaic_of(light))
    report = measurements.evaluate(EvaluationConfig(*folders), [InferenceConfig()], command="x", device="cpu")
    assert report.methods[0].scores[0].brightness == pytest.approx(0.8, rel=0.01)
    assert (report.methods[0].scores[0].psnr_db or 0) > 45


def test_both_are_developed_under_one_white_balance(folders: tuple[Path, Path]) -> None:
    write_raw(folders[1] / "a.dng", mosaic_of(scene()), neutral=(0.9, 1.0, 0.5))
    (pair,) = pair_pictures(*folders, read=read).pairs  # type: ignore[arg-type]
    pixels = read_pair(pair)
    assert pixels.reference is not None
    for colour in range(3):
        assert pixels.noisy[..., colour].mean() == pytest.approx(
            pixels.reference[..., colour].mean(), rel=0.02
        )


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("exposure", "4 times as bright as .*a.dng, and at most 2 times is matched"),
        ("scene", "a different scene"),
        ("camera", "it is of a Testmaker One, but .*a.dng is of a Testmaker Two"),
        ("kind", "it is a camera raw file, but .*a.tif is not a camera raw file"),
        ("size", "128x128 px, but .*a.dng is 128x96 px"),
    ],
)
def test_what_cannot_be_compared_is_left_out_by_name(
    folders: tuple[Path, Path], what: str, cause: str
) -> None:
    target = folders[1] / "a.dng"
    if what == "exposure":
        write_raw(target, mosaic_of(scene() / 4))
    elif what == "scene":
        write_raw(target, mosaic_of(scene()[::-1, ::-1]))
    elif what == "camera":
        write_raw(target, mosaic_of(scene()), tags=((272, 2, 0, "Testmaker Two", True),))
    elif what == "size":
        write_raw(target, mosaic_of(scene()[:96]))
    else:
        target.unlink()
        tifffile.imwrite(folders[1] / "a.tif", np.zeros((SIDE, SIDE, 3), np.uint16), photometric="rgb")
    report = measurements.evaluate(EvaluationConfig(*folders), [InferenceConfig()], command="x", device="cpu")
    assert len(report.problems) == 1
    assert re.search(cause, str(report.problems[0])), report.problems[0]
    assert report.photos() == 0


def test_raw_files_without_a_bayer_mosaic_are_denoised_as_pictures(tmp_path: Path) -> None:
    for name, scale in (("noisy", 400), ("reference", 0)):
        (tmp_path / name).mkdir()
        samples = mosaic_of(scene(), XTRANS)
        noise = np.random.default_rng(1).normal(scale=scale, size=samples.shape)
        write_raw(
            tmp_path / name / "a.dng", (samples + noise).clip(0, 16383).astype(np.uint16), pattern=XTRANS
        )
    config = EvaluationConfig(tmp_path / "noisy", tmp_path / "reference")
    report = measurements.evaluate(config, [InferenceConfig()], command="x", device="cpu")
    assert report.problems == ()
    of_noisy, of_network = (each.scores[0].psnr_db or 0 for each in report.methods)
    assert of_network > of_noisy + 5
    assert "linear light" in str(report.facts["protocol"])
