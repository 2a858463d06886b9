"""What a training run shows while it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from lgbpn_cli.cli.heartbeat import EVERY_S

if TYPE_CHECKING:
    from lgbpn_cli.training.engine.trainer import TrainingProgress


class StepReporter:
    """A progress bar on a terminal; elsewhere a line every hundred steps, and at least one every half minute."""

    def __init__(self) -> None:
        """Start at step 0."""
        from lgbpn_cli.cli.bars import tqdm

        self.bar = tqdm(unit="step", disable=None)
        self.step = 0
        self._said = time.monotonic()

    def __call__(self, progress: TrainingProgress) -> None:
        """Show where the run stands."""
        self.step = progress.step
        left = f"{progress.remaining_seconds / 60:.0f} min left"
        if self.bar.disable:
            now = time.monotonic()
            if progress.step % 100 == 0 or progress.step == progress.steps or now - self._said >= EVERY_S:
                self._said = now
                typer.echo(
                    f"step {progress.step}/{progress.steps}  loss {progress.loss:.3f}  "
                    f"{progress.seconds_per_step:.2f} s a step  {left}",
                    err=True,
                )
            return
        self.bar.total, self.bar.n = progress.steps, progress.step
        self.bar.set_postfix_str(
            f"loss {progress.loss:.3f}, {progress.seconds_per_step:.2f} s a step, {left}"
        )
