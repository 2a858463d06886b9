"""The training run of the network for camera raw, from recipe to a part of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.config import RawConfig
from lgbpn_cli.denoise.working import LIFT, POWER, SCALE, SLOPE, TOE
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.manifest import ModelEntry, read_manifest
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.network.raw import RawNetwork, stabilise, unstabilise
from lgbpn_cli.training.config import RawTrainingConfig
from lgbpn_cli.training.engine.geometric_error import ErrorPart, geometric_mean_error
from lgbpn_cli.training.engine.kept_arrays import digest_of_all
from lgbpn_cli.training.engine.muon import muon_and_adam
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.start import weights_to_start
from lgbpn_cli.training.engine.trainer import Trainer, TrainingProgress
from lgbpn_cli.training.pictures.data import load_source
from lgbpn_cli.training.raw.cameras import read_camera_data
from lgbpn_cli.training.raw.lessons import RawSampler, RawScenes
from lgbpn_cli.training.recipe import RawRecipe

CHECKPOINT_NAME = "raw.pt"
SMALLEST_ERROR = 1e-3
"""Added to the errors of crops, in their squares: what nobody sees is not worth ever more."""
COARSE_PX = 16
"""Side of the squares whose means are compared."""


class RawTrainer(Trainer):
    """Trains a raw network to give the scenes that mosaics were made of."""

    def __init__(
        self, shape: RawConfig, config: RawTrainingConfig, sampler: RawSampler, device: Device
    ) -> None:
        """Start a run at step 0 with weights drawn from the seed."""
        torch.manual_seed(config.seed)
        super().__init__(RawNetwork(shape), shape, config, device)
        self.sampler, self.coarse_weight = sampler, config.coarse_weight

    def make_optimisers(self) -> list[torch.optim.Optimizer]:
        """Return Muon for the hidden kernels; Adam for the first and last convolution and all biases."""
        return muon_and_adam(self.network, self.config.learning_rate, outer=("entry.", "exit."))

    def loss(self) -> Tensor:
        """Return the geometric mean of the crops' errors, under the transform and as they look in sRGB.

        In dark and saturated places sRGB shows what the transform hides: its matrix enlarges small errors of colour.
        There errors of a place's mean are seen most, so they may count by themselves.
        """
        batch = self.sampler.batch(self.step)
        planes, noise, gains, scene, to_srgb = (
            each.to(self.device.torch_device) for each in vars(batch).values()
        )
        network: RawNetwork = self.network  # type: ignore[assignment]
        with self.device.autocast(self.config.precision):
            answer = network.stabilised(planes, noise, gains)
        light = unstabilise(answer, noise, gains)
        seen, wanted = (shown(each, gains, to_srgb) for each in (light, scene))
        stabilised = answer - stabilise(scene, noise, gains)
        parts = [ErrorPart(each, SMALLEST_ERROR) for each in (stabilised, seen - wanted)]
        if self.coarse_weight:
            coarse = F.avg_pool2d(seen - wanted, COARSE_PX)
            parts.append(ErrorPart(coarse, SMALLEST_ERROR, self.coarse_weight))
        return geometric_mean_error(parts)


def shown(light: Tensor, gains: Tensor, to_srgb: Tensor) -> Tensor:
    """Return the light (b, 3, h, w) of camera RGB as sRGB shows it, neither clipped at black nor at white."""
    balanced = light * gains[..., None, None]
    linear = torch.einsum("bij,bjhw->bihw", to_srgb, balanced)
    curved = SCALE * linear.clamp(min=TOE) ** (1 / POWER) - LIFT
    return torch.where(linear <= TOE, SLOPE * linear, curved)


def load_scenes(recipe: RawRecipe, data_root: Path) -> list[RawScenes]:
    """Return the photographs of the recipe's sources; UsageError where a source has none large enough."""
    scenes = []
    for source in recipe.sources:
        smallest = min(source.reduced) * recipe.training.crop_px
        loaded = load_source(source, data_root, smallest)
        scenes.append(RawScenes(loaded.name, loaded.photos, loaded.weight, source.reduced))
    return scenes


def run_raw_recipe(recipe: RawRecipe, run: RecipeRun) -> ModelEntry:
    """Train the raw network that `recipe` describes, and return its model's entry.

    The network becomes a part of the model `recipe.name`, which is made if it is not there yet.
    Raises what `train_raw_network` raises.
    """
    scenes = load_scenes(recipe, run.data_root)
    weights = train_raw_network(
        recipe,
        scenes,
        data_root=run.data_root,
        run_folder=run.run_folder,
        device=run.device,
        on_step=run.on_step,
    )
    shape, training = recipe.network, recipe.training
    known = read_manifest(run.models_folder).get(recipe.name)
    new = Publication(
        name=recipe.name,
        part="raw",
        weights={name: value.to(torch.float16) for name, value in weights.items()},
        shape=shape,
        preset="sidd" if known is None else known.preset,
        network=f"{shape}; a Bayer mosaic in, camera RGB out",
        data="; ".join(f"{each.name}: {len(each.photos)} photographs as scenes" for each in scenes),
        licence=recipe.licence,
        steps=training.steps,
        command=run.command,
        schedule=f"of {training.batch} crops of {training.crop_px} px; Muon, EMA {training.ema_decay}",
        details=("Light is read out by made-up sensors; no real raw file was used.",),
    )
    return publish(new, run.models_folder)


def train_raw_network(
    recipe: RawRecipe,
    scenes: Sequence[RawScenes],
    *,
    data_root: Path,
    run_folder: Path,
    device: Device,
    on_step: Callable[[TrainingProgress], None] | None = None,
) -> dict[str, Tensor]:
    """Return the averaged weights of the network that `recipe` describes, resuming from `run_folder`.

    Raises UsageError where the facts about cameras are missing, TrainingError where the run cannot go on.
    """
    multiple = recipe.network.size_multiple
    if recipe.training.crop_px % multiple:
        raise TrainingError(
            "crop_px", f"{recipe.training.crop_px} is not a multiple of {multiple}", "Change it."
        )
    sampler = RawSampler(scenes, read_camera_data(data_root), recipe.training)
    run_folder.mkdir(parents=True, exist_ok=True)
    trainer = RawTrainer(recipe.network, recipe.training, sampler, device)
    if recipe.start is not None:
        trainer.begin_with(weights_to_start(recipe.start, "raw", recipe.network, device))
    trainer.learned_from = " ".join(
        f"{each.weight} {each.reduced} {digest_of_all(each.photos)}" for each in scenes
    )
    return trainer.run(run_folder / CHECKPOINT_NAME, on_step)
