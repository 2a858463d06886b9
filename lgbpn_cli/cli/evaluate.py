"""`lgbpn eval`: one call of `measurements`, and what is printed of its report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgbpn_cli.cli.command_line import command_line
from lgbpn_cli.cli.evaluate_options import ContestantOptions, MeasureOptions, ReportOptions, SubmissionOptions
from lgbpn_cli.cli.flags import shown, with_flags
from lgbpn_cli.cli.heartbeat import Heartbeat, said
from lgbpn_cli.cli.option_groups import with_option_groups
from lgbpn_cli.cli.options import read_report_bytes
from lgbpn_cli.cli.stop_signals import finish_undisturbed
from lgbpn_cli.errors import UsageError
from lgbpn_cli.evaluation.settings import SUBMISSIONS, EvaluationConfig

if TYPE_CHECKING:
    from lgbpn_cli.evaluation.report.scores import EvaluationReport


@with_option_groups
def evaluate(
    context: typer.Context,
    noisy: Annotated[
        Path, typer.Argument(help="Noisy photo, folder of them or .mat file of blocks.", show_default=False)
    ],
    reference: Annotated[
        Path | None,
        typer.Argument(
            help="The same for the clean references; pictures of the same name are compared.",
            show_default=False,
        ),
    ] = None,
    *,
    no_reference: Annotated[
        bool,
        typer.Option(
            "--no-reference",
            help="Judge the results without references: whiteness and edge structure of what was removed, with an "
            "alarm for over-smoothing; with --quality teacher also the blind loss.",
        ),
    ] = False,
    contestants: ContestantOptions,
    measures: MeasureOptions,
    reports: ReportOptions,
    submission: SubmissionOptions,
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
      lgbpn eval burst-of-raws/ --burst
      lgbpn eval BenchmarkNoisyBlocksSrgb.mat --submission sidd -o submission/

    The table has a row for the noisy photos and one for each model and setting: PSNR with the 95 % interval of its
    mean, median and worst photo; SSIM; mean absolute error (MAE) and mean shift of each colour in 8-bit levels;
    structure (how much of the picture was removed with the noise: 0 is best); noise left in flat areas; seconds a
    photo and megapixels a second. Raw files are compared in linear light, equally bright.

    \b
    Exit codes:
      0    everything was measured
      1    some files were skipped (the others are measured), or a report could not be written
      2    something is wrong with the command, model or device; nothing was measured
      130  stopped with Ctrl-C
    """
    if submission.submission is not None:
        measuring = reference is not None or no_reference or measures.asked or reports.asked
        _submit(noisy, contestants, submission, measuring=measuring)
        return
    _check_references(reference, no_reference=no_reference, burst=measures.burst)
    models: list[str | None] = [*(contestants.model or ())]
    if not models and not measures.denoised:
        models.append(None)
    contest = EvaluationConfig(
        noisy=noisy,
        reference=reference,
        models=tuple(models),
        bootstrap_seed=contestants.seed,
        csv=reports.csv,
        html=reports.html,
        report_bytes=read_report_bytes(reports.report_size),
    )
    config = measures.applied_to(contest)
    report = _measured(config, contestants, command_line(context))
    _print(report, as_json=reports.as_json)
    _write(report, config)
    if report.interrupted:
        raise typer.Exit(130)
    if report.problems:
        raise typer.Exit(1)


def _check_references(reference: Path | None, *, no_reference: bool, burst: bool) -> None:
    """Raise UsageError unless it is said what results are compared with, and only once."""
    if burst and no_reference:
        raise UsageError("--burst", "cannot be combined with --no-reference", "Omit one of the two.")
    if (reference is None) != no_reference and not burst:
        cause = "cannot be combined with REFERENCE" if no_reference else "is missing, and so are references"
        raise UsageError("--no-reference", cause, "Give references or --no-reference.")


def _measured(config: EvaluationConfig, contestants: ContestantOptions, command: str) -> EvaluationReport:
    """Return what was measured, after Ctrl-C that far; ends the command where that is nothing."""
    settings = contestants.settings()
    # Here and not at the top: --help does not have to wait for them.
    from lgbpn_cli.cli.bars import tqdm
    from lgbpn_cli.evaluation import measurements

    report = None
    with tqdm(unit="result", disable=None) as bar, Heartbeat(lambda: said(bar, "results")):
        try:
            report = measurements.evaluate(
                config, settings, command=command, device=contestants.device, on_step=_mover(bar)
            )
        except KeyboardInterrupt:  # before the first photo
            bar.close()
    if report is not None and report.interrupted:
        finish_undisturbed()
    if report is None or (report.interrupted and not report.photos()):
        typer.echo("lgbpn: stopped; no report was written", err=True)
        raise typer.Exit(130)
    problems = (replace(each, cause=with_flags(each.cause)) for each in report.problems)
    return replace(report, problems=tuple(problems))


def _print(report: EvaluationReport, *, as_json: bool) -> None:
    """Print the figures, as a table for people or as JSON for programs, and what was left out."""
    from lgbpn_cli.evaluation.problems import problem_lines
    from lgbpn_cli.evaluation.report.table import as_json as json_text
    from lgbpn_cli.evaluation.report.table import as_text

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


def _write(report: EvaluationReport, config: EvaluationConfig) -> None:
    """Write the reports that are asked for, and say where the page is."""
    from lgbpn_cli.evaluation import measurements

    measurements.write_reports(report, config)
    if config.html is not None:
        typer.echo(f"report: {config.html}", err=True)


def _submit(
    source: Path, contestants: ContestantOptions, submission: SubmissionOptions, *, measuring: bool
) -> None:
    """Write the files for a benchmark's server. Raises UsageError where there is something to measure, too."""
    benchmark = submission.submission
    if benchmark not in SUBMISSIONS:
        raise UsageError(
            "--submission", f"'{benchmark}' is unknown", f"Choose from {', '.join(SUBMISSIONS)}."
        )
    if measuring or contestants.several:
        cause = "it takes one model and setting, and nothing to measure"
        raise UsageError("--submission", cause, "Give the other options in a separate call.")
    [settings] = contestants.settings()
    model = contestants.model[0] if contestants.model else None
    from lgbpn_cli.cli.bars import tqdm
    from lgbpn_cli.evaluation import measurements

    with tqdm(unit="block", disable=None) as bar, Heartbeat(lambda: said(bar, "blocks")):
        try:
            written = measurements.submit(
                benchmark,
                source,
                submission.output,
                settings,
                model=model,
                device=contestants.device,
                on_step=_mover(bar),
            )
        except KeyboardInterrupt as stop:
            raise typer.Exit(130) from stop
    files = "1 file" if len(written) == 1 else f"{len(written)} files"
    typer.echo(f"{files} for the {benchmark} server, see {submission.output}", err=True)


def _mover(bar: Any) -> Callable[[int, int], None]:
    """Return what moves a progress bar to a number done out of a total."""

    def move(done: int, total: int) -> None:
        bar.total, bar.n = total, done
        bar.refresh()

    return move
