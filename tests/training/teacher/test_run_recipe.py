"""A whole recipe: noisy photos in, a model with manifest entry and card out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.manifest import ModelEntry, file_sha256, read_manifest
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.training.config import DataSource, TrainingConfig
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.recipe import Recipe
from lgbpn_cli.training.teacher.run import run_recipe


@pytest.fixture
def recipe(
    tmp_path: Path,
    photos: tuple[np.ndarray, ...],
    network_config: NetworkConfig,
    training_config: TrainingConfig,
) -> Recipe:
    """A recipe over a folder of three photos, one of them excluded."""
    folder = tmp_path / "data" / "waves"
    folder.mkdir(parents=True)
    for index, photo in enumerate(photos):
        Image.fromarray(photo).save(folder / f"{index}.png")
    source = DataSource("waves", exclude=("2*",))
    return Recipe("tiny", "CC0", (source,), "dnd", network_config, replace(training_config, steps=3))


def run(recipe: Recipe, tmp_path: Path, cpu: Device, heard: list[TrainingProgress]) -> ModelEntry:
    folders = (tmp_path / "data", tmp_path / "runs" / "tiny", tmp_path / "models")
    return run_recipe(recipe, RecipeRun(*folders, cpu, "lgbpn train tiny.toml", heard.append))


@pytest.fixture
def entry(recipe: Recipe, tmp_path: Path, cpu: Device) -> ModelEntry:
    return run(recipe, tmp_path, cpu, [])


def test_a_finished_recipe_is_a_model_that_can_be_loaded(entry: ModelEntry, recipe: Recipe) -> None:
    network, preset = read_weights(entry.part_path("teacher"))
    assert network.config == recipe.network
    assert preset == "dnd"
    assert file_sha256(entry.part_path("teacher")) == entry.parts["teacher"].sha256


def test_a_finished_recipe_is_in_the_manifest_with_what_made_it(entry: ModelEntry, tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "models") == {"tiny": entry}
    assert entry.training_data == "waves: 2 noisy photos"
    assert (entry.steps, entry.licence, entry.command) == (3, "CC0", "lgbpn train tiny.toml")


def test_the_card_names_data_licence_and_checksum(entry: ModelEntry, tmp_path: Path) -> None:
    card = (tmp_path / "models" / entry.card).read_text()
    for fact in (entry.training_data, entry.licence, entry.parts["teacher"].sha256, entry.command):
        assert fact in card


def test_the_model_holds_the_averaged_weights_of_the_run(entry: ModelEntry, tmp_path: Path) -> None:
    state = torch.load(tmp_path / "runs" / "tiny" / "checkpoint.pt", weights_only=True)
    network, _ = read_weights(entry.part_path("teacher"))
    assert all(torch.equal(value, state["average"][name]) for name, value in network.state_dict().items())


def test_running_a_finished_recipe_again_trains_no_step_and_makes_the_same_model(
    entry: ModelEntry, recipe: Recipe, tmp_path: Path, cpu: Device
) -> None:
    heard: list[TrainingProgress] = []
    assert run(recipe, tmp_path, cpu, heard).parts == entry.parts
    assert heard == []


@pytest.mark.parametrize("changed", ["a photo more", "another share"])
def test_a_run_is_not_gone_on_with_on_other_photos(
    entry: ModelEntry, recipe: Recipe, tmp_path: Path, cpu: Device, changed: str
) -> None:
    del entry  # its run has left a checkpoint
    source = recipe.sources[0]
    other = replace(source, exclude=()) if changed == "a photo more" else replace(source, weight=2.0)
    with pytest.raises(TrainingError, match="made with other photos"):
        run(replace(recipe, sources=(other,)), tmp_path, cpu, [])


def test_a_run_that_stops_early_makes_no_model(recipe: Recipe, tmp_path: Path, cpu: Device) -> None:
    class Stop(list[TrainingProgress]):
        def append(self, progress: TrainingProgress) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path, cpu, Stop())
    assert not (tmp_path / "models").exists()


def test_a_run_begins_with_a_teacher_that_is_there(
    entry: ModelEntry, recipe: Recipe, tmp_path: Path, cpu: Device
) -> None:
    file = entry.part_path("teacher")
    still = replace(recipe.training, learning_rate=1e-9)
    again = replace(recipe, start=str(file), training=still)
    folders = (tmp_path / "data", tmp_path / "runs" / "again", tmp_path / "again")
    later = run_recipe(again, RecipeRun(*folders, cpu, "lgbpn train tiny.toml"))
    before, after = (read_weights(each.part_path("teacher"))[0].state_dict() for each in (entry, later))
    assert all(torch.allclose(after[name], value, atol=2e-3) for name, value in before.items())

    wider = replace(again, network=replace(recipe.network, width=2 * recipe.network.width))
    with pytest.raises(UsageError, match=r"start: .* has another shape"):
        run_recipe(wider, RecipeRun(*folders, cpu, "lgbpn train tiny.toml"))
