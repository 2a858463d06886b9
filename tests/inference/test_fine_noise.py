"""The student that ships removes noise that is as fine as the pixels, and does not take it for texture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli import denoise_image
from lgbpn_cli.denoise.denoiser import load_model


@pytest.mark.parametrize("level", [5, 20])
def test_white_noise_on_even_grey(level: int) -> None:
    noise = level * np.random.default_rng(0).standard_normal((128, 128, 3))
    result = denoise_image(np.rint(120 + noise).astype(np.uint8), model=load_model())
    assert result.std() < 0.25 * level
    assert abs(result.mean() - 120) < 1


def test_a_photo_that_was_made_smaller(data_root: Path) -> None:
    noisy, reference = (
        np.asarray(Image.open(data_root / "renoir-even" / folder / "12.png").convert("RGB").reduce(2), float)
        for folder in ("noisy", "reference")
    )
    result = denoise_image(noisy.astype(np.uint8), model=load_model()).astype(float)
    before, after = (10 * np.log10(255**2 / ((each - reference) ** 2).mean()) for each in (noisy, result))
    assert after > before + 10
