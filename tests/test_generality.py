"""A miniature of benchmarks/generality.py: the student knows noise, not one camera's.

Margins are wide: they tell weights that fell back, not ones that are a little worse.
"""

from __future__ import annotations

import generality
import numpy as np
import pytest

import lgbpn_cli

pytestmark = pytest.mark.usefixtures("data_root")


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    """All figures of the miniature, measured once."""
    model = lgbpn_cli.load_model()

    def clean(picture: np.ndarray) -> np.ndarray:
        levels = np.asarray(np.rint(255 * picture), np.uint8)
        return lgbpn_cli.denoise_image(levels, model=model).astype(np.float32) / np.float32(255)

    measured: dict[str, float] = generality.measure(clean, quick=True)
    return measured


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("lenses: gain as taken", 7.0),
        ("lenses: exchanged against as taken", -1.3),
        ("lenses: inverted against as taken", -2.0),
        ("texture without noise: worst", 41.0),
        ("texture, noise 2: worst gain", -1.5),
        ("low ISO, colour, noise 3: worst gain", -1.0),
        ("low ISO, grey, noise 3: worst gain", -1.0),
        ("stars, noise 12: gain", 10.0),
        ("stars, noise 12: share of their light that stays", 0.6),
        ("text, noise 12: gain", 3.0),
    ],
)
def test_what_must_not_fall(figures: dict[str, float], name: str, least: float) -> None:
    assert figures[name] >= least


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("made: worst, left", 0.35),
        ("cube, noise 12: colours with half of it left", 12),
        ("cube, noise 12: worse than noisy", 3),
        ("cube, noise 12: mean off by more than 2 levels", 6),
        ("flats, noise 8: worst photo", 0.25),
        ("patches, noise 8: worst square over median, worst photo", 3.0),
    ],
)
def test_what_must_not_rise(figures: dict[str, float], name: str, most: float) -> None:
    assert figures[name] <= most
