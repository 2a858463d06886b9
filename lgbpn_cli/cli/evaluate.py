"""`lgbpn eval`: its options, one call of `measurements.evaluate`, and what is printed of its report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lgbpn_cli.cli.command_line import command_line
from lgbpn_cli.cli.heartbeat import Heartbeat, said
from lgbpn_cli.cli.options import (
    AUTO,
    MEGABYTE_BYTES,
    PRESET_METAVAR,
    AttentionOption,
    ChromaOption,
    DeviceOption,
    LumaOption,
    ReportSizeOption,
    StrengthOption,
    read_look,
    read_preset,
    read_report_bytes,
    read_strength,
)
from lgbpn_cli.cli.stop_signals import finish_undisturbed
from lgbpn_cli.config import PART_OF_QUALITY, QUALITIES, InferenceConfig
from lgbpn_cli.errors import UsageError, shown
from lgbpn_cli.evaluation.settings import BASELINES, SSIM_CONVENTIONS, SUBMISSIONS, EvaluationConfig


def evaluate(
    context: typer.Context,
    noisy: Annotated[
        Path, typer.Argument(help="Noisy photo, folder of them, or .mat file of blocks.", show_default=False)
    ],
    reference: Annotated[
        Path | None,
        typer.Argument(
            help="The same for the clean references; pictures of the same name are compared.",
            show_default=False,
        ),
    ] = None,
    no_reference: Annotated[
        bool,
        typer.Option(
            "--no-reference",
            help="Judge the results without references: whiteness and edge structure of what was removed, with an "
            "alarm for over-smoothing; with --quality teacher also the blind loss.",
        ),
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE",
            help="Model to measure; may be repeated.",
            show_default="the model this version ships, or none with --denoised",
        ),
    ] = None,
    quality: Annotated[
        list[str] | None,
        typer.Option(
            "--quality",
            metavar="|".join(QUALITIES),
            help="As in lgbpn denoise; may be repeated to compare.",
            show_default="the model's own",
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            "--preset",
            metavar=PRESET_METAVAR,
            help="Kind of noise, as in lgbpn denoise; may be repeated to compare.",
            show_default=AUTO,
        ),
    ] = None,
    strength: StrengthOption = None,
    luma: LumaOption = None,
    chroma: ChromaOption = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="NUMBER", help="Start of all random numbers: --quality teacher-r3, intervals."
        ),
    ] = InferenceConfig.seed,
    attention: AttentionOption = InferenceConfig.attention,
    device: DeviceOption = "auto",
    denoised: Annotated[
        list[Path] | None,
        typer.Option(
            "--denoised",
            metavar="FOLDER",
            help="Results of any tool to measure, named as the noisy photos, with or without _denoised; "
            "may be repeated.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            metavar=",".join(BASELINES),
            help="Simple methods to compare with. nlm: non-local means; bm3d needs the package bm3d, "
            "which is free for non-commercial use only.",
            show_default=False,
        ),
    ] = None,
    pair_pattern: Annotated[
        str | None,
        typer.Option(
            "--pair-pattern",
            metavar="NOISY=REFERENCE",
            help="Names without ending, {} for what both have in common, as '{}_noisy={}_clean'.",
            show_default="same name",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PATTERN",
            help="Take only photos whose name without ending fits, as '33_*'; may be repeated.",
            show_default="all",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            help="Pass over photos whose name without ending fits; may be repeated.",
            show_default="none",
        ),
    ] = None,
    ssim: Annotated[
        list[str],
        typer.Option(
            "--ssim",
            metavar=",".join(SSIM_CONVENTIONS),
            help="Conventions of structural similarity; their values cannot be compared with each other.",
        ),
    ] = ["skimage7"],  # noqa: B006 - typer copies it
    lpips: Annotated[
        bool,
        typer.Option(
            "--lpips",
            help="Also measure LPIPS (0.1, AlexNet); needs the package lpips and its weights on this machine.",
        ),
    ] = False,
    unrounded: Annotated[
        bool,
        typer.Option("--float", help="Measure without rounding to 8 bit first; the SIDD protocol rounds."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write everything as one JSON object to standard output.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write the figures of each photo to this file.", show_default=False
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page with every photo before and after: one file that needs no network.",
            show_default=False,
        ),
    ] = None,
    report_size: ReportSizeOption = EvaluationConfig.report_bytes / MEGABYTE_BYTES,
    submission: Annotated[
        str | None,
        typer.Option(
            "--submission",
            metavar="|".join(SUBMISSIONS),
            help="Measure nothing: write the files that the benchmark's server takes. NOISY is its download: "
            "BenchmarkNoisyBlocksSrgb.mat, or the folder with DND's info.mat.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where --submission writes.")
    ] = Path("submission"),
) -> None:
    """Measure models against references, or without any.

    \b
    Examples:
      lgbpn eval photos/noisy photos/clean
      lgbpn eval noisy/ clean/ --quality fast --quality teacher --baseline nlm --html report.html
      lgbpn eval ValidationNoisyBlocksSrgb.mat ValidationGtBlocksSrgb.mat -m MODEL --json
      lgbpn eval noisy/ clean/ --denoised results_of_another_tool/
      lgbpn eval noisy/ clean/ --only '33_*' --only '35_*'
      lgbpn eval noisy/ --no-reference
      lgbpn eval BenchmarkNoisyBlocksSrgb.mat --submission sidd -o submission/

    The table shows the noisy photos, each model and setting, and what else was asked for: PSNR with the 95 %
    interval of its mean, median and worst photo; SSIM; mean absolute error (MAE) and mean shift of each
    colour in 8-bit levels; structure (how much picture is left in what was removed: 0 is best); noise left in
    flat areas; seconds a photo and megapixels a second.

    \b
    Exit codes:
      0    everything was measured
      1    some files were skipped (the others are measured), or a report could not be written
      2    the command, model or device was wrong; nothing was measured
      130  stopped with Ctrl-C
    """
    if submission is not None:
        measuring = (reference, denoised, baseline, lpips, csv, html, as_json, no_reference)
        if submission not in SUBMISSIONS:
            raise UsageError(
                "--submission", f"'{submission}' is unknown", f"Choose from {', '.join(SUBMISSIONS)}."
            )
        if any(measuring) or max(map(len, (quality or (), preset or (), model or ()))) > 1:
            cause = "it takes one model and setting, and nothing to measure"
            raise UsageError("--submission", cause, "Give the other options in a separate call.")
        one = InferenceConfig(
            quality=quality[0] if quality else None,
            preset=read_preset(preset[0]) if preset else None,
            strength=read_strength(strength),
            look=read_look(strength, luma, chroma),
            seed=seed,
            attention=attention,  # type: ignore[arg-type]  # checked by the configuration
        )
        _submit(submission, noisy, output, one, model[0] if model else None, device)
        return
    if (reference is None) != no_reference:
        cause = "contradicts REFERENCE" if no_reference else "is missing, and so are references"
        raise UsageError("--no-reference", cause, "Give references or --no-reference.")
    models: list[str | None] = [*(model or ())]
    if not models and not denoised:
        models.append(None)
    config = EvaluationConfig(
        noisy=noisy,
        reference=reference,
        denoised=tuple(denoised or ()),
        models=tuple(models),
        baselines=_split(baseline or ()),
        pair_pattern=pair_pattern,
        only=tuple(only or ()),
        exclude=tuple(exclude or ()),
        ssim=_split(ssim),
        lpips=lpips,
        rounded=not unrounded,
        bootstrap_seed=seed,
        csv=csv,
        html=html,
        report_bytes=read_report_bytes(report_size),
    )
    settings = [
        InferenceConfig(
            quality=one_quality,
            preset=read_preset(one_preset),
            strength=read_strength(strength),
            look=read_look(strength, luma, chroma),
            seed=seed,
            attention=attention,  # type: ignore[arg-type]  # checked by the configuration
        )
        for one_quality, one_preset in _settings_to_compare(quality or [], preset or [])
    ]
    # Here and not at the top: --help does not have to wait for them.
    from tqdm import tqdm

    from lgbpn_cli import measurements
    from lgbpn_cli.evaluation.problems import problem_lines
    from lgbpn_cli.evaluation.table import as_json as json_text
    from lgbpn_cli.evaluation.table import as_text

    with tqdm(unit="result", disable=None) as bar, Heartbeat(lambda: said(bar, "results")):
        try:
            report = measurements.evaluate(
                config, settings, command=command_line(context), device=device, on_step=_mover(bar)
            )
        except KeyboardInterrupt as stop:  # before the first photo
            bar.close()
            typer.echo("lgbpn: stopped; no report was written", err=True)
            raise typer.Exit(130) from stop
    if report.interrupted:
        finish_undisturbed()
    if report.interrupted and not report.photos():
        typer.echo("lgbpn: stopped; no report was written", err=True)
        raise typer.Exit(130)
    if as_json:
        print(json_text(report))
    elif report.photos():
        columns = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else 0
        for line in as_text(report, columns or None).split("\n"):
            typer.echo(shown(line), err=True)
    if report.problems:
        typer.echo(f"lgbpn: {len(report.problems)} left out:", err=True)
        for line in problem_lines(report.problems):
            typer.echo(f"  {shown(line)}", err=True)
    measurements.write_reports(report, config)
    if html is not None:
        typer.echo(f"report: {html}", err=True)
    if report.interrupted:
        raise typer.Exit(130)
    if report.problems:
        raise typer.Exit(1)


def _settings_to_compare(
    qualities: Sequence[str], presets: Sequence[str]
) -> list[tuple[str | None, str | None]]:
    """Return every quality with every preset; beside qualities that have presets, those without stand once."""
    qualities_asked: list[str | None] = [*qualities] or [None]
    presets_asked: list[str | None] = [*presets] or [None]
    with_presets = [name for name in qualities_asked if PART_OF_QUALITY.get(name or "") != "student"]
    return [
        (quality, preset)
        for quality in qualities_asked
        for preset in (presets_asked if quality in with_presets or not with_presets else [None])
    ]


def _submit(
    benchmark: str, source: Path, folder: Path, settings: InferenceConfig, model: str | None, device: str
) -> None:
    from tqdm import tqdm

    from lgbpn_cli import measurements

    with tqdm(unit="block", disable=None) as bar, Heartbeat(lambda: said(bar, "blocks")):
        try:
            written = measurements.submit(
                benchmark, source, folder, settings, model=model, device=device, on_step=_mover(bar)
            )
        except KeyboardInterrupt as stop:
            raise typer.Exit(130) from stop
    files = "1 file" if len(written) == 1 else f"{len(written)} files"
    typer.echo(f"{files} for the {benchmark} server, see {folder}", err=True)


def _mover(bar: Any) -> Callable[[int, int], None]:
    """Return what moves a progress bar to a number done out of a total."""

    def move(done: int, total: int) -> None:
        bar.total, bar.n = total, done
        bar.refresh()

    return move


def _split(names: Iterable[str]) -> tuple[str, ...]:
    """Return single names, in order and once each, from options that may be repeated or hold commas."""
    return tuple(dict.fromkeys(name.strip() for text in names for name in text.split(",")))
