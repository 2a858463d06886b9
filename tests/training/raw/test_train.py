"""The training of the raw network: it learns, and goes on where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lgbpn_cli.config import RawConfig
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.training.config import DataSource, RawTrainingConfig
from lgbpn_cli.training.raw.cameras import CameraData
from lgbpn_cli.training.raw.lessons import RawSampler, RawScenes
from lgbpn_cli.training.raw.train import RawTrainer, load_scenes, train_raw_network
from lgbpn_cli.training.recipe import RawRecipe

RECIPE = RawRecipe(
    "mine",
    "CC0",
    (DataSource("photos"),),
    RawConfig(widths=(8, 16)),
    RawTrainingConfig(steps=4, batch=2, crop_px=32, warmup_steps=1, checkpoint_every=2),
)


@pytest.fixture
def cpu() -> Device:
    return choose_device("cpu", Hardware())


def test_it_learns(camera_data: CameraData, raw_scenes: list[RawScenes], cpu: Device) -> None:
    config = RawTrainingConfig(
        steps=120, batch=4, crop_px=32, warmup_steps=5, shot=(1e-3, 2e-3), learning_rate=6e-3
    )
    trainer = RawTrainer(RECIPE.network, config, RawSampler(raw_scenes, camera_data, config), cpu)

    def error_of_unseen() -> float:
        trainer.step, step = 1000, trainer.step
        with torch.no_grad():
            error = trainer.loss().item()
        trainer.step = step
        return error

    before = error_of_unseen()
    for _ in range(config.steps):
        trainer._train_step()
    assert error_of_unseen() < 0.8 * before


def test_a_stopped_run_goes_on_to_the_same_end(
    camera_folder: Path, raw_scenes: list[RawScenes], cpu: Device, tmp_path: Path
) -> None:
    def run(steps: int, folder: str) -> dict[str, torch.Tensor]:
        # Its schedule depends on the number of steps, which a warm-up as long as the run hides here.
        training = replace(RECIPE.training, steps=steps, warmup_steps=4)
        recipe = replace(RECIPE, training=training)
        return train_raw_network(
            recipe, raw_scenes, data_root=camera_folder, run_folder=tmp_path / folder, device=cpu
        )

    whole = run(4, "whole")
    run(2, "parts")
    parts = run(4, "parts")
    assert whole.keys() == RawNetwork(RECIPE.network).state_dict().keys()
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value)


def test_other_scenes_do_not_go_on_with_the_run(
    camera_folder: Path, raw_scenes: list[RawScenes], cpu: Device, tmp_path: Path
) -> None:
    def run(scenes: list[RawScenes]) -> None:
        train_raw_network(RECIPE, scenes, data_root=camera_folder, run_folder=tmp_path / "run", device=cpu)

    run(raw_scenes)
    with pytest.raises(TrainingError, match="other photos"):
        run([replace(raw_scenes[0], reduced=(1,))])


def test_a_crop_that_does_not_fit_the_network_is_refused(
    camera_folder: Path, raw_scenes: list[RawScenes], cpu: Device, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, training=replace(RECIPE.training, crop_px=30))
    with pytest.raises(TrainingError, match="multiple of 4"):
        train_raw_network(recipe, raw_scenes, data_root=camera_folder, run_folder=tmp_path, device=cpu)


def test_scenes_are_read_with_what_is_kept_out_left_out(data_root: Path) -> None:
    source = DataSource("clean", reduced=(2, 3), exclude=("[!D]*",))
    scenes = load_scenes(replace(RECIPE, sources=(source,)), data_root)
    assert [len(each.photos) for each in scenes] == [1]
    assert scenes[0].reduced == (2, 3)


def test_errors_of_a_places_mean_count_by_themselves(
    camera_data: CameraData, raw_scenes: list[RawScenes], cpu: Device
) -> None:
    def loss(weight: float, offset: float) -> float:
        config = replace(RECIPE.training, coarse_weight=weight)
        trainer = RawTrainer(RECIPE.network, config, RawSampler(raw_scenes, camera_data, config), cpu)
        with torch.no_grad():
            trainer.network.exit.bias += offset  # type: ignore[operator, union-attr]
            return trainer.loss().item()

    # Means of squares have less noise than pixels: an offset of all is more of their error.
    without, with_means = (loss(weight, 0.1) / loss(weight, 0.0) for weight in (0.0, 4.0))
    assert with_means > 1.2 * without


def test_a_run_begins_with_the_network_that_it_names(
    camera_folder: Path, raw_scenes: list[RawScenes], cpu: Device, tmp_path: Path
) -> None:
    network = RawNetwork(RECIPE.network)
    file = tmp_path / "start.safetensors"
    write_weights(file, network.state_dict(), RECIPE.network, "sidd")
    recipe = replace(RECIPE, start=str(file), training=replace(RECIPE.training, learning_rate=1e-9))
    weights = train_raw_network(
        recipe, raw_scenes, data_root=camera_folder, run_folder=tmp_path / "run", device=cpu
    )
    for name, value in network.state_dict().items():
        torch.testing.assert_close(weights[name], value, atol=1e-2, rtol=0)
    other = replace(recipe, network=RawConfig(widths=(16, 16)))
    with pytest.raises(UsageError, match="another shape"):
        train_raw_network(
            other, raw_scenes, data_root=camera_folder, run_folder=tmp_path / "other", device=cpu
        )
