"""The use cases of measuring: scores against references, files for benchmarks, speed and agreement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.evaluation.burst import burst_of
from lgbpn_cli.evaluation.methods import (
    baseline_methods,
    network_method,
    result_methods,
    with_unique_labels,
)
from lgbpn_cli.evaluation.pairs import pair_pictures
from lgbpn_cli.evaluation.report.files import check_report_file, write_report
from lgbpn_cli.evaluation.report.page import as_page
from lgbpn_cli.evaluation.report.scores import EvaluationReport
from lgbpn_cli.evaluation.report.table import as_csv
from lgbpn_cli.evaluation.run import evaluate_pairs
from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.photos.prepare import read_guarded
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.research.perceptual import load_lpips
from lgbpn_cli.research.submission import write_submission

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lgbpn_cli.photos.photo import Photo
    from lgbpn_cli.research.bench import Agreement, Speed


def evaluate(
    config: EvaluationConfig,
    settings: Sequence[InferenceConfig],
    *,
    command: str,
    device: str = "auto",
    on_step: Callable[[int, int], None] | None = None,
) -> EvaluationReport:
    """The scores of every model with every setting, and of what else `config` names.

    `command` is what the reports give as their origin. Raises UsageError, before anything is measured, where
    the call as a whole cannot work; files that cannot be measured are named in the report's problems.
    """
    check_report_file("`csv`", config.csv, ".csv")
    check_report_file("`html`", config.html, ".html")
    lpips = load_lpips() if config.lpips else None
    with ReadingProcess() as reading:
        pairing = pair_pictures(
            config.noisy,
            config.reference,
            config.denoised,
            config.pair_pattern,
            only=config.only,
            exclude=config.exclude,
            read=lambda path: read_guarded(reading, path, as_mosaic=True),
        )
        if config.burst:
            pairing = burst_of(pairing, config.noisy)
        # As `denoise` prepares them: what is measured is what it gives, `mean_light` of float TIFFs apart.
        denoisers = [prepare(name, device, each) for name in config.models for each in settings]
        methods = [
            network_method(each.model, each.settings, each.denoise_array, _on_raw(each)) for each in denoisers
        ]
        methods += [*result_methods(config.denoised), *baseline_methods(config.baselines)]
        return evaluate_pairs(
            pairing, with_unique_labels(methods), config, command=command, lpips=lpips, on_step=on_step
        )


def _on_raw(denoiser: Denoiser) -> Callable[[Photo], NDArray[np.float32]]:
    """What denoises a camera raw file on its way, (h, w, 3) in 0..1."""
    return lambda photo: to_working(denoiser.denoise(photo).photo)


def write_reports(report: EvaluationReport, config: EvaluationConfig) -> None:
    """Write the files that `config` names; PhotoWriteError where that fails."""
    if config.csv is not None:
        write_report("`csv`", config.csv, as_csv(report))
    if config.html is not None:
        write_report("`html`", config.html, as_page(report, config.html.parent))


def submit(
    benchmark: str,
    source: Path,
    folder: Path,
    settings: InferenceConfig,
    *,
    model: str | None = None,
    device: str = "auto",
    on_step: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """The files that the benchmark's server takes (`sidd` or `dnd`), made from its download and now in `folder`.

    Raises UsageError where an input is missing or a result is there already, PhotoReadError for other content.
    """
    denoiser = prepare(model, device, settings)
    description = {"MethodName": "LG-BPN", "Model": denoiser.model.name, "Settings": denoiser.record.settings}
    return write_submission(
        benchmark, source, folder, denoiser.denoise_array, description=description, on_step=on_step
    )


def bench_speed(
    settings: InferenceConfig,
    *,
    megapixels: float,
    repeats: int,
    model: str | None = None,
    device: str = "auto",
) -> Speed:
    """The speed of a model over a photo of noise of that size, and the memory that this process took.

    Raises what `load_model` raises, and UsageError for a quality that the model has not.
    """
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.research.bench import load_for_bench, measure_speed

    loaded = load_for_bench(model, settings.quality, choose_device(device))
    return measure_speed(loaded, settings, megapixels=megapixels, repeats=repeats)


def bench_agreement(
    photo: Path,
    settings: InferenceConfig,
    tiles_px: Sequence[int],
    *,
    model: str | None = None,
    device: str = "auto",
) -> list[Agreement]:
    """How far the photo in tiles of each size is from the photo in one piece.

    Raises PhotoError where it cannot be read, and what `load_model` raises.
    """
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.research.bench import load_for_bench, measure_agreement

    loaded = load_for_bench(model, settings.quality, choose_device(device))
    return measure_agreement(to_working(read_photo(photo)), loaded, settings, tiles_px)
