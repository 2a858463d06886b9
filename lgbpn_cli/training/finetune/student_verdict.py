"""Whether a fine-tuned student is better than the one it came from, judged without any clean picture.

Two judges are asked. On photos held out the estimated error must fall, surely, and also if the noise is weaker or much
stronger than it was measured to be: a student that gains by a wrong measurement alone does not pass. On sharp scenes
with that noise, whose answers are known, the error must not grow as surely: what these photos lack is not unlearned.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.finetune.acceptance import in_standard_errors
from lgbpn_cli.training.finetune.risk import ProbedPhoto, Risk, risk_of
from lgbpn_cli.training.student.pairs import Pairs

STANDARD_ERRORS = 3.0
"""By so many standard errors of its mean over the places the error must fall: less may be chance."""
NOISE_SHARES = (0.7, 1.0, 4.0)
"""What the variance of the noise may really be, of what was measured in flat patches: less, where those have texture;
more, where JPEG has taken noise from what is flat and left it elsewhere."""
USUAL_RISK = 0.1
"""Of the noise's variance: what is left of it where the estimate says less."""
ROUNDING = 1 / 12
"""Variance of what whole levels add: no scene is answered better than that."""


@dataclass(frozen=True)
class StudentJudgement:
    """What one student does."""

    risk: Risk
    """On the photos held out."""
    known: tuple[float, ...]
    """Its squared error on each sharp scene, in squared levels."""


@dataclass(frozen=True)
class StudentVerdict:
    """The comparison of a new student with its base, at the same places."""

    base: StudentJudgement
    new: StudentJudgement
    noise_variance: tuple[float, ...]
    """Of each photo held out, in squared levels."""

    @property
    def gain_db(self) -> float:
        """What the new student gains on all photos held out together, as estimated."""
        least = USUAL_RISK * float(np.mean(self.noise_variance))
        before = max(least, float(self.base.risk.of_photos().mean()))
        fell = float((self.base.risk.of_photos() - self.new.risk.of_photos()).mean())
        return float(-10 * np.log10(max(1e-3, 1 - fell / before))) + 0.0

    @property
    def standard_errors(self) -> float:
        """By how many standard errors of its mean the estimated error fell, at least, whatever the noise may be."""
        variance = np.asarray(self.noise_variance)[np.asarray(self.base.risk.photo)]
        return min(
            in_standard_errors((self.base.risk.at_places(share) - self.new.risk.at_places(share)) / variance)
            for share in NOISE_SHARES
        )

    @property
    def _gains_on_scenes_db(self) -> NDArray[np.float64]:
        before, after = (np.asarray(each.known) + ROUNDING for each in (self.base, self.new))
        return np.asarray(10 * np.log10(before / after))

    @property
    def reasons(self) -> list[str]:
        """Why it is not accepted; nothing if it is."""
        found = []
        # Every condition is asked so that what is not a number fails it.
        if not self.standard_errors >= STANDARD_ERRORS:
            found.append(f"it is not surely better on the photos held out: {self._gained()}")
        if not in_standard_errors(self._gains_on_scenes_db) > -STANDARD_ERRORS:
            found.append(
                f"it does worse on sharp scenes with this noise: {self._gains_on_scenes_db.mean():+.2f} dB"
            )
        return found

    @property
    def accepted(self) -> bool:
        """Whether the new student replaces its base."""
        return not self.reasons

    def words(self) -> str:
        """Return the result for people."""
        if not self.accepted:
            return f"not accepted: {'; '.join(self.reasons)}"
        return (
            f"accepted: on photos held out {self._gained()}; on sharp scenes with this noise "
            f"{self._gains_on_scenes_db.mean():+.2f} dB"
        )

    def _gained(self) -> str:
        return (
            f"{self.gain_db:+.2f} dB as estimated (by {self.standard_errors:.1f} standard errors, "
            f"{STANDARD_ERRORS:g} are asked for)"
        )


class StudentJudge:
    """A base student, judged once, beside which new ones are judged at the same places."""

    def __init__(self, base: nn.Module, photos: Sequence[ProbedPhoto], scenes: Pairs, device: Device) -> None:
        """Judge `base` on photos held out, and on sharp scenes with noise and their answers."""
        began = time.monotonic()
        self.photos, self.scenes, self.device = photos, scenes, device
        self.base = self._judged(base)
        self.seconds = time.monotonic() - began
        """How long that took; a verdict takes as long."""

    def verdict(self, new: nn.Module) -> StudentVerdict:
        """Return how a new student does beside the base."""
        variance = tuple(float(each.variance.mean()) for each in self.photos)
        return StudentVerdict(self.base, self._judged(new), variance)

    @property
    def usual_error(self) -> float:
        """The base's squared error on the photos held out, in 0..1: a tenth of the noise's variance, at least."""
        variance = np.array([each.variance.mean() for each in self.photos])
        return float(np.maximum(self.base.risk.of_photos(), USUAL_RISK * variance).mean()) / 255**2

    def _judged(self, network: nn.Module) -> StudentJudgement:
        risk = risk_of(network, self.photos, self.device)
        return StudentJudgement(risk, known_answer_errors(network, self.scenes, self.device))


@torch.inference_mode()
def known_answer_errors(network: nn.Module, pairs: Pairs, device: Device) -> tuple[float, ...]:
    """Return a student's squared error for each of the pairs, in squared levels."""
    errors: list[float] = []
    for noisy, target in zip(pairs.noisy, pairs.target, strict=True):
        answer = network(noisy[None].to(device.torch_device))[0].cpu()
        errors.append(255**2 * float((answer - target).square().mean()))
    return tuple(errors)
