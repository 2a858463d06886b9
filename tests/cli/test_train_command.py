"""`lgbpn train` as a process of its own, over a folder of tiny noisy photos."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipe_process import start_in

RECIPE = """
name = "tiny"
preset = "sidd"
licence = "CC0"

[network]
base = "small"
width = 4
head_width = 3
local_modules = 1
global_blocks = 1

[training]
steps = {steps}
batch = 1
crop_px = 60
checkpoint_every = 2

[[sources]]
folder = "noisy"
"""


def start(folder: Path, *options: str, steps: int) -> subprocess.Popen[str]:
    """Start a run in `folder` whose recipe has this many steps."""
    (folder / "tiny.toml").write_text(RECIPE.format(steps=steps))
    return start_in(folder, "train", "tiny.toml", *options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "noisy").mkdir()
    random = np.random.default_rng(0)
    for index in range(2):
        pixels = random.integers(0, 256, (64, 72, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "noisy" / f"{index}.png")
    return tmp_path


def test_a_recipe_becomes_one_of_the_users_models(folder: Path) -> None:
    run = start(folder, "--device", "cpu", steps=2)
    _, errors = run.communicate(timeout=500)
    assert run.returncode == 0, errors
    assert "step 2/2" in errors
    assert (folder / "own" / "lgbpn" / "models" / "tiny.safetensors").is_file()
    assert (folder / "runs" / "tiny" / "checkpoint.pt").is_file()


def test_the_folders_of_run_and_model_can_be_chosen(folder: Path) -> None:
    run = start(folder, "--run-folder", "a", "--models-folder", "b", steps=2)
    run.communicate(timeout=500)
    assert run.returncode == 0
    assert (folder / "a" / "checkpoint.pt").is_file()
    assert (folder / "b" / "manifest.json").is_file()


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(folder: Path) -> None:
    run = start(folder, steps=100_000)
    assert run.stderr is not None
    assert "/100000" in run.stderr.readline()
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=500)
    assert run.returncode == 130
    assert "stopped after step" in errors
    assert "Traceback" not in errors
    again = start(folder, steps=400)
    _, errors = again.communicate(timeout=500)
    assert again.returncode == 0, errors
    assert "step 400/400" in errors


@pytest.mark.parametrize(("options", "cause"), [(["-d", "cuda:99"], "cuda:99"), (["-d", "abacus"], "abacus")])
def test_a_missing_device_ends_with_2(folder: Path, options: list[str], cause: str) -> None:
    run = start(folder, *options, steps=2)
    _, errors = run.communicate(timeout=500)
    assert run.returncode == 2
    assert len(errors.splitlines()) == 1
    assert cause in errors
