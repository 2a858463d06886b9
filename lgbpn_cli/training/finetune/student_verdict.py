"""Whether a fine-tuned student is better than the one it came from, judged without any clean picture.

Two judges are asked. On photos held out the estimated error must fall, surely, however strong the noise is where nobody
can measure it: a student that gains by a wrong measurement alone does not pass. On sharp scenes with that noise, whose
answers are known, the error must not grow as surely: what these photos lack is not unlearned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.finetune.in_time import Reserve, in_time
from lgbpn_cli.training.finetune.risk import CELLS, FloatArray, ProbedPhoto, Risk, density, energies, risk_of
from lgbpn_cli.training.finetune.teacher_verdict import in_standard_errors
from lgbpn_cli.training.finetune.verdict import Verdict
from lgbpn_cli.training.student.pairs import Pairs

STANDARD_ERRORS = 3.0
"""By so many standard errors of its mean over the places the error must fall: less may be chance."""
LEAST_GAIN_DB = 0.05
"""Less is not worth a model of its own, however sure it is; after a step or two it is."""
LEAST_REMOVED, SHARES_UNKNOWN, LEAST_SHARE = 0.2, (0.7, 4.0), 0.5
"""Where the base removes a smaller share of the noise than the first, its answers do not tell how strong that is: then
its variance may be between these shares of what was measured; elsewhere, the last at least."""
DOUBT = 0.5
"""How far the noise may be from what was measured towards what its photo allows. On simulated cameras 0.3 was the least
that let no student pass that was worse (docs/history.md)."""
MOST_DENSE = 2.0
"""Noise is nowhere more than so many times as dense as it was measured to be where it is densest."""
USUAL_RISK = 0.1
"""Of the noise's variance: what is left of it where the estimate says less."""
ROUNDING = 1 / 12
"""Variance of what whole levels add: no scene is answered better than that."""
WEAKEST = 1e-3
"""Squared levels; noise below that is none."""


@dataclass(frozen=True, eq=False)
class StudentJudgement:
    """What one student does."""

    risks: tuple[Risk, ...]
    """On each photo held out."""
    known: tuple[FloatArray, ...]
    """Its squared error on the sharp scenes of each photo in each cell, (scenes, CELLS), in squared levels."""


@dataclass(frozen=True, eq=False)
class StudentVerdict(Verdict):
    """The comparison of a new student with its base, at the same places."""

    base: StudentJudgement
    new: StudentJudgement
    """It may have been asked for fewer photos: the first."""
    scene_noise: tuple[FloatArray, ...]
    """Noise of the sharp scenes, as their errors."""

    def beside(self, other: StudentVerdict) -> StudentVerdict:
        """Return the comparison with the new student of another verdict of the same judge."""
        return StudentVerdict(other.new, self.new, self.scene_noise)

    @property
    def gain_db(self) -> float:
        """What the new student gains on all photos held out together, were their noise just as measured."""
        fell, before = list[float](), list[float]()
        for base, new, shares in self._photos():
            usual = shares.mean(axis=0)
            fell.append(float((base.of_noise(usual) - new.of_noise(usual)).mean()))
            before.append(usual_risk(base, shares))
        return -10 * math.log10(max(1e-3, 1 - sum(fell) / sum(before))) + 0.0

    @property
    def standard_errors(self) -> float:
        """By how many standard errors of its mean the estimated error fell, at least, whatever the noise may be."""
        return in_standard_errors(np.concatenate([self._least_gains(*each) for each in self._photos()]))

    @staticmethod
    def _least_gains(base: Risk, new: Risk, shares: FloatArray) -> NDArray[np.float64]:
        """Return how far the error fell at each place of a photo, in variances of its noise.

        Were the noise in each cell as strong as it can be, where the new student keeps more of it, else as weak.
        """
        weakest, strongest = shares
        worst = np.where((new.keeps - base.keeps).mean(axis=0) > 0, strongest, weakest)
        fell = base.of_noise(worst) - new.of_noise(worst)
        return np.asarray(fell / max(WEAKEST, base.noise.sum(axis=1).mean()))

    def _photos(self) -> list[tuple[Risk, Risk, FloatArray]]:
        """Return each photo's risk for both, and how weak and how strong its noise may be."""
        left = error_left(self.base.known, self.scene_noise)
        both = zip(self.base.risks, self.new.risks, strict=False)
        return [(base, new, noise_shares(base, left)) for base, new in both]

    @property
    def _gains_on_scenes_db(self) -> NDArray[np.float64]:
        both = zip(self.base.known, self.new.known, strict=False)
        ratios = [(base.sum(axis=1) + ROUNDING) / (new.sum(axis=1) + ROUNDING) for base, new in both]
        return np.asarray(10 * np.log10(np.concatenate(ratios)))

    @property
    def reasons(self) -> list[str]:
        """Why it is not accepted; nothing if it is."""
        found = []
        # Every condition is asked so that what is not a number fails it.
        if not self.standard_errors >= STANDARD_ERRORS:
            found.append(f"it is not clearly better on the photos held out: {self._gained()}")
        elif not self.gain_db >= LEAST_GAIN_DB:
            found.append(f"it gains too little on the photos held out: {self._gained()}")
        if not in_standard_errors(self._gains_on_scenes_db) > -STANDARD_ERRORS:
            found.append(
                f"it does worse on sharp scenes with this noise: {self._gains_on_scenes_db.mean():+.2f} dB"
            )
        return found

    def gains(self) -> str:
        """Return what it is better in, for people."""
        return (
            f"on photos held out {self._gained()}; on sharp scenes with this noise "
            f"{self._gains_on_scenes_db.mean():+.2f} dB"
        )

    def _gained(self) -> str:
        return (
            f"{self.gain_db:+.2f} dB if their noise is as measured (by {self.standard_errors:.1f} standard errors, "
            f"{STANDARD_ERRORS:g} are asked for)"
        )


class StudentJudge:
    """A base student, judged once, beside which new ones are judged at the same places."""

    def __init__(
        self,
        base: nn.Module,
        photos: Sequence[ProbedPhoto],
        scenes: Sequence[Pairs],
        device: Device,
        ends_at: float = math.inf,
    ) -> None:
        """Judge `base` on photos held out, and on sharp scenes of each with noise and their answers.

        On as many as there is time for until `ends_at`, as `time.monotonic` counts, and one.
        """
        self.photos, self.scenes, self.device = photos, scenes, device
        self._scene_noise = tuple(_in_cells(each.noisy - each.target) for each in scenes)
        self.reserve = Reserve()
        self.base = self._judged(base, len(photos), ends_at)
        self.reserve.done()

    def verdict(self, new: nn.Module, ends_at: float = math.inf) -> StudentVerdict:
        """Return how a new student does beside the base, on as many photos as there is time for, and one."""
        return StudentVerdict(self.base, self._judged(new, len(self.base.risks), ends_at), self._scene_noise)

    @property
    def usual_error(self) -> float:
        """The base's squared error on the photos held out, in 0..1: a tenth of the noise's variance, at least."""
        left = error_left(self.base.known, self._scene_noise)
        return (
            float(np.mean([usual_risk(risk, noise_shares(risk, left)) for risk in self.base.risks])) / 255**2
        )

    def _judged(self, network: nn.Module, most: int, ends_at: float) -> StudentJudgement:
        risks, known = list[Risk](), list[FloatArray]()
        for number in in_time(ends_at, range(most)):
            risks.append(risk_of(network, self.photos[number], self.device))
            known.append(known_answer_errors(network, self.scenes[number], self.device))
        return StudentJudgement(tuple(risks), tuple(known))


def usual_risk(base: Risk, shares: FloatArray) -> float:
    """Return the mean squared error of a student on a photo, in squared levels, from `noise_shares` of it."""
    least = USUAL_RISK * float(base.noise.sum(axis=1).mean())
    return max(least, float(base.of_noise(shares.mean(axis=0)).mean()))


def error_left(known: Sequence[FloatArray], scene_noise: Sequence[FloatArray]) -> FloatArray:
    """Return a student's error on sharp scenes in each cell, (CELLS,), as a share of the noise there."""
    errors, noise = (np.concatenate(each).sum(axis=0) for each in (known, scene_noise[: len(known)]))
    return np.asarray(errors / np.maximum(WEAKEST, noise))


def noise_shares(base: Risk, left: FloatArray) -> FloatArray:
    """Return how weak and how strong a photo's noise may be in each cell, (2, CELLS), as shares of what was measured.

    Half as far off as if the base made no error on the photo, or one as large as on sharp scenes, `left` of the noise:
    what JPEG, or a camera's own program, took from flat places and left elsewhere shows.
    But nowhere it is much denser than where it is densest as measured: what the base takes beyond that is texture.
    """
    noise = np.maximum(WEAKEST, base.noise.mean(axis=0))
    differs, removed = base.differs.mean(axis=0) / noise, 1 - base.keeps.mean(axis=0) / noise
    known = removed >= LEAST_REMOVED
    removed = np.where(known, removed, 1)
    dense = density(noise).reshape(2, -1)
    densest = MOST_DENSE * (dense.max(axis=1, keepdims=True) / dense).ravel()
    strongest = np.clip(differs / removed, LEAST_SHARE, densest)
    weakest = np.minimum(np.maximum(LEAST_SHARE, (differs - left) / removed), strongest)
    ends = (1 + DOUBT * (each - 1) for each in (weakest, strongest))
    return np.stack([np.where(known, *each) for each in zip(ends, SHARES_UNKNOWN, strict=True)])


@torch.inference_mode()
def known_answer_errors(network: nn.Module, pairs: Pairs, device: Device) -> FloatArray:
    """Return a student's squared error on each of the pairs in each cell, (pairs, CELLS), in squared levels."""
    answers = (network(noisy[None].to(device.torch_device))[0].cpu() for noisy in pairs.noisy)
    return _in_cells(answer - target for answer, target in zip(answers, pairs.target, strict=True))


def _in_cells(differences: Iterable[torch.Tensor]) -> FloatArray:
    """Return the mean square of each of some differences of pictures in 0..1, (n, CELLS), in squared levels."""
    pictures = (255 * each.permute(1, 2, 0).float().numpy() for each in differences)
    return np.reshape([energies(each) for each in pictures], (-1, CELLS))
