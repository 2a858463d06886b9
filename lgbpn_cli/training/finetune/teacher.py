"""The teacher of a fine-tuned model: it trains on tiles of the photos, and its best state is kept.

A run's folder holds its settings, the checkpoint, the best state so far and a preview: what an interrupted run goes
on from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lgbpn_cli.config import PRESETS, NetworkConfig
from lgbpn_cli.config.file_names import EVERY_NAME
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.blind import blind_loss
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import FinetuneConfig, TrainingConfig
from lgbpn_cli.training.engine.checkpoint import load_checkpoint, save_checkpoint
from lgbpn_cli.training.engine.distributed import ProcessGroup
from lgbpn_cli.training.engine.kept_json import keep_json
from lgbpn_cli.training.engine.trainer import TeacherTrainer, TrainingProgress
from lgbpn_cli.training.finetune.teacher_verdict import (
    Comparison,
    TeacherVerdict,
    blind_losses,
    compared_teachers,
    judging_crops,
)
from lgbpn_cli.training.pictures.data import CropSampler, NoisySource

SETTINGS_NAME, CHECKPOINT_NAME, BEST_NAME, PREVIEW_NAME = (
    "run.json",
    "checkpoint.pt",
    "best.pt",
    "preview.png",
)
TEACHER_SHARE = 0.35
"""Share of the time limit that the teacher's steps get; judging and the student get the rest."""
JUDGEMENTS = 10
"""How often the network is judged on the photos held out, over the whole run, at most."""
JUDGEMENT_SHARE = 0.5
"""A judgement takes about this share of the time of judging the first network, which is also used as it will be."""
VERDICT_SHARE = 1.5
"""The verdict and the last preview together take about so many times that time."""
JUDGING_SHARE = 0.2
"""Share of the teacher's time that judging may take."""
PREVIEW_PX = 240
FEWEST_STEPS = 20
"""Are planned, however short the time; it ends them when it is over."""


@dataclass(frozen=True)
class LearnedTeacher:
    """What became of the teacher."""

    network: LGBPN
    """The best state that was found; the one it started from where that was not accepted."""
    verdict: TeacherVerdict | None
    """None where no state was better than the base's."""
    steps: int
    """Those of the best state, of the run where there is none."""
    interrupted: bool
    trouble: str
    """Why the run ended early, if it did by itself."""

    @property
    def accepted(self) -> bool:
        """Whether it is better than the one that it started from."""
        return self.verdict is not None and self.verdict.accepted


class FinetuneTrainer(TeacherTrainer):
    """Trains a network that has learned already; every process of a group takes its share of the crops."""

    def __init__(
        self,
        start: dict[str, Tensor] | None,
        network: NetworkConfig,
        config: TrainingConfig,
        sampler: CropSampler,
        device: Device,
        group: ProcessGroup,
    ) -> None:
        """Begin with the weights `start`, None: with random ones."""
        super().__init__(network, config, sampler, device)
        if start is not None:
            self.begin_with(start)
        self.group = group
        self.shared = group.wrap(self.network, device)

    def loss(self) -> Tensor:
        """Return the blind loss of this process's share of the crops."""
        noisy = self.group.share(self.sampler.crops(self.step)).to(self.device.torch_device)
        with self.device.autocast(self.config.precision):
            estimate = self.shared(noisy, self.sampling)
        return blind_loss(estimate, noisy, self.rim_px)

    def agreed(self, steps: int) -> int:
        """Return the steps of the leading process."""
        return self.group.agree(steps)

    def _train_step(self) -> float:
        return self.group.mean(super()._train_step())

    def save(self, path: Path) -> None:
        """Write the state, once for all processes."""
        if self.group.leads:
            super().save(path)
        self.group.wait()


class Judge:
    """Judges states of a network by their loss on photos held out, and keeps the best one and a preview."""

    def __init__(
        self,
        first: LGBPN,
        comparison: Comparison[LGBPN],
        preset: str,
        run_folder: Path,
        note: Callable[[str], None],
    ) -> None:
        """Begin with the network `first`, judged already, or with the best state that lies in the run's folder."""
        self.first, self.comparison, self.preset, self.note = first, comparison, preset, note
        self.crops, device = comparison.crops, comparison.device
        self.network = LGBPN(first.config).to(device.torch_device).eval()
        self.best_path, self.preview_path = run_folder / BEST_NAME, run_folder / PREVIEW_NAME
        self.loss_8bit, self.step = comparison.base.loss_8bit, 0
        if self.best_path.exists():
            state = load_checkpoint(self.best_path)
            self.loss_8bit, self.step = state["loss_8bit"], state["step"]
        note(f"loss on {len(self.crops)} crops of photos held out before: {self.loss_8bit:.3f} of 255")

    def judge(self, trainer: FinetuneTrainer) -> None:
        """Keep the trainer's average of weights if no state was better so far."""
        self.network.load_state_dict(trainer.average)
        loss = float(np.mean(blind_losses(self.network, self.crops, self.comparison.device)))
        self.note(f"step {trainer.step}: loss on photos held out {loss:.3f}")
        if loss < self.loss_8bit:
            self.loss_8bit, self.step = loss, trainer.step
            state = {"weights": trainer.average, "loss_8bit": loss, "step": trainer.step}
            save_checkpoint(self.best_path, state)

    def preview(self, trainer: FinetuneTrainer) -> None:
        """Show a photo, and what the first network and the one in training make of it."""
        self.network.load_state_dict(trainer.average)
        networks = (self.first, self.network)
        write_preview(self.preview_path, self.crops[0], networks, self.preset, self.comparison.device)
        self.note(f"preview: {self.preview_path} (noisy, before, now)")

    def conclude(self, last_step: int, *, interrupted: bool, trouble: str) -> LearnedTeacher:
        """Return the best state, compared with the first network."""
        if not self.best_path.exists():
            return LearnedTeacher(self.first, None, last_step, interrupted, trouble)
        self.network.load_state_dict(load_checkpoint(self.best_path)["weights"])
        verdict = self.comparison.verdict(self.network)
        network = self.network if verdict.accepted else self.first
        return LearnedTeacher(network, verdict, self.step, interrupted, trouble)


def learn_teacher(
    base: Model | None,
    shape: NetworkConfig,
    config: FinetuneConfig,
    learned: Sequence[NDArray[np.uint8]],
    held_out: Sequence[NDArray[np.uint8]],
    run_folder: Path,
    device: Device,
    group: ProcessGroup,
    *,
    started: float,
    on_step: Callable[[TrainingProgress], None] | None,
    note: Callable[[str], None],
) -> LearnedTeacher:
    """Return a teacher that learned on the tiles `learned`, judged on the tiles `held_out`.

    It starts from the teacher `base`, None: from random weights of `shape`. A run found in `run_folder` goes on. Only
    the process that leads `group` judges. The run's time began at `started`. Raises TrainingError where the run cannot
    go on.
    """
    crops = judging_crops(held_out)
    first = LGBPN(shape).to(device.torch_device).eval()
    if base is not None:
        first.load_state_dict(base.network.state_dict())
    trainer = _trainer(first, base is not None, config, learned, device, group)
    if base is None:
        first.load_state_dict(trainer.network.state_dict())
    preset = "sidd" if base is None else base.preset
    comparison = compared_teachers(first, crops, preset, device)
    now = time.monotonic()
    left_s = started + config.time_limit_s - now
    trainer.ends_at = now + min(TEACHER_SHARE * left_s, left_s - VERDICT_SHARE * comparison.seconds)
    plan = _planned(config, trainer, run_folder, group, JUDGEMENT_SHARE * comparison.seconds)
    trainer.config = replace(
        trainer.config,
        steps=config.steps or plan["steps"],
        checkpoint_every=plan["judge_every"],
        warmup_steps=plan["warmup_steps"],
    )
    judge = Judge(first, comparison, preset, run_folder, note)
    shown_at = [started]

    def after_step(progress: TrainingProgress) -> None:
        if not group.leads:
            return
        last = progress.step == progress.steps
        if last or progress.step % trainer.config.checkpoint_every == 0:
            judge.judge(trainer)
        if last or time.monotonic() - shown_at[0] >= config.preview_every_s:
            shown_at[0] = time.monotonic()
            judge.preview(trainer)
        if on_step is not None:
            on_step(progress)

    interrupted, trouble = False, ""
    checkpoint = run_folder / CHECKPOINT_NAME
    try:
        if checkpoint.exists():
            trainer.resume(checkpoint)
            if group.leads:
                judge.judge(trainer)  # the run may have ended between writing it and judging
        trainer.run(checkpoint, after_step)
        if group.leads and trainer.config.steps < plan["steps"]:  # time was over: --resume is not to train on
            _keep_plan(run_folder, config, {**plan, "steps": trainer.step})
    except KeyboardInterrupt:
        interrupted = True
        note("stopping: the best state so far is judged; Ctrl-C once more leaves that to `resume`")
    except TrainingError as error:
        if not judge.best_path.exists():
            raise
        trouble = str(error)
    group.wait()
    if not group.leads:
        return LearnedTeacher(first, None, trainer.step, interrupted, trouble)
    return judge.conclude(trainer.step, interrupted=interrupted, trouble=trouble)


def _trainer(
    first: LGBPN,
    has_learned: bool,
    config: FinetuneConfig,
    tiles: Sequence[NDArray[np.uint8]],
    device: Device,
    group: ProcessGroup,
) -> FinetuneTrainer:
    training = TrainingConfig(
        steps=config.steps or 1,
        batch=config.batch,
        crop_px=config.crop_px,
        learning_rate=config.learning_rate,
        ema_decay=config.ema_decay,
        seed=config.seed,
    )
    sampler = CropSampler(
        [NoisySource("photos", tuple(tiles), 1.0)],
        batch=config.batch,
        crop_px=config.crop_px,
        seed=config.seed,
    )
    start = first.state_dict() if has_learned else None
    return FinetuneTrainer(start, first.config, training, sampler, device, group)


def _as_kept(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as they are read back from JSON, which has no tuples."""
    kept: dict[str, Any] = json.loads(json.dumps(settings))
    return kept


def _planned(
    config: FinetuneConfig,
    trainer: FinetuneTrainer,
    run_folder: Path,
    group: ProcessGroup,
    judging_s: float,
) -> dict[str, int]:
    """Return steps, judge_every and warmup_steps: those of the run that is resumed, or planned and written down now.

    Judging takes `judging_s` each time. Raises UsageError where the run that is resumed was started with other
    settings.
    """
    path = run_folder / SETTINGS_NAME
    fixed = _fixed(config)
    names = ("steps", "judge_every", "warmup_steps")
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            plan = {name: int(known[name]) for name in names}
            # Runs of versions that did not ask for names or frames took all photos, and no frames.
            settings = {"names": _as_kept(asdict(EVERY_NAME)), "dark": None, **known["settings"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(path, "the run's settings are damaged", "Start a new run.") from error
        if settings != fixed:
            raise UsageError(
                "`resume`", "the run was started with other options", "Repeat those, or use `overwrite`."
            )
        return plan
    seconds_a_step = trainer.seconds_a_step()
    its_s = trainer.ends_at - time.monotonic()
    judgements = max(1, min(JUDGEMENTS, int(JUDGING_SHARE * its_s / max(judging_s, 1e-3))))
    fitting = int((its_s - judgements * judging_s) / seconds_a_step)
    steps = group.agree(config.steps or max(FEWEST_STEPS, fitting))
    judge_every = group.agree(min(steps, max(5, min(200, steps // judgements))))
    plan = dict(zip(names, (steps, judge_every, min(100, max(1, steps // 10))), strict=True))
    if group.leads:
        _keep_plan(run_folder, config, plan)
    group.wait()
    return plan


def _keep_plan(run_folder: Path, config: FinetuneConfig, plan: dict[str, int]) -> None:
    keep_json(run_folder / SETTINGS_NAME, {**plan, "settings": _fixed(config)})


def _fixed(config: FinetuneConfig) -> dict[str, Any]:
    """Return the settings that --resume may not change."""
    return _as_kept(asdict(replace(config, steps=None, time_limit_s=1.0, preview_every_s=1.0)))


@torch.inference_mode()
def write_preview(
    path: Path, crop: NDArray[np.uint8], networks: Sequence[LGBPN], preset: str, device: Device
) -> None:
    """Write the crop and what each network makes of it, side by side, replacing an older preview whole."""
    crop = crop[:PREVIEW_PX, :PREVIEW_PX]
    noisy = torch.from_numpy(np.ascontiguousarray(crop)).to(device.torch_device).permute(2, 0, 1)[None] / 255
    pictures = [crop]
    for network in networks:
        clean = network(noisy, PRESETS[preset].first)[0].permute(1, 2, 0).clamp(0, 1)
        pictures.append((255 * clean).round().to(torch.uint8).cpu().numpy())
    part = path.with_suffix(".part")
    try:
        Image.fromarray(np.concatenate(pictures, axis=1)).save(part, format="PNG")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # a run does not end for want of a picture to look at
