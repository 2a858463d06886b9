"""A training run: its schedule, what it learns, and how it goes on after a kill."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from lgbpn_cli.config import NetworkConfig, PassConfig
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.network.blind import blind_loss
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import TrainingConfig
from lgbpn_cli.training.engine.trainer import TeacherTrainer, TrainingProgress, learning_rate_at
from lgbpn_cli.training.pictures.data import CropSampler


class RunKilledError(Exception):
    """What a test stops a run with."""


def kill_at(step: int) -> object:
    def on_step(progress: TrainingProgress) -> None:
        if progress.step == step:
            raise RunKilledError

    return on_step


@pytest.fixture
def trainer(
    network_config: NetworkConfig, training_config: TrainingConfig, sampler: CropSampler, cpu: Device
) -> TeacherTrainer:
    return TeacherTrainer(network_config, training_config, sampler, cpu)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


def fresh_like(trainer: TeacherTrainer, **changes: object) -> TeacherTrainer:
    """Return a trainer at step 0 with the same settings, but for `changes`."""
    config = replace(trainer.config, **changes)  # type: ignore[arg-type]
    return TeacherTrainer(trainer.network_config, config, trainer.sampler, trainer.device)


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    different = [name for name, value in expected.items() if not torch.equal(found[name], value)]
    assert different == []


def test_the_learning_rate_warms_up_in_equal_steps() -> None:
    config = TrainingConfig(steps=1000, warmup_steps=100, learning_rate=1e-3)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert rates == pytest.approx([1e-5 * (step + 1) for step in range(100)])


def test_the_learning_rate_falls_from_its_peak_to_zero_along_half_a_cosine() -> None:
    config = TrainingConfig(steps=1000, warmup_steps=100, learning_rate=1e-3)
    rates = [learning_rate_at(step, config) for step in range(100, 1001)]
    assert rates[0] == 1e-3
    assert rates[450] == pytest.approx(5e-4)
    assert rates[-1] == pytest.approx(0, abs=1e-18)
    assert all(later < earlier for earlier, later in pairwise(rates))


def test_a_few_steps_reduce_the_blind_loss(trainer: TeacherTrainer, checkpoint: Path) -> None:
    crops = trainer.sampler.crops(10**6)

    def loss_with(weights: dict[str, Tensor]) -> float:
        network = LGBPN(trainer.network_config)
        network.load_state_dict(weights)
        with torch.no_grad():
            return blind_loss(network(crops, PassConfig(4, 5)), crops, trainer.rim_px).item()

    longer = fresh_like(trainer, steps=30, warmup_steps=5)
    before = loss_with(longer.network.state_dict())
    after = loss_with(longer.run(checkpoint))
    assert after < 0.5 * before


def test_a_run_reports_each_step_with_loss_pace_and_remaining_time(
    trainer: TeacherTrainer, checkpoint: Path
) -> None:
    heard: list[TrainingProgress] = []
    trainer.run(checkpoint, heard.append)
    assert [progress.step for progress in heard] == [1, 2, 3, 4, 5, 6]
    assert all(progress.steps == 6 and progress.seconds_per_step > 0 for progress in heard)
    assert all(1 < progress.loss < 255 for progress in heard)
    assert heard[-1].remaining_seconds == 0
    assert heard[1].remaining_seconds == pytest.approx(4 * heard[1].seconds_per_step)


def test_the_same_seed_gives_the_same_weights(trainer: TeacherTrainer, checkpoint: Path) -> None:
    twin = fresh_like(trainer)
    assert_same(twin.run(checkpoint), trainer.run(checkpoint.with_name("second.pt")))


def test_another_seed_starts_from_other_weights(trainer: TeacherTrainer) -> None:
    other = fresh_like(trainer, seed=1)
    assert not torch.equal(other.network.join.weight, trainer.network.join.weight)


def test_what_is_returned_is_the_average_of_the_weights(trainer: TeacherTrainer, checkpoint: Path) -> None:
    """Its decay is step / (step + 10) at first, then ema_decay."""
    network, path = fresh_like(trainer, ema_decay=0.2), checkpoint
    name, expected = "join.weight", None
    expected = network.network.state_dict()[name].clone()
    seen: list[Tensor] = []
    averaged = network.run(path, lambda _: seen.append(network.network.state_dict()[name].clone()))
    for step, value in enumerate(seen, start=1):
        decay = min(0.2, step / (step + 10))
        expected = decay * expected + (1 - decay) * value
    torch.testing.assert_close(averaged[name], expected)
    assert not torch.equal(averaged[name], seen[-1])


def test_gradients_are_clipped(trainer: TeacherTrainer) -> None:
    gentle = fresh_like(trainer, gradient_clip=1e-12)
    start = {name: value.clone() for name, value in gentle.network.state_dict().items()}
    gentle._train_step()
    # Adam divides by the gradient's size plus 1e-8: a gradient of 1e-12 moves next to nothing.
    moved = max(
        (value - start[name]).abs().max().item() for name, value in gentle.network.state_dict().items()
    )
    assert 0 < moved < 1e-5


@pytest.mark.parametrize(
    "changes", [{"precision": "float32"}, {"precision": "bfloat16"}, {"optimiser": "muon"}], ids=str
)
def test_a_killed_run_goes_on_to_the_same_weights_bit_for_bit(
    trainer: TeacherTrainer, tmp_path: Path, changes: dict[str, str]
) -> None:
    unbroken = fresh_like(trainer, **changes)
    expected = unbroken.run(tmp_path / "unbroken.pt")
    killed, broken = fresh_like(trainer, **changes), tmp_path / "broken.pt"
    with pytest.raises(RunKilledError):
        killed.run(broken, kill_at(3))  # type: ignore[arg-type]
    resumed = fresh_like(trainer, **changes)
    steps: list[int] = []
    average = resumed.run(broken, lambda progress: steps.append(progress.step))
    assert steps == [3, 4, 5, 6]
    assert_same(average, expected)
    assert_same(dict(resumed.network.state_dict()), dict(unbroken.network.state_dict()))
    assert resumed.smoothed_loss == unbroken.smoothed_loss


def test_a_finished_run_does_not_train_again(trainer: TeacherTrainer, checkpoint: Path) -> None:
    expected = trainer.run(checkpoint)
    steps: list[int] = []
    assert_same(fresh_like(trainer).run(checkpoint, lambda progress: steps.append(progress.step)), expected)
    assert steps == []


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e-3},
        {"seed": 1},
        {"batch": 3},
        {"ema_decay": 0.9},
        {"rim_px": 11},
        {"optimiser": "muon"},
    ],
    ids=str,
)
def test_a_checkpoint_of_other_settings_is_refused(
    trainer: TeacherTrainer, checkpoint: Path, changes: dict[str, object]
) -> None:
    trainer.save(checkpoint)
    with pytest.raises(TrainingError, match="other settings"):
        fresh_like(trainer, **changes).run(checkpoint)


def test_a_checkpoint_of_an_older_version_without_a_setting_goes_on(
    trainer: TeacherTrainer, checkpoint: Path
) -> None:
    trainer.run(checkpoint)
    state = torch.load(checkpoint, weights_only=True)
    del state["training"]["optimiser"]
    torch.save(state, checkpoint)
    fresh_like(trainer).run(checkpoint)
    with pytest.raises(TrainingError, match="other settings"):
        fresh_like(trainer, optimiser="muon").run(checkpoint)


def test_a_checkpoint_of_another_network_is_refused(trainer: TeacherTrainer, checkpoint: Path) -> None:
    trainer.save(checkpoint)
    other = replace(trainer.network_config, head_width=5)
    with pytest.raises(TrainingError, match="other settings"):
        TeacherTrainer(other, trainer.config, trainer.sampler, trainer.device).run(checkpoint)


@pytest.mark.parametrize(("steps", "trained"), [(8, [7, 8]), (3, [])])
def test_a_run_can_be_made_longer_or_shorter(
    trainer: TeacherTrainer, checkpoint: Path, steps: int, trained: list[int]
) -> None:
    trainer.run(checkpoint)
    heard: list[int] = []
    fresh_like(trainer, steps=steps).run(checkpoint, lambda progress: heard.append(progress.step))
    assert heard == trained


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_the_last_checkpoint(
    trainer: TeacherTrainer, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = trainer.sampler.crops

    def spoilt(step: int) -> Tensor:
        return crops(step) * math.nan if step == 4 else crops(step)

    monkeypatch.setattr(trainer.sampler, "crops", spoilt)
    with pytest.raises(TrainingError, match="loss became nan at step 5"):
        trainer.run(checkpoint)
    resumed = fresh_like(trainer)
    resumed.resume(checkpoint)
    assert resumed.step == 4
    assert all(value.isfinite().all() for value in resumed.network.state_dict().values())


def test_a_full_disk_stops_the_run_and_leaves_the_last_checkpoint(
    trainer: TeacherTrainer, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunKilledError):
        trainer.run(checkpoint, kill_at(2))  # type: ignore[arg-type]
    before, resumed = checkpoint.read_bytes(), fresh_like(trainer)

    def full(_descriptor: int) -> None:  # the file has been written in part
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        resumed.run(checkpoint)
    assert checkpoint.read_bytes() == before
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


def test_numbers_too_small_to_be_fast_become_zero_while_training_alone(
    trainer: TeacherTrainer, checkpoint: Path
) -> None:
    found: list[float] = []
    try:
        torch.set_flush_denormal(False)
        assert (torch.tensor([1e-30]) * 1e-10).item() > 0
        trainer.run(checkpoint, lambda progress: found.append((torch.tensor([1e-30]) * 1e-10).item()))
        assert (torch.tensor([1e-30]) * 1e-10).item() > 0
    finally:
        torch.set_flush_denormal(False)
    assert set(found) == {0.0}


@pytest.mark.parametrize("slower", [1, 3])
def test_a_run_with_an_end_does_fewer_steps_where_they_become_slower(
    slower: int, trainer: TeacherTrainer, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, one_step = [0.0], trainer.loss

    def loss() -> Tensor:
        clock[0] += 1.0 if trainer.step < 3 else slower
        return one_step()

    monkeypatch.setattr("lgbpn_cli.training.engine.trainer.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(trainer, "loss", loss)
    trainer.config = replace(trainer.config, steps=12, checkpoint_every=100)
    trainer.ends_at = 12.0
    trainer.run(checkpoint)
    assert trainer.step == {1: 12, 3: 6}[slower]
    assert clock[0] == 12.0
    assert torch.load(checkpoint, weights_only=True)["step"] == trainer.step
    assert learning_rate_at(trainer.step, trainer.config) == pytest.approx(0, abs=1e-18)
