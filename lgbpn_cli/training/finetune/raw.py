"""Fine-tuning of the raw network: it learns a camera's noise from raw files alone, and is kept only if it is better."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry, all_models, find_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.training.config import FinetuneConfig, RawTrainingConfig
from lgbpn_cli.training.engine.trainer import Trainer, TrainingProgress
from lgbpn_cli.training.finetune.in_time import Reserve, in_time
from lgbpn_cli.training.finetune.model import LICENCE
from lgbpn_cli.training.finetune.mosaics import CROP_SITES, KeptMosaic, held_out_of
from lgbpn_cli.training.finetune.recorrupted import Lesson, blind, errors, recorrupted
from lgbpn_cli.training.raw.sensor import packed

CROP_PX = 128
LEARNING_RATE = 1e-4
EMA_DECAY = 0.99
MOST_STEPS = 1500
USUAL_LIGHT = (0.1, 1.0)
"""What a and b are multiplied with for the variance at a tenth of white."""
NEVER = 1 << 30
"""Steps between checkpoints: a run takes minutes, and is begun anew where it was stopped."""
CERTAIN = 2.0
"""Deviations of its own uncertainty by which a gain has to be above zero."""


LEAST_GAIN = 1e-3
"""In variances of the noise: a smaller gain may be certain, but nobody would see it."""


@dataclass(frozen=True)
class RawVerdict:
    """What the mosaics held out say of a new network, in variances of the noise."""

    before: float
    after: float
    gain: float
    """The mean gain of a crop, and how uncertain it is."""
    uncertainty: float
    blind_gain: float
    """The same at sites that the network does not see."""
    blind_uncertainty: float
    crops: int

    @property
    def accepted(self) -> bool:
        """Whether it is better beyond doubt and by something, and no worse where it cannot copy noise."""
        better = self.gain > max(LEAST_GAIN, CERTAIN * self.uncertainty)
        return better and self.blind_gain > -CERTAIN * self.blind_uncertainty

    def words(self) -> str:
        """Return it in a sentence."""
        kept = "is better" if self.accepted else "is no better beyond doubt, and was not kept"
        return (
            f"{kept}: loss on {self.crops} crops of raw files held out {self.before:.4f} -> {self.after:.4f} "
            f"(gain {self.gain:.4f} +- {self.uncertainty:.4f}; of hidden sites {self.blind_gain:.4f} +- "
            f"{self.blind_uncertainty:.4f})"
        )


@dataclass(frozen=True)
class RawReport:
    """What became of one run."""

    entry: ModelEntry | None
    """The finished model; None if it was not accepted."""
    verdict: RawVerdict
    steps: int


class MosaicTrainer(Trainer):
    """Trains a raw network on noisy mosaics, which are their own targets."""

    def __init__(
        self, base: RawNetwork, config: RawTrainingConfig, mosaics: Sequence[KeptMosaic], device: Device
    ) -> None:
        """Begin with the weights of `base`."""
        super().__init__(RawNetwork(base.config), base.config, config, device)
        self.begin_with(base.state_dict())
        self.mosaics = mosaics

    def loss(self) -> Tensor:
        """Return the root of the crops' mean error in variances of noise, times the noise at a tenth of white."""
        random = np.random.default_rng([self.config.seed, self.step])
        crops = [self._crop(random) for _ in range(self.config.batch)]
        planes, noise, gains = (
            torch.from_numpy(np.stack(parts)).to(self.device.torch_device)
            for parts in zip(*crops, strict=True)
        )
        generator = torch.Generator().manual_seed(int(random.integers(1 << 62)))
        network: RawNetwork = self.network  # type: ignore[assignment]
        error = errors(network, recorrupted(planes, noise, gains, generator))[0].mean()
        usual = (noise[:, 1] @ noise.new_tensor(USUAL_LIGHT)).mean()
        return (error * usual).sqrt()

    def _crop(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mosaic = self.mosaics[int(random.integers(len(self.mosaics)))]
        crop = mosaic.crops[int(random.integers(len(mosaic.crops)))]
        top, left = 2 * random.integers(0, (CROP_SITES - CROP_PX) // 2 + 1, 2)
        return packed(crop[top : top + CROP_PX, left : left + CROP_PX]), mosaic.levels, mosaic.gains


def load_raw_base(name: str | None, device: Device) -> Model:
    """Return the raw network to start from. Raises UsageError for a model that has none."""
    name = name or DEFAULT_MODEL
    if name == "scratch" or (not name.endswith(".safetensors") and "raw" not in find_model(name).parts):
        raise UsageError(
            f"`base` {name}", "raw files teach a network for camera raw, and it has none", "Omit `base`."
        )
    return load_model(name, part="raw", device=device)


def finetune_raw(
    mosaics: Sequence[KeptMosaic],
    base: Model,
    config: FinetuneConfig,
    *,
    run_folder: Path,
    models_folder: Path,
    device: Device,
    command: str,
    on_step: Callable[[TrainingProgress], None] | None = None,
) -> RawReport:
    """Train on mosaics, and return what became of it.

    A model is written only if it is better on the mosaics held out; its other parts are those of the base's model.
    """
    ends_at = time.monotonic() + config.time_limit_s
    learned, judged = held_out_of(mosaics, config.seed)
    network = network_as(base.network, RawNetwork, base.name)
    reserve = _time_to_judge(network, judged, device)
    trainer = MosaicTrainer(network, _training(config), learned, device)
    trainer.ends_at = ends_at - reserve.seconds
    run_folder.mkdir(parents=True, exist_ok=True)

    def after_step(progress: TrainingProgress) -> None:
        if on_step is not None:
            on_step(progress)
        reserve.note()
        trainer.ends_at = ends_at - reserve.seconds

    try:
        weights = trainer.run(run_folder / "raw.pt", after_step)
    finally:
        shutil.rmtree(run_folder, ignore_errors=True)
    new = RawNetwork(network.config).to(device.torch_device).eval()
    new.load_state_dict(weights)
    verdict = judge(network, new, judged, device, config.seed, ends_at - reserve.of_end_s)
    if not verdict.accepted:
        return RawReport(None, verdict, trainer.step)
    entry = _write(new, base, mosaics, verdict, config, trainer.step, models_folder, command)
    return RawReport(entry, verdict, trainer.step)


def _time_to_judge(network: RawNetwork, judged: Sequence[KeptMosaic], device: Device) -> Reserve:
    """Return what the verdict takes, from that on one crop."""
    one = replace(judged[0], crops=judged[0].crops[:1])
    judge(network, network, [one], device, seed=0)  # slower than those that follow
    reserve = Reserve()
    judge(network, network, [one], device, seed=0)
    reserve.done(parts=sum(len(each.crops) for each in judged))
    return reserve


def _training(config: FinetuneConfig) -> RawTrainingConfig:
    return RawTrainingConfig(
        steps=config.steps or MOST_STEPS,
        batch=config.batch,
        crop_px=CROP_PX,
        learning_rate=LEARNING_RATE,
        warmup_steps=10,
        gradient_clip=1.0,
        ema_decay=EMA_DECAY,
        precision="float32",
        seed=config.seed,
        checkpoint_every=NEVER,
    )


@torch.inference_mode()
def judge(
    before: RawNetwork,
    after: RawNetwork,
    mosaics: Sequence[KeptMosaic],
    device: Device,
    seed: int,
    ends_at: float = math.inf,
) -> RawVerdict:
    """Return which of two networks is nearer to the mosaics held out, crop by crop.

    By as many crops as there is time for until `ends_at`, as `time.monotonic` counts, and one.
    """
    before.eval()
    seen, hidden = [], []
    generator = torch.Generator().manual_seed(seed)
    # The first crops of all mosaics come first: one that is left out for want of time has others beside it.
    crops = sorted(
        ((place, mosaic, crop) for mosaic in mosaics for place, crop in enumerate(mosaic.crops)),
        key=lambda each: each[0],
    )
    for place, mosaic, crop in in_time(ends_at, crops):
        noise, gains, planes = (
            torch.from_numpy(each)[None].to(device.torch_device)
            for each in (mosaic.levels, mosaic.gains, packed(crop))
        )
        seen.append(_two_errors(before, after, recorrupted(planes, noise, gains, generator)))
        hidden.append(_two_errors(before, after, blind(planes, noise, gains, place)))
    of_seen, of_hidden = np.array(seen), np.array(hidden)
    gain, uncertainty = _gain(of_seen)
    blind_gain, blind_uncertainty = _gain(of_hidden)
    means = of_seen.mean(axis=0)
    return RawVerdict(
        float(means[0]), float(means[1]), gain, uncertainty, blind_gain, blind_uncertainty, len(seen)
    )


def _two_errors(before: RawNetwork, after: RawNetwork, lesson: Lesson) -> tuple[float, float]:
    """Return both networks' errors, in variances at the light that the first one sees."""
    first, light = errors(before, lesson)
    second, _ = errors(after, lesson, scale_by=light)
    return float(first), float(second)


def _gain(pairs: np.ndarray) -> tuple[float, float]:
    """Return the mean of what the second is smaller, and the standard error of that mean."""
    gains = pairs[:, 0] - pairs[:, 1]
    error = float(gains.std(ddof=1)) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    return float(gains.mean()), error


def _write(
    network: RawNetwork,
    base: Model,
    mosaics: Sequence[KeptMosaic],
    verdict: RawVerdict,
    config: FinetuneConfig,
    steps: int,
    folder: Path,
    command: str,
) -> ModelEntry:
    """Write the model: its raw network, and beside it the base's part for other photos."""
    data = f"{len(mosaics)} of the user's own raw files"
    of_pictures = load_model(base.name if base.name in all_models() else DEFAULT_MODEL, device=base.device)
    new = Publication(
        name=config.name,
        part="raw",
        weights={name: value.to(torch.float16) for name, value in network.state_dict().items()},
        shape=network.config,
        preset=base.preset,
        network=f"U-Net at half resolution, widths {', '.join(map(str, network.config.widths))}",
        data=data,
        licence=LICENCE,
        steps=steps,
        command=command,
        schedule=f"of {config.batch} crops of {CROP_PX} px, mosaics their own targets, learning rate {LEARNING_RATE:g}",
        details=(f"Fine-tuned from {base.name} on {data}; no clean photo was used.", f"It {verdict.words()}"),
        cameras=tuple(sorted({(each.shot.camera, each.shot.iso) for each in mosaics if each.shot.camera})),
        begins_model=True,
    )
    entry = publish(new, folder)
    if of_pictures.part == "raw":
        return entry
    beside = replace(
        new,
        part=of_pictures.part,
        weights=of_pictures.network.state_dict(),
        shape=of_pictures.network.config,
        preset=of_pictures.preset,
        network=f"that of {of_pictures.name}",
        data=f"that of {of_pictures.name}",
        steps=0,
        schedule="",
        details=(f"The {of_pictures.part} is that of {of_pictures.name}.",),
        begins_model=False,
    )
    return publish(beside, folder)
