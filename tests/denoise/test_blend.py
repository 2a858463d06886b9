"""Mixtures of whole numbers take a short way: they are those of the long one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise import blend
from lgbpn_cli.denoise.blend import blend_photos
from lgbpn_cli.denoise.controls import JPEG_LUMA
from lgbpn_cli.photos.photo import Photo

LOOKS = [
    Look(0.3, 0.3),
    Look(0.0, 1.0),
    Look(1.0, 0.0),
    Look(0.7, 0.2),
    Look(0.0, 0.0),
    Look(1.0, 1.0),
    Look(None, 0.5),
]


def photo_of(pixels: np.ndarray) -> Photo:
    return Photo(Path("a.png"), pixels, None, "png", 1)


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize(
    ("dtype", "channels"), [(np.uint8, 3), (np.uint16, 3), (np.uint8, 1), (np.uint16, 1)]
)
def test_the_short_way_leads_where_the_long_one_does(
    look: Look, dtype: Any, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    shape = (300, 401, channels)
    noisy, clean = (random.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype) for _ in range(2))
    noisy[:4], clean[:4] = np.iinfo(dtype).max, 0  # the ends, as far apart as they can be
    monkeypatch.setattr(blend, "BAND_SAMPLES", 5000)
    short = blend_photos(photo_of(noisy), photo_of(clean), look, 0).pixels
    monkeypatch.setattr(blend, "_are_levels", lambda photo: False)
    long = blend_photos(photo_of(noisy), photo_of(clean), look, 0).pixels
    assert short.dtype == long.dtype == dtype
    assert np.abs(short.astype(int) - long).max() <= 1  # the long way rounds twice
    luma, chroma = (1.0 if share is None else share for share in (look.luma, look.chroma))
    change = clean.astype(float) - noisy
    brightness = change @ np.array(JPEG_LUMA) if channels == 3 else change[..., 0]
    exact = np.clip(noisy + chroma * change + (luma - chroma) * brightness[..., None], 0, np.iinfo(dtype).max)
    assert np.abs(short - exact).max() <= 0.5 + 1e-2
    if look == Look(0.0, 0.0):
        assert (short == noisy).all()
    if look == Look(1.0, 1.0):
        assert (short == clean).all()
