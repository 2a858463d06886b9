"""A tiny training run: a small network, and photos with noise made from a seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference.networks import TINY, random_network
from tiny_training import FINETUNE_STEPS, NETWORK, TRAINING, noisy_photo, save_noisy_photo

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.load import Model
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import FinetuneConfig, TrainingConfig
from lgbpn_cli.training.finetune.folder import Call, Listener, finetune_folder
from lgbpn_cli.training.finetune.run import Report
from lgbpn_cli.training.pictures.data import CropSampler, NoisySource


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


@pytest.fixture
def tiny_base(tmp_path: Path) -> Path:
    """A weight file of a tiny network that has learned nothing: every step makes it better."""
    torch.manual_seed(1)
    path = tmp_path / "tiny.safetensors"
    write_weights(path, LGBPN(NETWORK).state_dict(), NETWORK, "sidd")
    return path


@pytest.fixture
def teacher(cpu: Device) -> Model:
    return Model(
        "tiny", "5" * 64, "dnd", random_network(replace(TINY, value_range=1.0), dtype=torch.float32), cpu
    )


class ReadHere:
    """Stands in for the process that reads photos, which takes longer to start than all of a tiny run.

    tests/training/finetune/test_finetune_photos.py looks through photos with the real one.
    """

    max_bytes = staticmethod(lambda: 1 << 30)

    def __enter__(self) -> ReadHere:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, _: Path, function: Any, *arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)


@pytest.fixture
def run(folder: Path, tiny_base: Path, tmp_path: Path, cpu: Device, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fine-tune the tiny base; options change the configuration or the call."""
    monkeypatch.setattr("lgbpn_cli.training.finetune.photos.ReadingProcess", ReadHere)

    def finetune(
        *, listener: Listener | None = None, photos: Path = folder, **options: Any
    ) -> dict[str, Report]:
        call = {key: options.pop(key) for key in ("resume", "overwrite", "started") if key in options}
        given = {
            "name": "mine",
            "base": str(tiny_base),
            "steps": FINETUNE_STEPS,
            "batch": 2,
            "learning_rate": 3e-3,
        }
        return finetune_folder(
            photos,
            FinetuneConfig(**{**given, **options}),
            Call(
                run_folder=tmp_path / "run",
                models_folder=tmp_path / "models",
                device=cpu,
                command="lgbpn finetune",
                listener=listener or Listener(),
                **call,
            ),
        )

    return finetune
