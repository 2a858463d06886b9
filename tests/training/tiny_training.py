"""A tiny network, settings for it, and photos with noise made from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.training.config import TrainingConfig

NETWORK = NetworkConfig(width=8, head_width=4, local_modules=1, global_blocks=1, value_range=1.0)
TRAINING = TrainingConfig(
    steps=6, batch=2, crop_px=40, warmup_steps=2, checkpoint_every=2, learning_rate=5e-3
)
NOISE_8BIT = 25.0
FINETUNE_STEPS = 10


def noisy_photo(height: int, width: int, seed: int) -> np.ndarray:
    """Return smooth waves of colour with noise on them, (h, w, 3) uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 17 + phase) + np.cos(columns / 23 - phase) for phase in random.random(3) * 6]
    clean = 128 + 40 * np.stack(waves, axis=-1)
    return np.clip(np.rint(clean + random.normal(0, NOISE_8BIT, clean.shape)), 0, 255).astype(np.uint8)


def save_noisy_photo(
    path: Path, seed: int, *, camera: str = "", iso: int = 0, size: tuple[int, int] = (170, 200)
) -> Path:
    """Write a noisy photo of this seed, with what a camera notes in it if one is named, and return `path`."""
    exif = Image.Exif()
    if camera:
        exif[271], exif[272] = "Canon", camera
        exif.get_ifd(0x8769)[34855] = iso
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noisy_photo(*size, seed)).save(path, exif=exif)
    return path
