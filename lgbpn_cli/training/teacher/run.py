"""One whole recipe: noisy photos in; weight file, manifest entry and model card out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from lgbpn_cli.device import Device
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, file_sha256
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.training.engine.kept_arrays import digest_of_all
from lgbpn_cli.training.engine.trainer import TeacherTrainer, TrainingProgress
from lgbpn_cli.training.pictures.data import CropSampler, load_source
from lgbpn_cli.training.recipe import Recipe

CHECKPOINT_NAME = "checkpoint.pt"


def run_recipe(
    recipe: Recipe,
    *,
    data_root: Path,
    run_folder: Path,
    models_folder: Path,
    device: Device,
    command: str,
    on_step: Callable[[TrainingProgress], None] | None = None,
) -> ModelEntry:
    """Train what `recipe` says, resuming from `run_folder`, and return the manifest entry of the finished model.

    Writes the weight file, its card and the entry into `models_folder`, only when the last step is done.
    """
    training = recipe.training
    sources = [load_source(source, data_root, training.crop_px) for source in recipe.sources]
    sampler = CropSampler(
        sources,
        batch=training.batch,
        crop_px=training.crop_px,
        seed=training.seed,
        recoloured_share=training.recoloured_share,
    )
    run_folder.mkdir(parents=True, exist_ok=True)
    trainer = TeacherTrainer(recipe.network, training, sampler, device)
    trainer.learned_from = " ".join(f"{each.weight} {digest_of_all(each.photos)}" for each in sources)
    weights = trainer.run(run_folder / CHECKPOINT_NAME, on_step)

    models_folder.mkdir(parents=True, exist_ok=True)
    target = models_folder / f"{recipe.name}.safetensors"
    write_weights(target, weights, recipe.network, recipe.preset)
    photos = "; ".join(f"{source.name}: {len(source.photos)} noisy photos" for source in sources)
    entry = ModelEntry(
        name=recipe.name,
        preset=recipe.preset,
        parts={"teacher": ModelPart(target.name, file_sha256(target))},
        training_data=photos,
        licence=recipe.licence,
        steps=training.steps,
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        card=f"{recipe.name}.md",
        folder=models_folder,
    )
    (models_folder / entry.card).write_text(_card(recipe, entry), encoding="utf-8")
    add_entry(entry)
    return entry


def _card(recipe: Recipe, entry: ModelEntry) -> str:
    """Return the card's facts that the run itself knows; what was measured is added by who measures it."""
    network, training = recipe.network, recipe.training
    return f"""# {entry.name}

- Network: LG-BPN teacher, width {network.width}, head {network.head_width}, {network.local_modules} local modules, \
{network.global_blocks} transformer blocks, hole radius {network.hole_radius_px} px
- Made by: `{entry.command}`
- Data: {entry.training_data}. No clean picture was used.
- Steps: {training.steps} of {training.batch} crops of {training.crop_px} px, L1 to the noisy input, \
{training.optimiser.capitalize()}, EMA {training.ema_decay}
- Date: {entry.date}
- Licence: {entry.licence}
- SHA-256: {entry.parts["teacher"].sha256}
"""
