"""Judging results without references, with a real network of a few channels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN

TINY = NetworkConfig(width=4, head_width=2, local_modules=1, global_blocks=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that predicts mid grey everywhere."""
    network = LGBPN(TINY)
    weights = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    path = tmp_path_factory.mktemp("model") / "grey.safetensors"
    write_weights(path, weights, TINY, "sidd")
    return path


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def stripes() -> np.ndarray:
    """Wide stripes, 96x96."""
    return 120 + 50 * np.sign(np.sin(np.arange(96) / 4))[None, :, None] * np.ones((96, 1, 3))


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["eval", *map(str, arguments), "--no-reference"])


def test_the_blind_loss_of_a_network_that_predicts_black_is_the_photos_mean(
    model: Path, tmp_path: Path
) -> None:
    photo = save(tmp_path / "a.png", np.full((64, 70, 3), 77))
    found = json.loads(run(photo, "-m", model, "--device", "cpu", "--json").stdout)
    assert found["methods"][1]["figures"]["blind_loss_8bit"]["mean"] == pytest.approx(77, abs=1e-3)
    assert "noisy" not in found


def test_a_blurred_result_raises_the_alarm(stripes: np.ndarray, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 5, stripes.shape)
    photo = save(tmp_path / "n" / "a.png", stripes + noise)
    blurred = sum(np.roll(stripes, step, axis=1) for step in range(-4, 5)) / 9
    for name, result in (("sharp", stripes), ("blurred", blurred)):
        save(tmp_path / name / "a.png", result)
    result = run(photo.parent, "--denoised", tmp_path / "sharp", "--denoised", tmp_path / "blurred")
    assert result.exit_code == 0
    assert "blurred: 1 photo may be over-smoothed: a" in result.stderr
    assert "sharp: 1" not in result.stderr


def test_the_page_without_references_is_written(stripes: np.ndarray, tmp_path: Path) -> None:
    photo = save(tmp_path / "n" / "a.png", stripes)
    save(tmp_path / "d" / "a_denoised.png", stripes * 0.9)
    result = run(photo.parent, "--denoised", tmp_path / "d", "--html", tmp_path / "report.html")
    assert result.exit_code == 0
    assert "without references" in (tmp_path / "report.html").read_text("utf-8")
