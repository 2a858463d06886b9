"""`lgbpn train`: a whole recipe, from noisy photos to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lgbpn_cli.training.trainer import TrainingProgress


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a TOML file (see recipes/ in the project).")],
    run_folder: Annotated[
        Path | None,
        typer.Option(help="Folder of the checkpoint; a run found there is resumed.  [default: runs/RECIPE]"),
    ] = None,
    models_folder: Annotated[
        Path | None, typer.Option(help="Where the finished model goes.  [default: your own models]")
    ] = None,
    device: Annotated[str, typer.Option("--device", "-d", help="auto, cpu, cuda[:N] or mps.")] = "auto",
) -> None:
    """Train a model from scratch on folders of noisy photos, without any clean picture.

    The data sets a recipe names are looked for below the folder in LGBPN_DATA. A run that was stopped goes on
    where its last checkpoint stands when the same command is given again.

    Example: lgbpn train recipes/base.toml --run-folder runs/base

    \b
    Exit codes:
      0    the model is trained
      1    the run cannot go on; its last checkpoint stands
      2    the recipe or the device was wrong
      130  stopped with Ctrl-C; the same command goes on from the last checkpoint
    """
    from lgbpn_cli import app

    folder = run_folder or Path("runs") / recipe.stem
    reporter = _Reporter()
    try:
        entry = app.train(
            recipe, run_folder=folder, models_folder=models_folder, device=device, on_step=reporter
        )
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped after step {reporter.step}; the same command goes on from {folder}", err=True)
        raise typer.Exit(130) from stop
    finally:
        reporter.bar.close()
    typer.echo(f"{entry.name} is trained: {entry.part_path('teacher')}", err=True)


class _Reporter:
    """A progress bar on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self.bar = tqdm(unit="step", disable=None)
        self.step = 0

    def __call__(self, progress: TrainingProgress) -> None:
        self.step = progress.step
        left = f"{progress.remaining_seconds / 60:.0f} min left"
        if self.bar.disable:
            if progress.step % 100 == 0 or progress.step == progress.steps:
                typer.echo(
                    f"step {progress.step}/{progress.steps}  loss {progress.loss_8bit:.3f} of 255  "
                    f"{progress.seconds_per_step:.2f} s a step  {left}",
                    err=True,
                )
            return
        self.bar.total, self.bar.n = progress.steps, progress.step
        self.bar.set_postfix_str(
            f"loss {progress.loss_8bit:.3f}, {progress.seconds_per_step:.2f} s a step, {left}"
        )
