"""What fewer bits cost on a real photo with the weights that ship."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.config import InferenceConfig, Precision
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.inference.run import run_network
from lgbpn_cli.machine.device import Hardware, choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.photos.read import read_photo

CROP = np.s_[96:288, 96:288]
ALLOWED_DB = 0.02


@cache
def decibels(root: Path, part: str, precision: Precision) -> float:
    """PSNR of the least noisy of the photos, where rounding shows most."""
    noisy, reference = (
        np.ascontiguousarray(to_working(read_photo(root / "renoir-even" / folder / "12.png"))[CROP])
        for folder in ("noisy", "reference")
    )
    model = load_model("lgbpn-base", part=part, device=choose_device("cpu", Hardware()))
    clean = run_network(noisy, model, InferenceConfig(strength=1.0, precision=precision))
    assert clean is not None
    return float(-10 * np.log10(np.square(clean - reference).mean()))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("part", ["student", "teacher"])
def test_fewer_bits_cost_next_to_nothing(data_root: Path, part: str, precision: Precision) -> None:
    assert decibels(data_root, part, precision) > decibels(data_root, part, "float32") - ALLOWED_DB
