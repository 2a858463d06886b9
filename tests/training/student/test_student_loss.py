"""What a student's training makes small: errors in proportion, and nothing coarse where targets have noise left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.student.distil import StudentTrainer, blurred
from lgbpn_cli.training.student.pairs import CleanedPhotos, Pairs, PairSampler

SHAPE = StudentConfig(widths=(4, 4, 4))
CONFIG = DistillationConfig(steps=4, batch=2, crop_px=32, warmup_steps=1, checkpoint_every=2)


def waves(period_px: float) -> np.ndarray:
    """Return waves of 20 levels along the rows, (64, 64, 3)."""
    row = 20 * np.sin(2 * np.pi * np.arange(64) / period_px)
    return np.broadcast_to(row[None, :, None], (64, 64, 3))


@pytest.mark.parametrize(("period_px", "counts"), [(2.5, True), (20, False)])
def test_real_noise_teaches_nothing_coarse_where_transplanted_noise_does(
    cpu: Device, period_px: float, counts: bool
) -> None:
    target = np.full((64, 64, 3), 100, np.uint8)
    noisy = np.rint(target + waves(period_px)).astype(np.uint8)
    photos = CleanedPhotos("waves", (noisy,), (target,), 1.0, 1.0)
    config = replace(CONFIG, renoised_share=0.0, crop_px=64, batch=1)

    def loss(share: float) -> float:
        sampler = PairSampler([photos], config)  # of real pairs alone
        trainer = StudentTrainer(SHAPE, replace(config, transplanted_share=share), sampler, cpu)
        return 255 * trainer.loss().item()  # an untrained student returns the noisy picture

    assert loss(0.0) == pytest.approx(20 / 2**0.5, rel=0.05)
    assert (loss(0.5) > 0.9 * loss(0.0)) == counts
    assert (loss(0.5) < 0.3 * loss(0.0)) != counts


def test_a_tenth_less_error_is_worth_the_same_in_every_crop(cpu: Device) -> None:
    class Known:
        """Pairs whose errors in levels are known, for a student that returns the noisy picture."""

        def __init__(self, *errors: float) -> None:
            self.errors = errors

        def pairs(self, _: int) -> Pairs:
            noisy = torch.tensor(self.errors)[:, None, None, None].expand(-1, 3, 16, 16) / 255
            return Pairs(noisy, torch.zeros_like(noisy), torch.zeros(len(self.errors), dtype=torch.bool))

    def loss(*errors: float) -> float:
        return 255 * StudentTrainer(SHAPE, CONFIG, Known(*errors), cpu).loss().item()  # type: ignore[arg-type]

    assert loss(10.0) == pytest.approx(10, rel=0.01)
    assert loss(10.0, 40.0) == pytest.approx(20, rel=0.01)
    assert loss(9.0, 40.0) == pytest.approx(loss(10.0, 36.0), rel=1e-3)
    assert loss(0.0) == pytest.approx(1.0, rel=0.01)  # no perfect crop outweighs all others


def test_blurring_is_a_gaussians() -> None:
    picture = np.random.default_rng(0).random((2, 3, 40, 50)).astype(np.float32)
    expected = gaussian_filter(picture, (0, 0, 2, 2), mode="nearest", truncate=3)
    np.testing.assert_allclose(blurred(torch.from_numpy(picture), 2), expected, atol=1e-5)
