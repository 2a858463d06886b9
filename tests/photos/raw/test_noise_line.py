"""The line of a mosaic's noise, told from patches few of which are flat."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.photos.raw.noise_line import fitted_line, noise_line

FREEDOM = 57.0
SHOT, READ = 1e-3, 1e-5


def patches(count: int, flat: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of patches, of which a share is flat and the rest has texture of all strengths."""
    random = np.random.default_rng(seed)
    means = random.uniform(0, 0.6, count)
    texture = np.where(random.random(count) < flat, 0, random.lognormal(0.5, 1.2, count))
    return means, (SHOT * means + READ) * (1 + texture) * random.chisquare(FREEDOM, count) / FREEDOM


@pytest.mark.parametrize(("count", "flat"), [(20_000, 0.1), (20_000, 1.0), (2_000, 0.3), (200, 1.0)])
def test_texture_is_not_taken_for_noise(count: int, flat: float) -> None:
    shot, read = noise_line(*patches(count, flat), FREEDOM)
    for light in (0.05, 0.2, 0.5):
        assert shot * light + read == pytest.approx(SHOT * light + READ, rel=0.12)


def test_patches_without_any_noise_do_not_drag_the_line_down() -> None:
    means, variances = patches(20_000, 0.5)
    variances[::400] = 0
    shot, read = noise_line(means, variances, FREEDOM)
    assert shot * 0.2 + read == pytest.approx(SHOT * 0.2 + READ, rel=0.12)


def test_one_brightness_or_none_at_all_has_a_line() -> None:
    means, variances = patches(500, 1.0)
    shot, read = noise_line(np.full(500, 0.3), variances / (SHOT * means + READ) * 1e-4, FREEDOM)
    assert shot * 0.3 + read == pytest.approx(1e-4, rel=0.05)
    assert noise_line(np.zeros(60), np.zeros(60), FREEDOM) == pytest.approx((0, 0), abs=1e-12)


def test_a_fitted_line_is_never_below_zero() -> None:
    x = np.array([0.1, 0.3, 0.5])
    assert fitted_line(x, 2 * x + 1, np.ones(3)) == pytest.approx((2, 1))
    assert fitted_line(x, 1 - x, np.ones(3)) == pytest.approx((0, 0.7))
    shot, read = fitted_line(x, 2 * x - 0.1, np.ones(3))
    assert (shot > 0, read) == (True, 0)
