"""A tiny training run: a small network, and photos with noise made from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_training import NETWORK, TRAINING, noisy_photo, save_noisy_photo

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.device import Device, Hardware, choose_device
from lgbpn_cli.training.data import CropSampler, NoisySource
from lgbpn_cli.training_config import TrainingConfig


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three noisy photos."""
    for seed in range(3):
        save_noisy_photo(tmp_path / "photos" / f"{seed}.png", seed)
    return tmp_path / "photos"
