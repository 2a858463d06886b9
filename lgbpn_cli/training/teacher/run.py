"""One whole recipe: noisy photos in; weight file, manifest entry and model card out."""

from __future__ import annotations

from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.training.engine.kept_arrays import digest_of_all
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.start import weights_to_start
from lgbpn_cli.training.engine.trainer import TeacherTrainer
from lgbpn_cli.training.pictures.data import CropSampler, load_source
from lgbpn_cli.training.recipe import Recipe

CHECKPOINT_NAME = "checkpoint.pt"


def run_recipe(recipe: Recipe, run: RecipeRun) -> ModelEntry:
    """Train what `recipe` says, and return the manifest entry of the finished model.

    Writes the weight file, its card and the entry into the models' folder, only when the last step is done.
    """
    training = recipe.training
    sources = [load_source(source, run.data_root, training.crop_px) for source in recipe.sources]
    sampler = CropSampler(
        sources,
        batch=training.batch,
        crop_px=training.crop_px,
        seed=training.seed,
        recoloured_share=training.recoloured_share,
        drawn_share=training.drawn_share,
    )
    run.run_folder.mkdir(parents=True, exist_ok=True)
    trainer = TeacherTrainer(recipe.network, training, sampler, run.device)
    if recipe.start is not None:
        trainer.begin_with(weights_to_start(recipe.start, "teacher", recipe.network, run.device))
    trainer.learned_from = " ".join(f"{each.weight} {digest_of_all(each.photos)}" for each in sources)
    weights = trainer.run(run.run_folder / CHECKPOINT_NAME, run.on_step)

    network = recipe.network
    new = Publication(
        name=recipe.name,
        part="teacher",
        weights=weights,
        shape=network,
        preset=recipe.preset,
        network=f"LG-BPN teacher, width {network.width}, head {network.head_width}, {network.local_modules} local "
        f"modules, {network.global_blocks} transformer blocks, hole radius {network.hole_radius_px} px",
        data="; ".join(f"{source.name}: {len(source.photos)} noisy photos" for source in sources),
        licence=recipe.licence,
        steps=training.steps,
        command=run.command,
        schedule=f"of {training.batch} crops of {training.crop_px} px, L1 to the noisy input, "
        f"{training.optimiser.capitalize()}, EMA {training.ema_decay}",
        details=("No clean picture was used.",),
    )
    return publish(new, run.models_folder)
