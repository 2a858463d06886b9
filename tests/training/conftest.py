"""A tiny training run: a small network, and photos with noise made from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.config import NetworkConfig, TrainingConfig
from lgbpn_cli.device import Device, Hardware, choose_device
from lgbpn_cli.training.data import CropSampler, NoisySource

NETWORK = NetworkConfig(width=8, head_width=4, local_modules=1, global_blocks=1, value_range=1.0)
TRAINING = TrainingConfig(
    steps=6, batch=2, crop_px=40, warmup_steps=2, checkpoint_every=2, learning_rate=5e-3
)
NOISE_8BIT = 25.0


def noisy_photo(height: int, width: int, seed: int) -> np.ndarray:
    """Return smooth waves of colour with noise on them, (h, w, 3) uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 17 + phase) + np.cos(columns / 23 - phase) for phase in random.random(3) * 6]
    clean = 128 + 40 * np.stack(waves, axis=-1)
    return np.clip(np.rint(clean + random.normal(0, NOISE_8BIT, clean.shape)), 0, 255).astype(np.uint8)


@pytest.fixture
def network_config() -> NetworkConfig:
    return NETWORK


@pytest.fixture
def training_config() -> TrainingConfig:
    return TRAINING


@pytest.fixture
def cpu() -> Device:
    return choose_device("cpu", Hardware())


@pytest.fixture(scope="session")
def photos() -> tuple[np.ndarray, ...]:
    return tuple(noisy_photo(90, 110, seed) for seed in range(3))


@pytest.fixture
def sampler(photos: tuple[np.ndarray, ...]) -> CropSampler:
    return CropSampler([NoisySource("waves", photos, 1.0)], batch=2, crop_px=40, seed=0)
