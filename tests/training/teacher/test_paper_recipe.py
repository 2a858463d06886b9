"""recipes/paper.toml: the network of the paper, trained in pieces whose checkpoint travels. Small crops stand in."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_training import save_noisy_photo

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.recipe import read_recipe
from lgbpn_cli.training.teacher.run import run_recipe

RECIPE = Path(__file__).parents[3] / "recipes" / "paper.toml"
STEPS, STOPPED_AT = 20, 8


def test_it_is_the_published_network_as_the_paper_trains_it() -> None:
    recipe = read_recipe(RECIPE)
    assert recipe.network == NetworkConfig()
    training = recipe.training
    assert (training.batch, training.crop_px, training.learning_rate) == (8, 120, 1e-4)
    assert training.optimiser == "adam"


def test_twenty_steps_in_two_pieces_on_two_machines(tmp_path: Path, cpu: Device) -> None:
    for seed in range(2):
        save_noisy_photo(tmp_path / "data" / "noisy" / f"{seed}.png", seed, size=(64, 64))
    recipe = read_recipe(RECIPE)
    recipe = replace(
        recipe,
        sources=(DataSource("noisy"),),
        training=replace(recipe.training, steps=STEPS, batch=1, crop_px=24, rim_px=2, checkpoint_every=4),
    )
    heard: list[int] = []

    def stop(progress: TrainingProgress) -> None:
        heard.append(progress.step)
        if progress.step == STOPPED_AT and len(heard) == STOPPED_AT:
            raise KeyboardInterrupt

    def run(machine: str) -> RecipeRun:
        return RecipeRun(tmp_path / "data", tmp_path / machine, tmp_path / "models", cpu, "lgbpn train", stop)

    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe, run("first"))
    (tmp_path / "second").mkdir()
    shutil.move(tmp_path / "first" / "checkpoint.pt", tmp_path / "second")
    entry = run_recipe(recipe, run("second"))
    assert heard == list(range(1, STEPS + 1))
    network, preset = read_weights(entry.part_path("teacher"))
    assert (network.config, preset) == (recipe.network, "sidd")
    # The variant that the recipe names.
    muon = replace(recipe, training=replace(recipe.training, steps=2, optimiser="muon", learning_rate=2e-3))
    heard.clear()
    varied, _ = read_weights(run_recipe(muon, run("muon")).part_path("teacher"))
    assert heard == [1, 2]
    assert not all(map(torch.equal, network.state_dict().values(), varied.state_dict().values()))
