"""Checkpoints: written whole or not at all, and refused when damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.config import TrainingConfig
from lgbpn_cli.training.engine.checkpoint import load_checkpoint, save_checkpoint
from lgbpn_cli.training.engine.trainer import TeacherTrainer
from lgbpn_cli.training.pictures.data import CropSampler

STATE = {"step": 3, "weights": {"a": torch.arange(6.0).reshape(2, 3)}, "names": ["x"], "rate": 0.1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


def test_a_state_comes_back_as_it_was_saved(path: Path) -> None:
    save_checkpoint(path, STATE)
    found = load_checkpoint(path)
    assert torch.equal(found["weights"]["a"], STATE["weights"]["a"])  # type: ignore[index]
    assert {key: found[key] for key in ("step", "names", "rate")} == {"step": 3, "names": ["x"], "rate": 0.1}


def test_saving_leaves_nothing_but_the_checkpoint(path: Path) -> None:
    save_checkpoint(path, STATE)
    save_checkpoint(path, STATE)
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_older_checkpoint_and_leaves_no_part(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(path, STATE)

    def full(_descriptor: int) -> None:  # the file has been written in part
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(TrainingError, match=r"could not be written.*No space left"):
            save_checkpoint(path, {**STATE, "step": 4})
    assert load_checkpoint(path)["step"] == 3
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        save_checkpoint(tmp_path / "nowhere" / "checkpoint.pt", STATE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept_bytes", [0, 1, 100, -200])
def test_a_truncated_checkpoint_is_refused(path: Path, kept_bytes: int) -> None:
    save_checkpoint(path, STATE)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(TrainingError, match="not a readable checkpoint") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_text_file_is_refused(path: Path) -> None:
    path.write_text("not a checkpoint\n" * 10)
    with pytest.raises(TrainingError, match="not a readable checkpoint"):
        load_checkpoint(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_bytes_anywhere_in_an_old_style_file_are_refused_in_one_line(path: Path) -> None:
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    content, refused = path.read_bytes(), 0
    for place in range(0, len(content), 2):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        try:
            load_checkpoint(path)
        except TrainingError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("state", [{}, [1, 2], 3, {"training": 5, "network": {}}], ids=str)
def test_a_file_that_is_no_checkpoint_of_a_run_is_refused(
    path: Path,
    state: object,
    network_config: NetworkConfig,
    training_config: TrainingConfig,
    sampler: CropSampler,
    cpu: Device,
) -> None:
    torch.save(state, path)
    with pytest.raises(TrainingError, match="not a checkpoint of a training run"):
        TeacherTrainer(network_config, training_config, sampler, cpu).run(path)
