"""The training run of the noise estimator, from recipe to the file beside the models that it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.manifest import shipped_noise_estimator
from lgbpn_cli.models.publish import publish_noise_estimator
from lgbpn_cli.noise.network import HIDDEN, WIDTHS, NoiseEstimator
from lgbpn_cli.noise.weights import read_noise_estimator
from lgbpn_cli.training.config import NoiseEstimatorTrainingConfig
from lgbpn_cli.training.engine.kept_arrays import digest_of_all
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.trainer import Trainer
from lgbpn_cli.training.noise_estimator.lessons import NoiseLessons
from lgbpn_cli.training.noise_estimator.pictures import make_lessons
from lgbpn_cli.training.recipe import NoiseEstimatorRecipe

CHECKPOINT_NAME = "noise-estimator.pt"
WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class EstimatorShape:
    """What the network is built from: a checkpoint of another shape cannot go on."""

    widths: tuple[int, ...] = WIDTHS
    hidden: int = HIDDEN


class NoiseEstimatorTrainer(Trainer):
    """Trains a noise estimator to tell how strong the noise in each cell is, and how sure that is."""

    loss_scale = 1.0

    def __init__(self, config: NoiseEstimatorTrainingConfig, lessons: NoiseLessons, device: Device) -> None:
        """Start a run at step 0 with weights drawn from the seed."""
        torch.manual_seed(config.seed)
        super().__init__(NoiseEstimator(), EstimatorShape(), config, device)
        self.lessons = lessons

    def make_optimisers(self) -> list[torch.optim.Optimizer]:
        """Return AdamW, for all weights."""
        return [
            torch.optim.AdamW(
                self.network.parameters(), lr=self.config.learning_rate, weight_decay=WEIGHT_DECAY
            )
        ]

    def loss(self) -> Tensor:
        """Return Laplace's likelihood, its sign turned: where no answer can be good, saying so costs least."""
        tiles, answer, photos = (each.to(self.device.torch_device) for each in self.lessons.lesson(self.step))
        with self.device.autocast(self.config.precision):
            level, error = self.network(tiles, photos)
        likelihood: Tensor = ((level - answer).abs() * (-error).exp() + error).mean()
        return likelihood


def run_noise_estimator_recipe(recipe: NoiseEstimatorRecipe, student: nn.Module, run: RecipeRun) -> Path:
    """Train the noise estimator that `recipe` describes, and return its file in the models' folder.

    `student`, on the run's device, cleans the noisy photos. Raises UsageError where pictures are missing, ModelError
    for a start that is not a noise estimator, TrainingError where the run cannot go on.
    """
    training = recipe.training
    start = None if recipe.start is None else _weights_to_start(recipe.start)
    lessons = make_lessons(
        recipe.sources, run.data_root, student, run.device, seed=training.seed, scenes=training.batch
    )
    run.run_folder.mkdir(parents=True, exist_ok=True)
    trainer = NoiseEstimatorTrainer(training, lessons, run.device)
    if start is not None:
        trainer.begin_with(start)
    pictures = [picture for sizes in lessons.textures for picture in sizes]
    trainer.learned_from = f"{recipe.start} {digest_of_all([*pictures, *lessons.cleaned])}"
    weights = trainer.run(run.run_folder / CHECKPOINT_NAME, run.on_step)
    notes = {"licence": recipe.licence, "command": run.command, "steps": str(training.steps)}
    return publish_noise_estimator(weights, notes, run.models_folder)


def _weights_to_start(start: str) -> dict[str, Tensor]:
    path = shipped_noise_estimator()[0] if start == "shipped" else Path(start)
    return read_noise_estimator(path).state_dict()
