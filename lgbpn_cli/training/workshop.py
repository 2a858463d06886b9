"""The use cases that make models: training, distillation, fine-tuning. PyTorch is imported inside the functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lgbpn_cli.training.config import FinetuneConfig

if TYPE_CHECKING:
    from lgbpn_cli.models.manifest import ModelEntry
    from lgbpn_cli.training.engine.run import RecipeRun
    from lgbpn_cli.training.engine.trainer import TrainingProgress
    from lgbpn_cli.training.finetune.raw import RawReport
    from lgbpn_cli.training.finetune.run import Report as FinetuneReport
    from lgbpn_cli.training.student.distil import DistillationProgress


def finetune(
    folder: Path,
    config: FinetuneConfig,
    *,
    command: str,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    started: float | None = None,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> dict[str, FinetuneReport] | dict[str, RawReport]:
    """What became of each model that was to be made from the noisy photos below `folder`, by name.

    A folder of raw files alone teaches the raw network on their mosaics.

    Models go to the user's own; an unfinished run is kept beside them for `resume`. The time limit runs from `started`,
    by `time.monotonic`; None: from now. Raises UsageError for photos that cannot be learned from and names that are
    taken, TrainingError where a run cannot go on.
    """
    started = time.monotonic() if started is None else started  # before PyTorch, which takes its time too
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.models.manifest import user_folder
    from lgbpn_cli.training.finetune.folder import Call, Listener, finetune_folder
    from lgbpn_cli.training.finetune.raw_folder import finetune_raw_folder, raw_paths

    paths = raw_paths(folder, config)
    call = Call(
        run_folder=finetune_run_folder(config.name),
        models_folder=user_folder(),
        device=choose_device(device),
        command=command,
        resume=resume,
        overwrite=overwrite,
        listener=Listener(on_step, on_note),
        started=started,
    )
    if paths and (reports := finetune_raw_folder(folder, paths, config, call)) is not None:
        return reports
    return finetune_folder(folder, config, call)


def finetune_run_folder(name: str) -> Path:
    """Where an unfinished run of this name is kept, with its preview."""
    from lgbpn_cli.models.manifest import user_folder

    return user_folder().parent / "finetune" / name


def plan_run(
    run_folder: Path,
    models_folder: Path | None,
    device: str,
    command: str,
    on_step: Callable[[TrainingProgress], None],
) -> RecipeRun:
    """A run of a recipe; the model goes to the user's own unless a folder is named. Raises DeviceError."""
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.models.manifest import user_folder
    from lgbpn_cli.training.engine.run import RecipeRun
    from lgbpn_cli.training.recipe import data_root

    folder = models_folder or user_folder()
    return RecipeRun(data_root(), run_folder, folder, choose_device(device), command, on_step)


def train(recipe: Path, run: RecipeRun) -> ModelEntry:
    """The manifest entry of the model that the recipe file makes; an interrupted run goes on.

    Raises UsageError for a bad recipe and missing data sets, TrainingError where the run cannot go on.
    """
    from lgbpn_cli.training.recipe import read_recipe
    from lgbpn_cli.training.teacher.run import run_recipe

    return run_recipe(read_recipe(recipe), run)


def is_of_noise_estimator(recipe: Path) -> bool:
    """Whether the recipe file makes the noise estimator, not a model; UsageError where it cannot be read."""
    from lgbpn_cli.training import recipe as recipes

    return recipes.is_of_noise_estimator(recipe)


def train_noise_estimator(recipe: Path, run: RecipeRun) -> Path:
    """The weight file of the noise estimator that the recipe file makes; otherwise as `train`.

    Photos are denoised with the one that ships: the file takes its place where it is trained into that folder.
    """
    from lgbpn_cli.models.load import load_model
    from lgbpn_cli.training.noise_estimator.train import run_noise_estimator_recipe
    from lgbpn_cli.training.recipe import read_noise_estimator_recipe

    wanted = read_noise_estimator_recipe(recipe)
    student = load_model(wanted.student, part="student", device=run.device)
    return run_noise_estimator_recipe(wanted, student.network, run)


def train_raw(recipe: Path, run: RecipeRun) -> ModelEntry:
    """The manifest entry of the model with the raw network that the recipe file makes; otherwise as `train`."""
    from lgbpn_cli.training.raw.train import run_raw_recipe
    from lgbpn_cli.training.recipe import read_raw_recipe

    return run_raw_recipe(read_raw_recipe(recipe), run)


def distill(
    recipe: Path, run: RecipeRun, on_photo: Callable[[DistillationProgress], None] | None = None
) -> ModelEntry:
    """The manifest entry of the model with the student that the recipe file makes; otherwise as `train`.

    `on_photo` is told how many photos the teacher has cleaned. Raises ModelError, too, for an unknown teacher.
    """
    from lgbpn_cli.models.load import load_model
    from lgbpn_cli.training.recipe import read_distillation_recipe
    from lgbpn_cli.training.student.distil import run_distillation

    wanted = read_distillation_recipe(recipe)
    teacher = load_model(wanted.teacher, part="teacher", device=run.device)
    second_round = wanted.distillation.earlier_share > 0 or wanted.distillation.from_earlier
    earlier = load_model(wanted.teacher, part="student", device=run.device) if second_round else None
    return run_distillation(wanted, teacher, run, earlier=earlier, on_photo=on_photo)
