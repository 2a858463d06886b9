"""`lgbpn finetune`, the real command in a process of its own, on tiny runs."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from warm_processes import start_lgbpn_cli

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN

TINY = NetworkConfig(width=8, head_width=4, local_modules=1, global_blocks=1, value_range=1.0)


def start(tmp_path: Path, *arguments: object) -> subprocess.Popen[str]:
    environment = {"XDG_DATA_HOME": str(tmp_path / "data")}
    process: subprocess.Popen[str] = start_lgbpn_cli("finetune", *arguments, environment=environment)
    return process


def finetune(tmp_path: Path, *arguments: object) -> tuple[int, str]:
    with start(tmp_path, *arguments) as process:
        stdout, stderr = process.communicate(timeout=300)
    assert stdout == ""
    assert "Traceback" not in stderr
    return process.returncode, stderr


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        waves = 120 + 50 * np.sin(np.arange(180) / 20 + number)[:, None, None]
        pixels = waves + random.normal(0, 15, (180, 200, 3))
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    write_weights(tmp_path / "tiny.safetensors", LGBPN(TINY).state_dict(), TINY, "sidd")
    return tmp_path / "tiny.safetensors"


def test_a_run_ends_with_its_verdict(tmp_path: Path, photos: Path, tiny: Path) -> None:
    code, said = finetune(tmp_path, photos, "-o", "mine", "--from", tiny, "--steps", 6, "--batch", 2)
    assert code == 0
    assert ("mine: LG-BPN accepted" in said) == ("mine is ready" in said)
    assert ("mine: nothing got better in " in said) != ("mine is ready" in said)
    assert "3 photos to learn from" in said
    assert not (tmp_path / "data/lgbpn/finetune/mine").exists()


@pytest.mark.parametrize("name", ["a/b", ".hidden", "auto", ""])
def test_what_is_no_name_is_wrong_usage(tmp_path: Path, photos: Path, name: str) -> None:
    code, said = finetune(tmp_path, photos, "-o", name)
    assert code == 2
    assert ("not a valid model name" if name else "an empty argument: it names nothing") in said


@pytest.mark.parametrize("limit", ["fast", "30", "0s"])
def test_what_is_no_time_is_wrong_usage(tmp_path: Path, photos: Path, limit: str) -> None:
    code, said = finetune(tmp_path, photos, "-o", "mine", "--time-limit", limit)
    assert code == 2
    assert "--time-limit" in said


def test_a_missing_folder_is_wrong_usage(tmp_path: Path, tiny: Path) -> None:
    code, said = finetune(tmp_path, tmp_path / "none", "-o", "mine", "--from", tiny)
    assert code == 2
    assert "there is no such folder" in said


def test_a_photo_in_the_place_of_a_folder_is_wrong_usage(tmp_path: Path, photos: Path, tiny: Path) -> None:
    code, said = finetune(tmp_path, photos / "0.png", "-o", "mine", "--from", tiny)
    assert code == 2
    assert "one photo is not enough" in said


@pytest.mark.parametrize("option", [("--steps", 1), ("--time-limit", "30m")])
def test_steps_and_time_of_an_unfinished_run_cannot_be_changed(
    tmp_path: Path, photos: Path, option: tuple[str, object]
) -> None:
    code, said = finetune(tmp_path, photos, "-o", "mine", "--resume", *option)
    assert code == 2
    assert said == f"lgbpn: {option[0]}: with --resume, a run keeps what it began with. Omit it.\n"


def wait_for_another(checkpoint: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the run has written a checkpoint, or a further one: then it has learned."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    while process.poll() is None:
        if checkpoint.exists() and checkpoint.stat().st_mtime_ns != before:
            return
        time.sleep(0.05)
    raise AssertionError(f"the run ended before: {process.communicate()[1]}")


def test_a_run_that_was_killed_or_stopped_goes_on(tmp_path: Path, photos: Path, tiny: Path) -> None:
    options = [photos, "-o", "mine", "--from", tiny, "--batch", 2]
    kept = tmp_path / "data/lgbpn/finetune/mine"
    checkpoint = kept / "checkpoint.pt"
    with start(tmp_path, *options, "--steps", 600) as process:  # a checkpoint at every sixtieth
        wait_for_another(checkpoint, process)
        process.kill()
    with start(tmp_path, *options, "--resume") as process:
        wait_for_another(checkpoint, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130
    again = f"lgbpn finetune {photos} -o mine --from {tiny} --batch 2 --resume goes on from {kept}"
    assert again in said.replace("--output", "-o")
    assert "Traceback" not in said
    plan = json.loads((kept / "run.json").read_text())
    plan["steps"] = torch.load(checkpoint, weights_only=True)["step"] + 2
    (kept / "run.json").write_text(json.dumps(plan))
    code, said = finetune(tmp_path, *options, "--resume")
    assert code == 0
    assert "going on with the 3 photos" in said
