"""Parts of a photo are denoised as the whole photo is: the same pixels, whatever kind of photo and look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from raw_samples import RGGB, mosaic_of, write_raw

from lgbpn_cli.config import InferenceConfig, Quality, RawConfig, StudentConfig
from lgbpn_cli.config.look import Grain, Look
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.mean_colour import mean_shift
from lgbpn_cli.denoise.working import WorkingPixels
from lgbpn_cli.image.types import Window
from lgbpn_cli.machine.device import Hardware, choose_device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.network.student import Student
from lgbpn_cli.noise.measure import NO_NOISE
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.preview import parts
from lgbpn_cli.preview.parts import WholePhoto, denoised_part

HEIGHT, WIDTH = 300, 410
INNER = slice(90, 154), slice(201, 277)
CORNER = slice(236, 300), slice(346, 410)
LOOKS = {
    "auto": Look(),
    "some": Look(0.4, 0.4),
    "all": Look(1.0, 1.0),
    "luma": Look(1.0, 0.0),
    "chroma": Look(0.0, None),
}
ROUNDING = 1.001 / 255
"""A value that lies between two levels may be rounded either way."""
PLACES = pytest.mark.parametrize("window", [INNER, CORNER], ids=["inner", "corner"])
LOOK = pytest.mark.parametrize("look", LOOKS)


@pytest.fixture(autouse=True)
def not_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small as these photos are, only parts of them go through the network."""
    monkeypatch.setattr(parts, "WHOLE_PIXELS", 1000)


@pytest.fixture
def denoiser(monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    """With small networks that change the picture, and noise that is known."""
    noise = replace(NO_NOISE, level_8bit=((6.0,),) * 3)
    monkeypatch.setattr(Denoiser, "measure", lambda *_: noise)
    torch.manual_seed(0)
    student, raw = Student(StudentConfig(widths=(4, 6))).eval(), RawNetwork(RawConfig(widths=(4, 6))).eval()
    for network in (student, raw):
        torch.nn.init.normal_(network.exit.weight, std=0.03)
    cpu = choose_device("cpu", Hardware())
    settings = InferenceConfig(precision="float32", quality="fast")
    raw_model = Model("raw", "", "sidd", raw, cpu)
    return Denoiser(Model("student", "", "sidd", student, cpu), settings, raw_model=raw_model)


def scene() -> np.ndarray:
    """Waves and noise, (h, w, 3) in 0..1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = np.stack([0.4 + 0.2 * np.sin(rows / 29 + k) * np.cos(columns / 31 - k) for k in range(3)], axis=2)
    return waves + np.random.default_rng(0).normal(0, 0.03, waves.shape)


def encoded(dtype: type[np.generic], channels: int = 3) -> Photo:
    top = np.iinfo(dtype).max  # type: ignore[type-var]
    pixels = np.clip(np.rint(scene()[..., :channels] * top), 0, top).astype(dtype)
    return Photo(Path("a.png"), pixels, alpha=None, format="png", orientation=1)


def light() -> Photo:
    pixels = np.clip(scene(), 0, 1).astype(np.float32) ** 2
    return Photo(Path("a.tif"), pixels, alpha=None, format="tiff", orientation=1, linear=True)


def difference(photo: Photo, denoiser: Denoiser, window: Window, look: Look, quantile: float = 1.0) -> float:
    """The largest between the part and the whole photo's result there, as a share of white."""
    settings = replace(denoiser.settings, look=look)
    expected = replace(denoiser, settings=settings).denoise(photo).photo.pixels
    whole = WholePhoto.seen(photo, denoiser)
    if not photo.linear:  # which is told from a few squares: see the test of a real photo
        exact = mean_shift(WorkingPixels(photo), denoiser.answer(photo, whole.noise))
        whole = replace(whole, shift=exact)
    [part] = denoised_part(whole, denoiser, window, [look])
    assert np.abs(expected[window].astype(float) - photo.pixels[window]).max() > 0 or photo.mosaic
    white = 1.0 if expected.dtype == np.float32 else np.iinfo(expected.dtype).max
    return float(np.quantile(np.abs(part.pixels.astype(float) - expected[window]), quantile) / white)


@PLACES
@LOOK
def test_a_part_of_an_encoded_photo_is_that_of_its_result(
    denoiser: Denoiser, window: Window, look: str
) -> None:
    assert difference(encoded(np.uint8), denoiser, window, LOOKS[look]) <= ROUNDING


def test_a_part_at_best_quality_is_that_of_its_result(denoiser: Denoiser) -> None:
    best = replace(denoiser, settings=replace(denoiser.settings, quality="best"))
    assert difference(encoded(np.uint8), best, INNER, Look()) <= ROUNDING


def test_a_part_of_sixteen_bits_or_of_grey_is_that_of_its_result(denoiser: Denoiser) -> None:
    assert difference(encoded(np.uint16), denoiser, INNER, Look()) <= 0.1 / 255
    assert difference(encoded(np.uint8, channels=1), denoiser, INNER, Look()) <= ROUNDING


@PLACES
@pytest.mark.parametrize("look", ["auto", "all"])
def test_a_part_of_linear_light_is_that_of_its_result(denoiser: Denoiser, window: Window, look: str) -> None:
    assert difference(light(), denoiser, window, LOOKS[look]) <= 2e-3


@PLACES
@pytest.mark.parametrize(("look", "quality"), [("all", "fast"), ("luma", "best")])
def test_a_part_of_a_mosaic_is_that_of_its_result(
    denoiser: Denoiser, window: Window, look: str, quality: Quality, tmp_path: Path
) -> None:
    denoiser = replace(denoiser, settings=replace(denoiser.settings, quality=quality))
    path = write_raw(tmp_path / "a.dng", mosaic_of(np.clip(scene(), 0, 1), RGGB), pattern=RGGB)
    photo = read_photo(path, as_mosaic=True)
    assert photo.mosaic is not None
    # LibRaw's interpolation, which fills in the noisy mosaic's colours, goes by more than what is near in a few pixels.
    assert difference(photo, denoiser, window, LOOKS[look], quantile=0.99) <= 1e-3


def test_the_network_runs_once_for_all_looks(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = WholePhoto.seen(encoded(np.uint8), denoiser)
    runs = []
    answer = Denoiser.answer
    monkeypatch.setattr(Denoiser, "answer", lambda *given: runs.append(1) or answer(*given))  # type: ignore[func-returns-value]
    looks = [*LOOKS.values(), Look(1.0, 1.0, Grain(3.0))]
    found = [part.pixels for part in denoised_part(whole, denoiser, INNER, looks)]
    assert len(runs) == 1
    again = [next(denoised_part(whole, denoiser, INNER, [look])).pixels for look in looks]
    assert all((one == other).all() for one, other in zip(found, again, strict=True))


def test_a_small_photo_goes_through_the_network_whole_and_its_parts_are_exact(
    denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "WHOLE_PIXELS", HEIGHT * WIDTH)
    assert difference(encoded(np.uint8), denoiser, INNER, Look()) == 0
