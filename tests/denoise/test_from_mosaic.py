"""Camera raw files through the raw network: sites keep their light, any phase, any result type, mixed by strength."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
import torch
from model_folders import KeepModels
from raw_samples import BGGR, GBRG, GRBG, RGGB, mosaic_of, opcode, opcode_list, write_raw

from lgbpn_cli.config import InferenceConfig, OutputConfig, RawConfig, StudentConfig
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.raw_path import takes_mosaics
from lgbpn_cli.errors import PhotoError, UsageError
from lgbpn_cli.machine.device import Hardware, choose_device
from lgbpn_cli.models.load import Model
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.network.student import Student
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.demosaic import demosaic
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo

PHASES = pytest.mark.parametrize("pattern", [RGGB, GRBG, GBRG, BGGR], ids=["RGGB", "GRBG", "GBRG", "BGGR"])
HEIGHT, WIDTH = 66, 84


@pytest.fixture
def denoiser(monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    """With untrained networks: the raw one repeats each site's value, the student returns its input."""
    monkeypatch.setattr(
        "lgbpn_cli.network.raw._strip_following_green", lambda strip, _: strip[..., 2:-2, 2:-2]
    )
    cpu = choose_device("cpu", Hardware())
    torch.manual_seed(0)
    raw = Model("raw", "", "sidd", RawNetwork(RawConfig(widths=(4, 6))).eval(), cpu)
    student = Model("student", "", "sidd", Student(StudentConfig(widths=(4, 6))).eval(), cpu)
    settings = InferenceConfig(precision="float32", strength=1.0, quality="fast")
    return Denoiser(student, settings, raw_model=raw)


def scene() -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = [0.3 + 0.2 * np.sin(rows / 9 + k) * np.cos(columns / 11 - k) for k in range(3)]
    return np.stack(waves, axis=2)


def raw_photo(folder: Path, pattern: bytes = RGGB) -> Photo:
    return read_photo(
        write_raw(folder / "a.dng", mosaic_of(scene(), pattern), pattern=pattern), as_mosaic=True
    )


def test_what_a_rendered_mosaic_leaves_out_is_told(tmp_path: Path, denoiser: Denoiser) -> None:
    warp = opcode(1, struct.pack(">I6d2d", 1, 1.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5))
    steps = opcode_list(warp)
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), raw_tags=((51022, 7, len(steps), steps, True),))
    output = OutputConfig(format="tiff")
    photo = as_result(read_photo(path, as_mosaic=True), output)
    denoised = replace(denoiser, output=output).denoise(photo)
    assert denoised.photo.format == "tiff"
    assert [note for note in denoised.notes if "lens corrections are not made" in note]


@PHASES
def test_every_site_keeps_its_light(tmp_path: Path, pattern: bytes, denoiser: Denoiser) -> None:
    photo = raw_photo(tmp_path, pattern)
    assert photo.mosaic is not None
    assert photo.camera is not None
    clean = denoiser.denoise(as_result(photo, OutputConfig())).photo
    light = (clean.pixels.astype(float) - photo.camera.black) / (photo.camera.white - photo.camera.black)
    for colour, site in photo.mosaic.mosaic.site_slices():
        np.testing.assert_allclose(light[site][..., colour], photo.mosaic.mosaic.samples[site], atol=2e-5)
    assert clean.format == "dng"
    assert clean.mosaic is None


def test_light_that_the_balance_lifts_above_white_stays_what_it_is(
    tmp_path: Path, denoiser: Denoiser
) -> None:
    lit = np.full((HEIGHT, WIDTH, 3), 0.05)
    lit[30:40, 40:52] = 0.9  # too few sites for the mean of a place to mend them
    photo = read_photo(write_raw(tmp_path / "a.dng", mosaic_of(lit)), as_mosaic=True)
    assert photo.mosaic is not None
    assert photo.camera is not None
    assert max(photo.camera.gains) * 0.9 > 1.1
    clean = denoiser.denoise(as_result(photo, OutputConfig())).photo
    light = (clean.pixels.astype(float) - photo.camera.black) / (photo.camera.white - photo.camera.black)
    for colour, site in photo.mosaic.mosaic.site_slices():
        np.testing.assert_allclose(light[site][..., colour], photo.mosaic.mosaic.samples[site], atol=2e-4)


def test_a_mosaic_is_read_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()))
    assert read_photo(path).mosaic is None
    assert read_photo(path, as_mosaic=True).mosaic is not None


def test_no_strength_gives_the_plain_demosaicing(tmp_path: Path, denoiser: Denoiser) -> None:
    photo = raw_photo(tmp_path)
    assert photo.mosaic is not None
    assert photo.camera is not None
    none, half = (
        replace(denoiser, settings=replace(denoiser.settings, strength=strength))
        .denoise(as_result(photo, OutputConfig()))
        .photo
        for strength in (0.0, 0.5)
    )
    plain = demosaic(photo.mosaic.mosaic, photo.camera.gains)
    whole = denoiser.denoise(as_result(photo, OutputConfig())).photo
    np.testing.assert_array_equal(none.pixels, plain)
    lower, upper = np.minimum(plain, whole.pixels), np.maximum(plain, whole.pixels)
    assert (half.pixels >= lower - 1.0).all()
    assert (half.pixels <= upper + 1.0).all()
    assert np.abs(half.pixels.astype(float) - plain).max() > 40
    assert np.abs(plain.astype(float) - whole.pixels).max() > 100


@pytest.mark.parametrize("wanted", ["tiff", "png", "jpeg"])
def test_other_types_are_rendered_from_the_denoised_light(
    tmp_path: Path, wanted: str, denoiser: Denoiser
) -> None:
    output = OutputConfig(format=wanted)
    photo = as_result(raw_photo(tmp_path), output)
    clean = replace(denoiser, output=output).denoise(photo).photo
    assert clean.format == wanted
    assert clean.camera is None
    target = tmp_path / f"b.{wanted}"
    write_photo(clean, target)
    if wanted == "tiff":
        dng = denoiser.denoise(as_result(raw_photo(tmp_path), OutputConfig())).photo
        expected = as_result(replace(dng, format="raw"), output).pixels
        np.testing.assert_array_equal(tifffile.imread(target), expected)


@PHASES
def test_a_cfa_dng_has_the_result_on_the_sites(tmp_path: Path, pattern: bytes, denoiser: Denoiser) -> None:
    output = OutputConfig(format="cfa-dng")
    photo = as_result(raw_photo(tmp_path, pattern), output)
    assert photo.mosaic is not None
    target = tmp_path / "b.dng"
    write_photo(replace(denoiser, output=output).denoise(photo).photo, target)
    again = read_photo(target, as_mosaic=True)
    assert again.mosaic is not None
    assert again.mosaic.mosaic.pattern.tobytes() == pattern
    # Untrained, the network gives every site back; without noise, one or the other is taken for a hot one when read.
    error = np.abs(again.mosaic.mosaic.samples - photo.mosaic.mosaic.samples)
    assert np.quantile(error, 0.999) < 5e-5
    with rawpy.imread(str(tmp_path / "a.dng")) as before, rawpy.imread(str(target)) as after:
        looks = [
            raw.postprocess(use_camera_wb=True, no_auto_bright=True).astype(float) for raw in (before, after)
        ]
    assert np.quantile(np.abs(looks[0] - looks[1]), 0.99) <= 1


def test_a_cfa_dng_needs_a_mosaic(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()))
    with pytest.raises(PhotoError, match="no Bayer mosaic"):
        as_result(read_photo(path), OutputConfig(format="cfa-dng"))


def test_a_depth_that_cannot_be_had_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="16 bits"):
        as_result(raw_photo(tmp_path), OutputConfig(format="jpeg", bit_depth=16))


def add_mine(folder: Path, *parts: str) -> None:
    """Give the user a model of these parts, which are never opened."""
    files = {part: ModelPart(f"{part}.safetensors", "0") for part in parts}
    for part in parts:
        (folder / f"{part}.safetensors").touch()
    add_entry(ModelEntry("mine", "sidd", files, folder=folder))


def test_which_way_raw_files_go(tmp_path: Path, keep_models: KeepModels) -> None:
    keep_models(tmp_path)
    add_mine(tmp_path, "student", "raw")
    assert takes_mosaics("mine", InferenceConfig())
    assert takes_mosaics(None, InferenceConfig(quality="best", raw_path="mosaic"))
    assert not takes_mosaics("mine", InferenceConfig(raw_path="demosaiced"))
    assert not takes_mosaics("mine", InferenceConfig(quality="teacher"))
    assert not takes_mosaics("mine.safetensors", InferenceConfig())
    with pytest.raises(UsageError, match="quality teacher"):
        takes_mosaics("mine", InferenceConfig(quality="teacher", raw_path="mosaic"))


def test_a_model_without_a_raw_network_takes_demosaiced_pictures(
    tmp_path: Path, keep_models: KeepModels
) -> None:
    keep_models(tmp_path)
    add_mine(tmp_path, "student")
    assert not takes_mosaics("mine", InferenceConfig())
    with pytest.raises(UsageError, match="no network for camera raw"):
        takes_mosaics("mine", InferenceConfig(raw_path="mosaic"))
