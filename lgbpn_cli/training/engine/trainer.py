"""The training loop, and the training of an LG-BPN teacher from noisy photos alone (paper, section 4.1)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lgbpn_cli.config import NetworkConfig, PassConfig
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.network.blind import blind_loss
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import ScheduleConfig, TrainingConfig
from lgbpn_cli.training.engine.checkpoint import load_checkpoint, save_checkpoint
from lgbpn_cli.training.engine.muon import muon_and_adam
from lgbpn_cli.training.pictures.data import CropSampler

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FREE_SETTINGS = ("steps", "workers")
"""What may be changed while a run stands: how long it is, and how many processes make its lessons."""
NEWEST_SHARE = 0.1
"""How much the last step counts for the present pace, which changes with what else the machine does."""


@dataclass(frozen=True)
class TrainingProgress:
    """Where a run stands."""

    step: int
    steps: int
    loss: float
    """Loss of the last steps, smoothed; of pictures in levels of 0..255, where a blind one never falls below the
    noise."""
    seconds_per_step: float

    @property
    def remaining_seconds(self) -> float:
        """Time left at the present pace."""
        return (self.steps - self.step) * self.seconds_per_step


def learning_rate_at(step: int, config: ScheduleConfig) -> float:
    """Return the learning rate of `step` (from 0): linear warm-up, then half a cosine down to zero."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


class _Pace:
    """How fast a run's steps come, with all that is done between them."""

    def __init__(self, step: int, steps: int) -> None:
        """Begin behind `step`, for a run of `steps` at most."""
        self.first_step = self.step = step
        self.most_steps = steps
        self.started = self.noted = time.monotonic()
        self.recent_seconds = 0.0

    def note(self, step: int) -> None:
        """Take note that a step is done."""
        now = time.monotonic()
        self.step = step
        share = max(1 / (step - self.first_step), NEWEST_SHARE)
        self.recent_seconds += share * (now - self.noted - self.recent_seconds)
        self.noted = now

    @property
    def seconds_a_step(self) -> float:
        """Time for a step, the mean over the whole run."""
        return (self.noted - self.started) / (self.step - self.first_step)

    def steps_until(self, ends_at: float) -> int:
        """Return how many steps the run has in all if it is to be done by then, at the pace of the last ones."""
        fitting = int(max(0.0, ends_at - self.noted) / max(self.recent_seconds, 1e-6))
        return min(self.most_steps, self.step + fitting)


class Trainer:
    """One training run: a network, the average of its weights, its optimiser, and where it stands."""

    loss_scale = 255.0
    """From the loss's own unit to the one that people are told: levels, where it is in 0..1."""

    def __init__(
        self,
        network: nn.Module,
        network_config: DataclassInstance,
        config: ScheduleConfig,
        device: Device,
    ) -> None:
        """Start a run at step 0 with `network` as it is; `network_config` is what it was built from."""
        self.network_config, self.config, self.device = network_config, config, device
        self.network = network.to(device.torch_device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.optimisers = self.make_optimisers()
        self.step = 0
        self.smoothed_loss = 0.0
        self.ends_at = math.inf
        """When to be done, by `time.monotonic`; the schedule becomes shorter where the steps do not fit."""
        self.learned_from = ""
        """What tells the photos of this run, and their shares, from others; empty: nobody asks."""

    def make_optimisers(self) -> list[torch.optim.Optimizer]:
        """Return the optimisers that share the parameters among them; the schedule is the same for all."""
        return [torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate, fused=True)]

    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Take these weights instead of random ones."""
        self.network.load_state_dict(weights)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def loss(self) -> Tensor:
        """Return the loss of the present step, in units of 0..1 for pictures."""
        raise NotImplementedError

    def seconds_a_step(self) -> float:
        """Return how long a step takes; nothing is learned. The first pass pays for what happens once."""
        moments = [time.monotonic()]
        for _ in range(2):
            self.network.zero_grad()
            self.loss().backward()  # type: ignore[no-untyped-call]
            moments.append(time.monotonic())
        self.network.zero_grad()
        return max(1e-3, moments[2] - moments[1])

    def resume(self, path: Path) -> None:
        """Take over the state of a checkpoint of the same run; other settings or photos raise TrainingError.

        FREE_SETTINGS may differ: a run can be made longer or shorter while it stands.
        """
        state = load_checkpoint(path)
        try:
            # What an older version did not know had the value that is now its default.
            wanted = asdict(self.config)
            free = {name: wanted[name] for name in FREE_SETTINGS if name in wanted}
            settings = {**asdict(type(self.config)()), **state["training"], **free}
            same = state["network"] == asdict(self.network_config) and settings == wanted
            optimisers = state["optimisers"]
        except (KeyError, TypeError) as error:
            raise TrainingError(
                path, "not a checkpoint of a training run", "Delete it to start again."
            ) from error
        if not same:
            raise TrainingError(
                path, "the checkpoint was made with other settings", "Use another `run_folder`, or delete it."
            )
        if state.get("learned_from", "") != self.learned_from:
            raise TrainingError(
                path,
                "the checkpoint was made with other photos or targets",
                "Use another `run_folder`, or delete it.",
            )
        self.network.load_state_dict(state["weights"])
        self.average = {name: value.to(self.device.torch_device) for name, value in state["average"].items()}
        for optimiser, its_state in zip(self.optimisers, optimisers, strict=True):
            optimiser.load_state_dict(its_state)
        self.step, self.smoothed_loss = state["step"], state["smoothed_loss"]

    def save(self, path: Path) -> None:
        """Write the whole state to `path`."""
        save_checkpoint(
            path,
            {
                "network": asdict(self.network_config),
                "training": asdict(self.config),
                "learned_from": self.learned_from,
                "step": self.step,
                "smoothed_loss": self.smoothed_loss,
                "weights": self.network.state_dict(),
                "average": self.average,
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            },
        )

    def run(
        self, checkpoint: Path, on_step: Callable[[TrainingProgress], None] | None = None
    ) -> dict[str, Tensor]:
        """Train to the last step, resuming from `checkpoint` if it is there; return the averaged weights.

        Raises TrainingError when the loss is no longer a number: the last checkpoint then holds a good state.
        """
        # Momentum of kernels without a gradient decays to numbers so small that processors are slow with them; from
        # about step 1700 on, that made Muon's step several times slower than all the rest.
        torch.set_flush_denormal(True)
        try:
            return self._run(checkpoint, on_step)
        finally:
            # It is a switch of the whole thread: what runs after the training computes as before.
            torch.set_flush_denormal(False)

    def _run(self, checkpoint: Path, on_step: Callable[[TrainingProgress], None] | None) -> dict[str, Tensor]:
        if checkpoint.exists():
            self.resume(checkpoint)
        pace = _Pace(self.step, self.config.steps)
        while self.step < self.config.steps:
            loss = self._train_step()
            if not math.isfinite(loss):
                raise TrainingError(
                    checkpoint,
                    f"the loss became {loss} at step {self.step}",
                    "Lower learning_rate; the last checkpoint is good.",
                )
            # The mean of all steps so far at first, then of about the last two hundred.
            self.smoothed_loss += (loss * self.loss_scale - self.smoothed_loss) / min(self.step, 200)
            pace.note(self.step)
            if self.ends_at < math.inf:
                self.config = replace(self.config, steps=self.agreed(pace.steps_until(self.ends_at)))
            if self.step % self.config.checkpoint_every == 0 or self.step == self.config.steps:
                self.save(checkpoint)
            if on_step is not None:
                seconds = pace.seconds_a_step
                on_step(TrainingProgress(self.step, self.config.steps, self.smoothed_loss, seconds))
        return self.average

    def agreed(self, steps: int) -> int:
        """Return how many steps all processes of this run do."""
        return steps

    def _train_step(self) -> float:
        """Do one optimiser step and return its loss."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate_at(self.step, self.config)
        self.network.zero_grad()
        loss = self.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        self._update_average()
        return loss.item()

    @torch.no_grad()
    def _update_average(self) -> None:
        # Young averages follow fast: the random start would otherwise stay in them for thousands of steps.
        decay = min(self.config.ema_decay, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)


class TeacherTrainer(Trainer):
    """Trains an LG-BPN network to predict noisy photos from outside its hole."""

    def __init__(
        self,
        shape: NetworkConfig,
        config: TrainingConfig,
        sampler: CropSampler,
        device: Device,
        *,
        network: LGBPN | None = None,
    ) -> None:
        """Start a run at step 0 with weights drawn from the seed, or with a `network` of that shape as it is."""
        torch.manual_seed(config.seed)
        self.optimiser = config.optimiser
        super().__init__(network or LGBPN(shape), shape, config, device)
        self.sampler, self.rim_px = sampler, config.rim_px
        self.sampling = PassConfig(shape.training_local_pd, shape.training_global_pd)

    def make_optimisers(self) -> list[torch.optim.Optimizer]:
        """Return Adam alone, or Muon for the hidden kernels and Adam for all else."""
        if self.optimiser == "adam":
            return super().make_optimisers()
        return muon_and_adam(self.network, self.config.learning_rate, outer=("head.", "exit."))

    def loss(self) -> Tensor:
        """Return the blind loss (L1 to the noisy crops themselves)."""
        noisy = self.sampler.crops(self.step).to(self.device.torch_device)
        with self.device.autocast(self.config.precision):
            estimate = self.network(noisy, self.sampling)
        return blind_loss(estimate, noisy, self.rim_px)
