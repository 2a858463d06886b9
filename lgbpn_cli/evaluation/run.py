"""The use case: every method over every pair, measured; one pair's failure leaves the others alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from lgbpn_cli.denoise.working import decode_light
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.evaluation.methods import Method
from lgbpn_cli.evaluation.metrics import colour_shift, mean_absolute_error, psnr_db, to_levels
from lgbpn_cli.evaluation.pairs import Pair, Pairing, PairPixels, Picture, read_pair, read_result
from lgbpn_cli.evaluation.problems import Problem, problem_of, stopped_after
from lgbpn_cli.evaluation.provenance import protocol, run_facts
from lgbpn_cli.evaluation.report.gallery import Gallery, Layer
from lgbpn_cli.evaluation.report.scores import NOISY, EvaluationReport, MethodResult, Score
from lgbpn_cli.evaluation.residual import (
    edge_structure,
    flat_area_noise,
    residual_structure,
    residual_whiteness,
)
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.evaluation.ssim import CONVENTIONS
from lgbpn_cli.research.perceptual import Distance

OVER_SMOOTHED = 0.25
"""Edge structure above which the alarm is raised: clean references stay below it, blurred edges exceed it where the
noise is not much stronger than they are."""

OnStep = Callable[[int, int], None]


@dataclass
class _Measuring:
    """One evaluation under way: what is compared, and what was found so far."""

    methods: list[Method]
    config: EvaluationConfig
    on_step: OnStep
    total: int
    """Results to be measured."""
    scores: dict[str, list[Score]]
    """By method."""
    problems: list[Problem]
    gallery: Gallery | None
    """None where no page is wanted."""
    lpips: Distance | None
    """None where it is not wanted."""
    done: int = 0
    has_raw: bool = False
    """Camera raw files are among the pairs; they are compared in linear light."""

    def measure(self, pair: Pair) -> None:
        """Enter the scores of every method for one pair; whatever fails becomes a problem."""
        first = self.done
        try:
            self._measure(pair)
        except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
            self.problems.append(problem_of(pair.noisy.shown, error))
        self._step(first + len(self.methods))

    def forget(self, pair: Pair) -> None:
        """Leave out a pair that not all methods have done."""
        for scores in self.scores.values():
            scores[:] = [score for score in scores if score.photo != pair.name]

    def _measure(self, pair: Pair) -> None:
        pixels = read_pair(pair)
        if pixels.raw is None:
            levels = of_reference = self._levels
        else:
            levels = partial(self._light_levels, brightness=pixels.brightness)
            of_reference = self._light_levels
        noisy = levels(pixels.noisy)
        reference = None if pixels.reference is None else of_reference(pixels.reference)
        score = self._score(pair.name, noisy, noisy, reference, 0.0)
        brightness = None if pixels.raw is None or reference is None else pixels.brightness
        self.scores[NOISY].append(replace(score, brightness=brightness))
        layers: list[Layer] = [(NOISY, self._levels(pixels.noisy), pair.noisy.file)]
        results = iter(pair.denoised)
        for method in self.methods:
            try:
                result, seconds, file = _result(method, pixels, pair, results)
                score = self._score(pair.name, levels(result), noisy, reference, seconds)
                if method.blind_loss and reference is None:
                    score = replace(score, blind_loss_8bit=method.blind_loss(pixels.noisy))
            except Exception as error:  # noqa: BLE001 - as above, for one method alone
                problem = problem_of(pair.noisy.shown, error)
                self.problems.append(replace(problem, subject=f"{method.label}: {problem.subject}"))
            else:
                self.scores[method.label].append(score)
                layers.append((method.label, self._levels(result), file))
            self._step(self.done + 1)
        if self.gallery is not None:
            if pixels.reference is not None and pair.reference is not None:
                layers.append(("reference", self._levels(pixels.reference), pair.reference.file))
            self.gallery.add(pair.name, layers, orientation=pixels.orientation)

    def _levels(self, picture: np.ndarray) -> np.ndarray:
        return to_levels(picture, rounded=self.config.rounded)

    def _light_levels(self, picture: np.ndarray, brightness: float = 1.0) -> np.ndarray:
        """Return light, of which steps of 8 bits would leave nothing in the shadows.

        What is darker than its reference, of which `brightness` tells, is made as bright, so that white stays white.
        """
        self.has_raw = True
        return to_levels(decode_light(picture) / np.float32(min(brightness, 1)), rounded=False)

    def _score(
        self,
        name: str,
        picture: np.ndarray,
        noisy: np.ndarray,
        reference: np.ndarray | None,
        seconds: float,
    ) -> Score:
        """Return all figures of one picture; all pictures are in 8-bit levels."""
        if reference is None:
            return score_without_reference(name, picture, noisy, seconds)
        removed = None if picture is noisy else noisy - picture
        return Score(
            name,
            seconds,
            _megapixels(picture),
            psnr_db=psnr_db(picture, reference),
            ssim={name: CONVENTIONS[name](picture, reference) for name in self.config.ssim},
            lpips=None if self.lpips is None else self.lpips(picture, reference),
            mae_8bit=mean_absolute_error(picture, reference),
            shift_8bit=colour_shift(picture, reference),
            residual_structure=None if removed is None else residual_structure(removed, reference),
            flat_noise_8bit=flat_area_noise(picture, reference),
        )

    def _step(self, done: int) -> None:
        self.done = done
        self.on_step(done, self.total)


def evaluate_pairs(
    pairing: Pairing,
    methods: list[Method],
    config: EvaluationConfig,
    *,
    command: str,
    lpips: Distance | None = None,
    on_step: OnStep | None = None,
) -> EvaluationReport:
    """Return the scores of the noisy photos and of all methods, with the page's pictures if it is wanted.

    Pairs that cannot be read, differ in size or depth, results that are missing, and whatever else one pair
    does to a method are named in the report's problems. `on_step` gets the number of results measured and
    their total. Ctrl-C ends it with what was measured by then, and the report says so.
    """
    measuring = _Measuring(
        methods,
        config,
        on_step or _silent,
        total=len(pairing.pairs) * len(methods),
        scores={NOISY: [], **{method.label: [] for method in methods}},
        problems=list(pairing.problems),
        gallery=None if config.html is None else Gallery(config.report_bytes, len(pairing.pairs)),
        lpips=lpips,
    )
    measuring.on_step(0, measuring.total)
    interrupted = False
    for number, pair in enumerate(pairing.pairs):
        try:
            measuring.measure(pair)
        except KeyboardInterrupt:
            interrupted = True
            measuring.forget(pair)
            measuring.problems.append(stopped_after(number, len(pairing.pairs)))
            break
    facts: dict[str, dict[str, object]] = {
        NOISY: {"kind": "input"},
        **{method.label: method.facts for method in methods},
    }
    gallery = measuring.gallery
    return EvaluationReport(
        tuple(MethodResult(label, facts[label], tuple(found)) for label, found in measuring.scores.items()),
        has_reference=config.has_reference,
        conventions=config.ssim,
        problems=tuple(measuring.problems),
        facts=run_facts(protocol(config, has_raw=measuring.has_raw), command),
        bootstrap_seed=config.bootstrap_seed,
        gallery=() if gallery is None else tuple(gallery.photos),
        burst_frames=len(pairing.pairs) if config.burst else 0,
        interrupted=interrupted,
    )


def score_without_reference(name: str, picture: np.ndarray, noisy: np.ndarray, seconds: float) -> Score:
    """Return the figures of a result that need no reference; `picture` is `noisy` itself for the photo alone.

    Both are in 8-bit levels, (h, w, 3) float64.
    """
    removed = None if picture is noisy else noisy - picture
    structure = None if removed is None else edge_structure(removed, picture)
    return Score(
        name,
        seconds,
        _megapixels(picture),
        flat_noise_8bit=flat_area_noise(picture, None),
        residual_whiteness=None if removed is None else residual_whiteness(removed),
        edge_structure=structure,
        over_smoothed=None if structure is None else structure > OVER_SMOOTHED,
    )


def _result(
    method: Method, pixels: PairPixels, pair: Pair, results: Iterator[Picture | None]
) -> tuple[np.ndarray, float, Path | None]:
    """Return the method's picture in 0..1, the seconds it took, and its file if it is a finished result."""
    if method.run is not None:
        start = time.perf_counter()
        if pixels.raw is not None and method.run_raw is not None:
            result = method.run_raw(pixels.raw)
        else:
            result = method.run(pixels.noisy)
        seconds = time.perf_counter() - start
        if not np.isfinite(result).all():
            cause = "denoising gave values that are not numbers"
            raise PhotoError(pair.noisy.shown, cause, "Try it on the CPU.")
        return result, seconds, None
    found = next(results)
    if found is None:
        cause = f"{method.facts['path']} has no result of its name"
        raise PhotoError(pair.noisy.shown, cause, "It is left out there.")
    return read_result(found, pixels, pair.noisy.shown), 0.0, found.file


def _megapixels(picture: np.ndarray) -> float:
    return float(picture.shape[0] * picture.shape[1] / 1e6)


def _silent(done: int, total: int) -> None:
    """Tell nobody."""
