"""What JPEGs lose of noise in flat patches is known from how they are coded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.training.noise.camera import through_jpeg
from lgbpn_cli.training.noise.jpeg_tables import JpegTables, jpeg_tables, usual_tables
from lgbpn_cli.training.noise.measured import PATCH_PX, measure_camera

LEVEL = 5.0


@pytest.fixture(scope="module")
def noisy() -> np.ndarray:
    """White noise on grey, the same in all channels: that of brightness alone."""
    noise = np.random.default_rng(0).normal(0, LEVEL, (320, 320, 1))
    return np.rint(np.repeat(120 + noise, 3, axis=2)).astype(np.uint8)


def tables_at(quality: int, folder: Path, picture: np.ndarray, subsampling: int = 2) -> JpegTables:
    Image.fromarray(picture).save(folder / "a.jpg", quality=quality, subsampling=subsampling)
    tables = jpeg_tables(folder / "a.jpg")
    assert tables is not None
    return tables


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_picture_is_coded_as_the_file_is(subsampling: int, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
    tables = tables_at(80, tmp_path, picture, subsampling)
    assert tables.subsampling == subsampling
    np.testing.assert_array_equal(tables.passed(picture), through_jpeg(picture, 80, subsampling))


def test_only_jpegs_have_tables(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    assert [jpeg_tables(tmp_path / name) for name in ("a.png", "b.jpg", "nothing.jpg")] == [None] * 3
    Image.new("L", (16, 16)).save(tmp_path / "grey.jpg")
    grey = jpeg_tables(tmp_path / "grey.jpg")
    assert grey is not None
    assert (grey.colours, grey.subsampling) == (grey.grey, 0)


def test_the_photo_in_the_middle_tells_how_all_are_coded(tmp_path: Path, noisy: np.ndarray) -> None:
    fine, coarse = (tables_at(quality, tmp_path, noisy) for quality in (95, 60))
    assert usual_tables([coarse, fine, None]) == fine
    assert usual_tables([coarse, fine, coarse]) == coarse
    assert usual_tables([None, None, coarse]) is None
    assert usual_tables([]) is None


def test_noise_that_a_coarse_jpeg_took_from_flat_patches_is_given_back(
    noisy: np.ndarray, tmp_path: Path
) -> None:
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(PATCH_PX)] * 2, indexing="ij"))
    fine = (frequency > 0.25) & (frequency < 0.5)

    def fine_variance(quality: int, *, known: bool) -> float:
        """Density of the measured noise's brightness, as a share of the true one."""
        tables = tables_at(quality, tmp_path, noisy)
        found = measure_camera([tables.passed(noisy)], None, tables if known else None)
        density = np.fft.fft2(found.covariance, axes=(0, 1)).real[fine].mean(axis=(0, 1, 2))
        return float(density * np.mean(found.level_8bit) ** 2 / LEVEL**2)

    assert fine_variance(60, known=False) < 0.3
    assert 0.45 < fine_variance(60, known=True) < 1.2
    assert fine_variance(97, known=True) == pytest.approx(fine_variance(97, known=False), rel=0.02)
    assert fine_variance(97, known=True) == pytest.approx(1, rel=0.15)


def test_noise_of_jpegs_is_laid_on_as_they_have_it(noisy: np.ndarray, tmp_path: Path) -> None:
    tables = tables_at(60, tmp_path, noisy)
    found = measure_camera([tables.passed(noisy)], None, tables)
    random = np.random.default_rng(0)
    flat = np.full((128, 128, 3), 120, np.float32)
    textured = flat + 40 * random.choice([-1, 1], (128, 128, 1))
    plain, on_texture = (
        (found.laid_on(scene, random) - scene).std() for scene in (flat, textured.astype(np.float32))
    )
    assert on_texture > 1.3 * plain
