"""`lgbpn train` with a recipe of the noise estimator: pictures in; a file that is read and its manifest entry out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from tiny_training import noisy_photo, save_noisy_photo
from torch import nn
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.manifest import file_sha256, noise_estimator_of, read_manifest, shipped_noise_estimator
from lgbpn_cli.noise.weights import read_noise_estimator
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.noise_estimator.lessons import SCENE_PX
from lgbpn_cli.training.noise_estimator.pictures import make_lessons

RECIPE = """
makes = "noise-estimator"
student = "lgbpn-base"
licence = "CC0"
{start}

[training]
steps = {steps}
batch = 2
learning_rate = {rate}
checkpoint_every = 1

[[sources]]
folder = "noisy"

[[sources]]
folder = "clean"
weight = 0.0
renoised_weight = 1.0
reduced = [1, 2]
drawn = 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    save_noisy_photo(tmp_path / "noisy" / "1.png", 2, size=(SCENE_PX + 8, SCENE_PX + 40))
    save_noisy_photo(tmp_path / "noisy" / "too_small.png", 2, size=(SCENE_PX - 8, SCENE_PX + 40))
    save_noisy_photo(tmp_path / "clean" / "2.png", 5, size=(2 * SCENE_PX, 2 * SCENE_PX))
    monkeypatch.setenv("LGBPN_DATA", str(tmp_path))
    return tmp_path


def train(folder: Path, *, steps: int = 2, rate: str = "2e-3", start: str = "", run: str = "run") -> Path:
    """Carry out the recipe, and return the file that it made."""
    recipe, models = folder / "recipe.toml", folder / "models"
    recipe.write_text(RECIPE.format(steps=steps, rate=rate, start=start))
    options = ["--device", "cpu", "--run-folder", str(folder / run), "--models-folder", str(models)]
    done = CliRunner().invoke(app, ["train", str(recipe), *options])
    assert done.exit_code == 0, done.output
    assert f"step {steps}/{steps}" in done.stderr
    part = noise_estimator_of(models)
    assert part is not None
    assert str(models / part.file) in done.stderr
    return models / part.file


def test_a_recipe_makes_an_estimator_that_is_read_and_says_how_it_was_made(folder: Path) -> None:
    path = train(folder)
    level, _ = read_noise_estimator(path)(torch.rand(1, 3, 64, 64))
    assert torch.isfinite(level).all()
    with safe_open(path, "pt") as file:
        assert file.metadata()["licence"] == "CC0"
        assert file.metadata()["steps"] == "2"
    named = json.loads((folder / "models" / "manifest.json").read_text())["noise_estimator"]
    assert named == {"file": path.name, "sha256": file_sha256(path)}
    assert read_manifest(folder / "models") == {}


def test_a_run_goes_on_where_it_was_and_the_older_file_goes(folder: Path) -> None:
    first = train(folder)
    again = train(folder, steps=3)
    assert again != first
    assert not first.exists()
    read_noise_estimator(again)


def test_it_begins_with_the_one_that_ships(folder: Path) -> None:
    begun = train(folder, start='start = "shipped"', rate="1e-9")
    shipped = read_noise_estimator(shipped_noise_estimator()[0]).state_dict()
    for name, value in read_noise_estimator(begun).state_dict().items():
        torch.testing.assert_close(value, shipped[name], atol=1e-3, rtol=1e-3)


def test_a_run_that_began_otherwise_is_another_run(folder: Path) -> None:
    train(folder)
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(steps=4, rate="2e-3", start='start = "shipped"'))
    options = ["--device", "cpu", "--run-folder", str(folder / "run"), "--models-folder", str(folder / "m")]
    done = CliRunner().invoke(app, ["train", str(recipe), *options])
    assert done.exit_code == 1
    assert "other photos or targets" in done.stderr


class Halves(nn.Module):
    """Cleans a photo by half of its light: what came of it is told from its noise."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures / 2


@pytest.fixture
def cpu() -> Device:
    return choose_device("cpu", Hardware())


def test_photos_of_weight_0_are_scenes_and_not_noise(folder: Path, cpu: Device) -> None:
    noisy, still = DataSource("noisy"), DataSource("clean", 0.0, renoised_weight=1.0, scenes=True)
    lessons = make_lessons([noisy, still], folder, Halves(), cpu, seed=0, scenes=2)
    assert [len(each) for each in lessons.noises] == [1]
    (cleaned,) = lessons.cleaned
    photo = np.asarray(Image.open(folder / "noisy" / "1.png"))
    np.testing.assert_allclose(cleaned, photo / 2, atol=0.51)
    ((scene,),) = lessons.textures
    np.testing.assert_array_equal(scene, noisy_photo(2 * SCENE_PX, 2 * SCENE_PX, 5))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_recipe_without_noise_or_without_scenes_is_refused(
    folder: Path, cpu: Device, weight: float
) -> None:
    one_kind = DataSource("clean", weight, renoised_weight=1.0)
    with pytest.raises(UsageError, match="low noise" if weight else "noisy photos"):
        make_lessons([one_kind], folder, Halves(), cpu, seed=0, scenes=2)
