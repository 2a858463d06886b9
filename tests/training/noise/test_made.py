"""Made noise has the colour, grain, growth and strength that were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.noise.made import GREY, MadeNoise, Spectrum, draw_noise, lay_made_noise, made_noise

WHITE = Spectrum(0, 0, white=0, sharpened=0)
SIDE = 192


def kind(**changes: object) -> MadeNoise:
    plain = {
        "colours": np.eye(3),
        "strengths": np.ones(3) / np.sqrt(3),
        "spectra": (WHITE,) * 3,
        "level": 10 / 255,
        "growth": 0.0,
        "own_brightness": False,
        "freedom": None,
    }
    return MadeNoise(**{**plain, **changes})  # type: ignore[arg-type]


def on_grey(noise: MadeNoise, value: float = 0.5) -> np.ndarray:
    scene = np.full((SIDE, SIDE, 3), value, np.float32)
    return 255 * made_noise(scene, noise, np.random.default_rng(1))


@pytest.mark.parametrize("blur_px", [0.0, 0.6, 1.2, 3.0])
def test_noise_is_as_strong_as_drawn_however_coarse(blur_px: float) -> None:
    spectra = (Spectrum(blur_px, blur_px, 0, 0),) * 3
    assert on_grey(kind(spectra=spectra)).std() == pytest.approx(10, rel=0.06)


def test_blurred_noise_has_the_correlation_of_its_blur() -> None:
    noise = on_grey(kind(spectra=(Spectrum(1.2, 1.2, 0, 0),) * 3))[..., 0]
    across = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert across == pytest.approx(np.exp(-1 / (4 * 1.2**2)), abs=0.03)


def test_noise_of_one_component_has_its_colour_alone() -> None:
    grey = np.linalg.qr(np.stack([GREY, [1, 0, 0], [0, 1, 0]], axis=1))[0]
    noise = on_grey(kind(colours=grey, strengths=np.array([1.0, 0, 0])))
    np.testing.assert_allclose(noise[..., 0], noise[..., 2], atol=1e-3)
    assert noise.std() == pytest.approx(10, rel=0.05)


def test_noise_grows_with_brightness_as_drawn() -> None:
    growing = kind(growth=0.5)
    assert on_grey(growing, 0.9).std() > 1.2 * on_grey(growing, 0.5).std() > 1.5 * on_grey(growing, 0.1).std()


def test_heavy_tails_keep_the_strength_and_reach_further() -> None:
    plain, tailed = on_grey(kind()), on_grey(kind(freedom=4.5))
    assert tailed.std() == pytest.approx(10, rel=0.1)
    assert np.abs(tailed).max() > 1.3 * np.abs(plain).max()


def test_drawn_kinds_reach_from_one_channel_to_all_alike_and_from_white_to_coarse() -> None:
    random = np.random.default_rng(0)
    kinds = [draw_noise(random) for _ in range(400)]
    for each in kinds:
        assert np.linalg.norm(each.strengths) == pytest.approx(1)
        np.testing.assert_allclose(each.colours.T @ each.colours, np.eye(3), atol=1e-9)
    single = [each for each in kinds if (each.strengths > 0).sum() == 1]
    assert any(np.abs(each.colours[:, each.strengths > 0]).max() == 1 for each in single)
    assert any(np.allclose(np.abs(each.colours[:, 0]), GREY) and each.strengths[0] == 1 for each in single)
    blurs = [each.spectra[0].rows_px for each in kinds]
    assert min(blurs) == 0
    assert max(blurs) > 2
    levels = [255 * each.level for each in kinds]
    assert min(levels) < 1
    assert max(levels) > 30


def test_the_same_seed_lays_the_same_noise() -> None:
    scene = np.full((32, 32, 3), 0.4, np.float32)
    first, again, other = (lay_made_noise(scene, np.random.default_rng(seed))[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_some_noise_has_rows_and_some_has_hot_pixels() -> None:
    scene = np.full((64, 64, 3), 0.4, np.float32)
    rows = hot = 0
    for seed in range(200):
        noise = lay_made_noise(scene, np.random.default_rng(seed))[0] - scene
        for axis in (0, 1):
            means = noise.mean(axis=axis)
            rows += bool((means.std(axis=0) > 3 * noise.std(axis=(0, 1)) / 8).any())
        hot += bool(noise.max() > 12 * np.median(np.abs(noise)) + 0.08)
    assert 4 <= rows <= 60
    assert 2 <= hot <= 40
