"""The use case: every method over every pair, measured; one pair's failure leaves the others alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lgbpn_cli.errors import PhotoError, UsageError
from lgbpn_cli.evaluation.gallery import Gallery
from lgbpn_cli.evaluation.methods import Method
from lgbpn_cli.evaluation.metrics import colour_shift, mean_absolute_error, psnr_db, to_levels
from lgbpn_cli.evaluation.page import as_page
from lgbpn_cli.evaluation.pairs import Pair, Pairing, Picture, read_pair, read_result
from lgbpn_cli.evaluation.provenance import run_facts
from lgbpn_cli.evaluation.report import NOISY, EvaluationReport, MethodResult, Score
from lgbpn_cli.evaluation.residual import (
    edge_structure,
    flat_area_noise,
    residual_structure,
    residual_whiteness,
)
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.evaluation.ssim import CONVENTIONS
from lgbpn_cli.evaluation.table import as_csv
from lgbpn_cli.photos.atomic import replace_file

OVER_SMOOTHED = 0.25
"""Edge structure above which the alarm is raised: clean references stay below it, blurred results do not."""

OnStep = Callable[[int, int], None]


@dataclass
class _Scores:
    """What has been measured so far."""

    by_method: dict[str, list[Score]]
    problems: list[str] = field(default_factory=list)


def evaluate_pairs(
    pairing: Pairing,
    methods: list[Method],
    config: EvaluationConfig,
    *,
    command: str,
    on_step: OnStep | None = None,
) -> EvaluationReport:
    """Return the scores of the noisy photos and of all methods; write the files `config` names.

    Pairs that cannot be read, differ in size or depth, and results that are missing are named in the report's
    problems. `on_step` gets the number of results measured and their total. Raises UsageError where a report
    file cannot be written.
    """
    gallery = None if config.html is None else Gallery(config.report_bytes, len(pairing.pairs))
    scores = _Scores({NOISY: [], **{method.label: [] for method in methods}}, list(pairing.problems))
    total = len(pairing.pairs) * len(methods)
    for done, pair in enumerate(pairing.pairs, start=1):
        try:
            _measure_pair(pair, methods, config, scores, gallery)
        except PhotoError as error:
            scores.problems.append(str(error))
        if on_step is not None:
            on_step(done * len(methods), total)
    facts: dict[str, dict[str, object]] = {
        NOISY: {"kind": "input"},
        **{method.label: method.facts for method in methods},
    }
    report = EvaluationReport(
        tuple(MethodResult(label, facts[label], tuple(found)) for label, found in scores.by_method.items()),
        has_reference=config.reference is not None,
        conventions=config.ssim,
        problems=tuple(scores.problems),
        facts=run_facts(config, command),
        bootstrap_seed=config.bootstrap_seed,
    )
    if config.csv is not None:
        _write(config.csv, "--csv", as_csv(report))
    if config.html is not None and gallery is not None:
        _write(config.html, "--html", as_page(report, gallery.photos))
    return report


def _write(path: Path, option: str, text: str) -> None:
    try:
        with replace_file(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise UsageError(
            option, f"{path} cannot be written ({error.strerror})", "Name another place."
        ) from error


def _measure_pair(
    pair: Pair, methods: list[Method], config: EvaluationConfig, scores: _Scores, gallery: Gallery | None
) -> None:
    image, truth = read_pair(pair)
    noisy = to_levels(image, rounded=config.rounded)
    reference = None if truth is None else to_levels(truth, rounded=config.rounded)
    scores.by_method[NOISY].append(_score(pair.name, noisy, noisy, reference, 0.0, config))
    layers = [(NOISY, noisy, pair.noisy.file)]
    results = iter(pair.denoised)
    for method in methods:
        try:
            result, seconds, file = _result(method, image, pair, results)
        except PhotoError as error:
            scores.problems.append(f"{method.label}: {error}")
            continue
        picture = to_levels(result, rounded=config.rounded)
        blind = method.blind_loss(image) if method.blind_loss and reference is None else None
        scores.by_method[method.label].append(
            _score(pair.name, picture, noisy, reference, seconds, config, blind)
        )
        layers.append((method.label, picture, file))
    if gallery is not None:
        if reference is not None and pair.reference is not None:
            layers.append(("reference", reference, pair.reference.file))
        gallery.add(pair.name, layers)


def _result(
    method: Method, image: np.ndarray, pair: Pair, results: Iterator[Picture | None]
) -> tuple[np.ndarray, float, Path | None]:
    """Return the method's picture in 0..1, the seconds it took, and its file if it is a finished result."""
    if method.run is not None:
        start = time.perf_counter()
        result = method.run(image)
        return result, time.perf_counter() - start, None
    found = next(results)
    if found is None:
        cause = f"{method.facts['path']} has no result of its name"
        raise PhotoError(pair.noisy.shown, cause, "It is left out there.")
    return read_result(found, image.shape), 0.0, found.file


def _score(
    name: str,
    picture: np.ndarray,
    noisy: np.ndarray,
    reference: np.ndarray | None,
    seconds: float,
    config: EvaluationConfig,
    blind_loss: float | None = None,
) -> Score:
    """Return all figures of one picture; all pictures are in 8-bit levels."""
    megapixels = picture.shape[0] * picture.shape[1] / 1e6
    flat_noise = flat_area_noise(picture, reference)
    removed = None if picture is noisy else noisy - picture
    if reference is None:
        structure = None if removed is None else edge_structure(removed, picture)
        return Score(
            name,
            seconds,
            megapixels,
            flat_noise_8bit=flat_noise,
            blind_loss_8bit=blind_loss,
            residual_whiteness=None if removed is None else residual_whiteness(removed),
            edge_structure=structure,
            over_smoothed=None if structure is None else structure > OVER_SMOOTHED,
        )
    return Score(
        name,
        seconds,
        megapixels,
        psnr_db=psnr_db(picture, reference),
        ssim={convention: CONVENTIONS[convention](picture, reference) for convention in config.ssim},
        mae_8bit=mean_absolute_error(picture, reference),
        shift_8bit=colour_shift(picture, reference),
        residual_structure=None if removed is None else residual_structure(removed, reference),
        flat_noise_8bit=flat_noise,
    )
