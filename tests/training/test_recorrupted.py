"""A noisy photo with its own noise once more: what is to be predicted is right in the mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lgbpn_cli.training import recorrupted
from lgbpn_cli.training.recorrupted import recorrupt
from lgbpn_cli.training.transplant import learn_noise

SIDE = 256
PLACE = (slice(0, 128), slice(0, 128))


def noise_of(kind: str) -> np.ndarray:
    """Return noise of about 12 levels, correlated as a camera's, (side, side, 3)."""
    random = np.random.default_rng(3)
    if kind == "gaussian":
        return 30 * gaussian_filter(random.standard_normal((SIDE, SIDE, 3)), (0.7, 0.7, 0))
    return 8 * (random.gamma(2, size=(SIDE, SIDE, 3)) - 2.25)  # skewed, and with a mean of -2


def pairs_of(noise: np.ndarray, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise of what is to be cleaned and of what is to be predicted, (count, 128, 128, 3) in levels."""
    clean = np.full((SIDE, SIDE, 3), 110, np.uint8)
    noisy = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
    learned, random = learn_noise(noisy, clean), np.random.default_rng(0)
    flat, taken = (each[PLACE].astype(np.float32) / 255 for each in (clean, noisy))
    drawn = [recorrupt(learned, taken, flat, random) for _ in range(count)]
    inputs, targets = (255 * np.stack(each) - 110 for each in zip(*drawn, strict=True))
    return inputs, targets


@pytest.mark.parametrize(("kind", "shares"), [("gaussian", (0.5, 1.0)), ("skewed", (1.0, 1.0))])
def test_the_two_noises_have_nothing_in_common(
    kind: str, shares: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorrupted, "SHARES_ADDED", shares)
    inputs, targets = pairs_of(noise_of(kind))
    assert targets.mean() == pytest.approx(0, abs=0.4)
    if kind == "skewed":  # its mean of -2 doubles with its variance
        assert inputs.mean() == pytest.approx(-4, abs=0.4)
    # What is brighter than its surroundings by chance is not to be predicted brighter: neither linearly nor otherwise.
    fine_input, fine_target = (each - gaussian_filter(each, (0, 6, 6, 0)) for each in (inputs, targets))
    for power in (1, 2):
        explained = fine_input**power - (fine_input**power).mean()
        slope = (explained * fine_target).mean() / (explained**2).mean()
        in_levels = slope * explained.std()
        assert abs(in_levels) < 0.05 * fine_target.std(), (power, in_levels)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_noise_is_added_to_the_one_and_taken_off_the_other(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorrupted, "SHARES_ADDED", (share, share))
    noise = noise_of("gaussian")
    inputs, targets = pairs_of(noise, 20)
    assert inputs.std() == pytest.approx(noise.std() * (1 + share**2) ** 0.5, rel=0.06)
    assert targets.std() == pytest.approx(noise.std() * (1 + share**-2) ** 0.5, rel=0.06)
    np.testing.assert_array_equal(np.rint(inputs), inputs.round(3))  # a file has whole levels


def test_texture_that_the_cleaned_picture_lost_is_in_both() -> None:
    random = np.random.default_rng(1)
    texture = np.tile([[12.0, -12.0], [-12.0, 12.0]], (64, 64))[..., None]
    clean = np.full((128, 128, 3), 110, np.uint8)
    noisy = np.rint(clean + random.normal(0, 5, clean.shape)).astype(np.uint8)
    learned = learn_noise(noisy, clean)
    photo, flat = ((each / 255).astype(np.float32) for each in (noisy + texture, clean))
    drawn = [recorrupt(learned, photo, flat, random) for _ in range(20)]
    for pictures in zip(*drawn, strict=True):
        share = (255 * np.mean(pictures, axis=0) * texture).mean() / (texture**2).mean()
        assert share == pytest.approx(1, abs=0.05)
