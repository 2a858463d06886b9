"""Fine-tuning: a model learns the noise of somebody's own photos, and is kept only if it is better for them.

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
from lgbpn_cli.device import Device
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.file_names import EVERY_NAME
from lgbpn_cli.models.load import Model
from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.network.blind import blind_loss
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import FinetuneConfig, TrainingConfig
from lgbpn_cli.training.engine.checkpoint import load_checkpoint, save_checkpoint
from lgbpn_cli.training.engine.distributed import ProcessGroup
from lgbpn_cli.training.engine.kept_json import keep_json
from lgbpn_cli.training.engine.trainer import TeacherTrainer, TrainingProgress
from lgbpn_cli.training.finetune.acceptance import Verdict, blind_losses, compare_teachers, judging_crops
from lgbpn_cli.training.finetune.model import add_student, write_model
from lgbpn_cli.training.finetune.photos import KeptPhoto, read_tiles
from lgbpn_cli.training.finetune.student import learn_student
from lgbpn_cli.training.pictures.data import CropSampler, NoisySource

SETTINGS_NAME, CHECKPOINT_NAME, BEST_NAME, PREVIEW_NAME = (
    "run.json",
    "checkpoint.pt",
    "best.pt",
    "preview.png",
)
TEACHER_SHARE = 0.5
"""Share of the time limit that the teacher's steps get; judging and the student get the rest."""
JUDGEMENTS = 10
"""How often the network is judged on the photos held out, over the whole run, at most."""
JUDGING_SHARE = 0.2
"""Share of the teacher's time that judging may take."""
PREVIEW_PX = 240
FEWEST_STEPS = 20
"""Are planned, however short the time; it ends them when it is over."""


@dataclass(frozen=True)
class Report:
    """What became of one run."""

    entry: ModelEntry | None
    """The finished model; None if neither teacher nor student was accepted."""
    verdict: Verdict | None
    """On the teacher; None where no state was better than its base."""
    steps: int
    student_verdict: Verdict | None = None
    """None where no student was made."""
    interrupted: bool = False
    """Stopped with Ctrl-C: the best state so far was judged, and the run can be resumed."""
    trouble: str = ""
    """Why the run ended early, if it did by itself."""
    rank: int = 0
    """Which process says so; only the one of rank 0 judges and makes the model."""


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


@dataclass
class _Best:
    """The best state so far, judged on crops of photos held out."""

    loss_8bit: float
    path: Path
    step: int = 0

    def weights(self) -> dict[str, Tensor] | None:
        return load_checkpoint(self.path)["weights"] if self.path.exists() else None


def finetune(
    photos: Sequence[KeptPhoto],
    base: Model | None,
    shape: NetworkConfig,
    config: FinetuneConfig,
    *,
    run_folder: Path,
    tiles_folder: Path,
    models_folder: Path,
    device: Device,
    command: str,
    group: ProcessGroup | None = None,
    on_step: Callable[[TrainingProgress], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Report:
    """Train on `photos`, whose tiles lie in `tiles_folder`, and return what became of it.

    A run that is found in `run_folder` goes on.

    `base` is the teacher it starts from; None: random weights of `shape`. A model is written into `models_folder`
    only if its teacher or its student is better than the base's on the photos held out; the other one is the base's
    then. Raises TrainingError where the run cannot go on.
    """
    group = group or ProcessGroup()
    note: Callable[[str], None] = on_note if on_note is not None and group.leads else lambda text: None
    started = time.monotonic()
    learned = read_tiles([each for each in photos if not each.held_out], tiles_folder)
    held_out = read_tiles([each for each in photos if each.held_out], tiles_folder)
    crops = judging_crops(held_out)
    preset = "sidd" if base is None else base.preset
    first = LGBPN(shape).to(device.torch_device).eval()
    if base is not None:
        first.load_state_dict(base.network.state_dict())
    training = _training(config)
    sampler = CropSampler(
        [NoisySource("photos", tuple(learned), 1.0)],
        batch=config.batch,
        crop_px=config.crop_px,
        seed=config.seed,
    )
    start = None if base is None else first.state_dict()
    trainer = FinetuneTrainer(start, shape, training, sampler, device, group)
    if base is None:
        first.load_state_dict(trainer.network.state_dict())
    judging = time.monotonic()
    loss_before = _mean_loss(first, crops, device)
    judging_s = time.monotonic() - judging
    plan = _planned(config, trainer, run_folder, group, started, judging_s)
    ends_at = started + config.time_limit_s
    trainer.ends_at = ends_at - (1 - TEACHER_SHARE) * (ends_at - time.monotonic()) - judging_s
    trainer.config = replace(
        training,
        steps=config.steps or plan["steps"],
        checkpoint_every=plan["judge_every"],
        warmup_steps=plan["warmup_steps"],
    )

    judge = LGBPN(shape).to(device.torch_device).eval()
    best = _Best(loss_before, run_folder / BEST_NAME)
    if best.path.exists():
        state = load_checkpoint(best.path)
        best.loss_8bit, best.step = state["loss_8bit"], state["step"]
    note(f"loss on {len(crops)} crops of photos held out before: {best.loss_8bit:.3f} of 255")
    last_preview = [started]

    def judge_now() -> None:
        judge.load_state_dict(trainer.average)
        loss = _mean_loss(judge, crops, device)
        note(f"step {trainer.step}: loss on photos held out {loss:.3f}")
        if loss < best.loss_8bit:
            best.loss_8bit, best.step = loss, trainer.step
            save_checkpoint(best.path, {"weights": trainer.average, "loss_8bit": loss, "step": trainer.step})

    def after_step(progress: TrainingProgress) -> None:
        if group.leads and (
            progress.step % trainer.config.checkpoint_every == 0 or progress.step == progress.steps
        ):
            judge_now()
        if group.leads and (
            time.monotonic() - last_preview[0] >= config.preview_every_s or progress.step == progress.steps
        ):
            last_preview[0] = time.monotonic()
            judge.load_state_dict(trainer.average)
            write_preview(run_folder / PREVIEW_NAME, crops[0], (first, judge), preset, device)
            note(f"preview: {run_folder / PREVIEW_NAME} (noisy, before, now)")
        if on_step is not None and group.leads:
            on_step(progress)

    interrupted, trouble = False, ""
    checkpoint = run_folder / CHECKPOINT_NAME
    try:
        if checkpoint.exists():
            trainer.resume(checkpoint)
            if group.leads:
                judge_now()  # the run may have ended between writing it and judging
        trainer.run(checkpoint, after_step)
        if group.leads and trainer.config.steps < plan["steps"]:  # time was over: --resume is not to train on
            _keep_plan(run_folder, config, {**plan, "steps": trainer.step})
    except KeyboardInterrupt:
        interrupted = True
        note("stopping: the best state so far is judged; Ctrl-C once more leaves that to --resume")
    except TrainingError as error:
        if not best.path.exists():
            raise
        trouble = str(error)
    group.wait()
    if not group.leads:
        return Report(None, None, trainer.step, None, interrupted, trouble, group.rank)

    verdict = None
    weights = best.weights()
    if weights is not None:
        judge.load_state_dict(weights)
        verdict = compare_teachers(first, judge, crops, preset, device)
    accepted = verdict is not None and verdict.accepted

    def with_teacher(network: LGBPN) -> ModelEntry:
        return write_model(
            network,
            shape,
            preset,
            photos,
            verdict,
            config,
            steps=best.step if network is judge else 0,
            base="scratch" if base is None else base.name,
            folder=models_folder,
            command=command,
        )

    entry = with_teacher(judge) if accepted else None
    steps = trainer.step if weights is None else best.step
    if interrupted or trouble:
        return Report(entry, verdict, steps, interrupted=interrupted, trouble=trouble)
    try:
        student = learn_student(
            base,
            learned,
            held_out,
            ends_at,
            run_folder,
            device,
            on_step=on_step,
            on_note=note,
        )
    except KeyboardInterrupt:
        return Report(entry, verdict, steps, interrupted=True)
    except TrainingError as error:
        return Report(entry, verdict, steps, trouble=str(error))
    if student is None:
        return Report(entry, verdict, steps)
    if accepted or student.verdict.accepted:
        entry = add_student(entry or with_teacher(first), student)
    return Report(entry, verdict, steps, student.verdict)


def _mean_loss(network: LGBPN, crops: Sequence[NDArray[np.uint8]], device: Device) -> float:
    return float(np.mean(blind_losses(network, crops, device)))


def _training(config: FinetuneConfig) -> TrainingConfig:
    return TrainingConfig(
        steps=config.steps or 1,
        batch=config.batch,
        crop_px=config.crop_px,
        learning_rate=config.learning_rate,
        ema_decay=config.ema_decay,
        seed=config.seed,
    )


def _as_kept(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as they are read back from JSON, which has no tuples."""
    kept: dict[str, Any] = json.loads(json.dumps(settings))
    return kept


def _planned(
    config: FinetuneConfig,
    trainer: FinetuneTrainer,
    run_folder: Path,
    group: ProcessGroup,
    started: float,
    judging_s: float,
) -> dict[str, int]:
    """Return steps, judge_every and warmup_steps: those of the run that is resumed, or planned and written down now.

    The run's time began at `started`, and judging takes `judging_s` each time. Raises UsageError where the run that is
    resumed was started with other settings.
    """
    path = run_folder / SETTINGS_NAME
    fixed = _fixed(config)
    names = ("steps", "judge_every", "warmup_steps")
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            plan = {name: int(known[name]) for name in names}
            # Runs of versions that did not ask for names took all photos.
            settings = {"names": _as_kept(asdict(EVERY_NAME)), **known["settings"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(path, "the run's settings are damaged", "Start a new run.") from error
        if settings != fixed:
            raise UsageError(
                "--resume", "the run was started with other options", "Repeat those, or use --overwrite."
            )
        return plan
    seconds_a_step = trainer.seconds_a_step()
    its_s = TEACHER_SHARE * (started + config.time_limit_s - time.monotonic())
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
