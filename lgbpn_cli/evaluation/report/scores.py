"""What an evaluation found: scores of single photos, and per method their means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeGuard

from lgbpn_cli.evaluation.methods import OWN_LABELS
from lgbpn_cli.evaluation.problems import Problem
from lgbpn_cli.evaluation.report.gallery import GalleryPhoto
from lgbpn_cli.evaluation.summary import Comparison, Summary, compare, summarise

NOISY = OWN_LABELS[0]
"""The label of the noisy photos themselves, always the first method."""


@dataclass(frozen=True)
class Score:
    """The figures of one method's result for one photo; None or NaN where a figure has no meaning."""

    photo: str
    seconds: float
    """Time of the method alone, without reading."""
    megapixels: float
    brightness: float | None = None
    """How many times as bright as its reference a camera raw file was, before both were made equally bright."""
    psnr_db: float | None = None
    ssim: dict[str, float] = field(default_factory=dict)
    """By convention."""
    lpips: float | None = None
    """Perceptual distance from the reference; 0 is best."""
    mae_8bit: float | None = None
    """Mean absolute error in 8-bit levels."""
    shift_8bit: tuple[float, float, float] | None = None
    """Mean of result - reference for red, green, blue in 8-bit levels."""
    residual_structure: float | None = None
    """Correlation of what was removed with the reference's fine detail; 0 is best."""
    flat_noise_8bit: float | None = None
    """Noise left in flat areas, a standard deviation in 8-bit levels."""
    blind_loss_8bit: float | None = None
    """Mean absolute error of the network's blind prediction of the noisy photo, in 8-bit levels."""
    residual_whiteness: float | None = None
    """1 for removed noise that is white."""
    edge_structure: float | None = None
    """How much picture was removed, judged without a reference; 0 is best."""
    over_smoothed: bool | None = None
    """Whether the figures without reference raise the alarm."""


@dataclass(frozen=True)
class MethodResult:
    """One row of the table: a method, what it is exactly, and its scores."""

    label: str
    facts: dict[str, object]
    """Model, checksum, settings: everything that decides about its results."""
    scores: tuple[Score, ...]


Figure = Callable[[Score], float | None]


@dataclass(frozen=True)
class EvaluationReport:
    """All methods over all photos; the first method is the noisy photos themselves."""

    methods: tuple[MethodResult, ...]
    has_reference: bool
    conventions: tuple[str, ...]
    """SSIM conventions that were measured."""
    problems: tuple[Problem, ...]
    """Each file that was left out, and each result that could not be measured."""
    facts: dict[str, object]
    """Versions, protocol and machine."""
    bootstrap_seed: int
    gallery: tuple[GalleryPhoto, ...] = ()
    """The pictures of the page, where one is wanted."""
    burst_frames: int = 0
    """How many frames a burst has, each of which is judged against the mean of the others; 0: it is none."""
    interrupted: bool = False
    """Ctrl-C came before the last photo."""

    def figures(self) -> dict[str, Figure]:
        """Return the figures of this report by their name, in the order of its columns."""
        chosen: dict[str, Figure] = {}
        if self.has_reference:
            chosen["psnr_db"] = lambda score: score.psnr_db
            for convention in self.conventions:
                chosen[f"ssim_{convention}"] = _ssim_figure(convention)
            if any(score.lpips is not None for method in self.methods for score in method.scores):
                chosen["lpips"] = lambda score: score.lpips
            chosen["mae_8bit"] = lambda score: score.mae_8bit
            for index, colour in enumerate(("red", "green", "blue")):
                chosen[f"shift_{colour}_8bit"] = _shift_figure(index)
            chosen["residual_structure"] = lambda score: score.residual_structure
        else:
            if any(score.blind_loss_8bit is not None for method in self.methods for score in method.scores):
                chosen["blind_loss_8bit"] = lambda score: score.blind_loss_8bit
            chosen["residual_whiteness"] = lambda score: score.residual_whiteness
            chosen["edge_structure"] = lambda score: score.edge_structure
        chosen["flat_noise_8bit"] = lambda score: score.flat_noise_8bit
        chosen["seconds"] = lambda score: score.seconds
        return chosen

    def summary(self, method: MethodResult, name: str) -> Summary | None:
        """Return mean, interval, median and worst photo of one figure of a method; None where it has none.

        Photos whose figure is infinite do not count: the mean would say nothing of the others.
        """
        figure = self.figures()[name]
        values = {score.photo: value for score in method.scores if is_finite(value := figure(score))}
        lower_is_worse = name == "psnr_db" or name.startswith("ssim") or name == "residual_whiteness"
        return (
            summarise(values, self.bootstrap_seed, worst=min if lower_is_worse else max) if values else None
        )

    def comparisons(self) -> list[Comparison]:
        """Return the paired comparison by PSNR of every two methods, the noisy photos left out."""
        if not self.has_reference:
            return []
        named = [
            (method.label, {score.photo: float(score.psnr_db or 0.0) for score in method.scores})
            for method in self.methods[1:]
        ]
        return [
            compare(first, second, self.bootstrap_seed)
            for index, first in enumerate(named)
            for second in named[index + 1 :]
            if first[1].keys() & second[1].keys()
        ]

    def photos(self) -> int:
        """Return how many photos were measured."""
        return len(self.methods[0].scores)


def is_finite(value: float | None) -> TypeGuard[float]:
    """Return whether there is a value that a mean can be taken of; the PSNR of equal pictures is infinite."""
    return value is not None and math.isfinite(value)


def _ssim_figure(convention: str) -> Figure:
    return lambda score: score.ssim.get(convention)


def _shift_figure(index: int) -> Figure:
    return lambda score: None if score.shift_8bit is None else score.shift_8bit[index]
