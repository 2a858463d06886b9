"""`lgbpn denoise`: its groups of options, and one call of `app`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.command_line import command_line
from lgbpn_cli.cli.denoise_options import NetworkOptions, ResultOptions, RunOptions
from lgbpn_cli.cli.option_groups import with_option_groups
from lgbpn_cli.cli.options import read_report_bytes
from lgbpn_cli.cli.stop_signals import finish_undisturbed
from lgbpn_cli.machine.quick_imports import no_garbage_yet

if TYPE_CHECKING:
    from lgbpn_cli.cli.progress import Reporter
    from lgbpn_cli.evaluation.report.denoise_page import DenoisePage


@with_option_groups
def denoise(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        # readable=False: typer does not ask. A file without permission fails alone; the command is not wrong.
        typer.Argument(
            metavar="PHOTO", help="Photos, and folders of photos.", show_default=False, readable=False
        ),
    ],
    results: ResultOptions,
    network: NetworkOptions,
    run: RunOptions,
) -> None:
    """Remove the noise from photos. Your photos are not changed, unless you say --in-place.

    \b
    Examples:
      lgbpn denoise IMG_1.jpg                      writes IMG_1_denoised.jpg
      lgbpn denoise IMG_1.jpg -o clean.jpg         writes clean.jpg
      lgbpn denoise photos/ -r -o denoised/        mirrors all sub-folders
      lgbpn denoise photos/ --min-iso 800          skips photos that hardly need it
      lgbpn denoise IMG_1.NEF -f tiff              writes IMG_1_denoised.tif
      lgbpn denoise photos/ --quality best -n      shows what it would do, and how long that would take
      lgbpn denoise photos/ --html page.html       also makes a page to compare before and after
      lgbpn denoise inbox/ -o out/ --watch         keeps going as photos arrive, until Ctrl-C
      lgbpn denoise scans/ -r -o out/ --part 2/8   does the share of the second of eight machines

    Results keep the format, bit depth and metadata of their photos; camera raw files become linear DNG, and HEIC
    becomes JPEG. XMP sidecars are copied along. What is already done is skipped: to continue a run that was stopped,
    give the same command again.

    \b
    Exit codes:
      0    all done, or nothing to do
      1    some photos failed; the others are done
      2    something is wrong with the command, model or device; nothing was done
      130  stopped with Ctrl-C (or SIGTERM, SIGHUP); no partial file is left
    """
    # Here and not at the top: --help does not have to wait for them.
    with no_garbage_yet():
        from lgbpn_cli import app
        from lgbpn_cli.batch.order import Order
        from lgbpn_cli.cli.progress import Reporter
    from lgbpn_cli.models.names import DEFAULT_MODEL

    output, pool, settings = results.config(network.model or DEFAULT_MODEL), run.pool(), network.config()
    page = None
    if run.html is not None:
        from lgbpn_cli.evaluation.report.denoise_page import DenoisePage

        page = DenoisePage(run.html, read_report_bytes(run.report_size), command=command_line(context))
    reporter = Reporter(quiet=run.quiet, verbose=run.verbose, json_lines=run.json_lines)
    order = Order(output, settings, network.model, run.device)

    def work() -> None:
        if run.watch:
            app.denoise_arrivals(inputs, order, reporter)
        elif pool is None or run.dry_run:
            app.denoise_folder(inputs, order, reporter, dry_run=run.dry_run, page=page)
        else:
            app.denoise_on_workers(inputs, order, reporter, workers=pool.number, scheduler=pool.scheduler)

    exit_code = _reported(work, reporter)
    if page is not None:
        exit_code = _with_page(page, reporter, exit_code, dry_run=run.dry_run)
    raise typer.Exit(exit_code)


def _reported(work: Callable[[], None], reporter: Reporter) -> int:
    """Do the work, of which `reporter` is told, and return the exit code: after Ctrl-C, too, it sums up."""
    from lgbpn_cli.cli.progress import CannotGoOnError

    interrupted = in_vain = False
    try:
        try:
            with reporter:
                work()
        except KeyboardInterrupt as stop:
            interrupted, in_vain = True, isinstance(stop, CannotGoOnError)
        finish_undisturbed()
    except KeyboardInterrupt:  # a second one, while the first was being seen to
        interrupted = True
        finish_undisturbed()
    exit_code = reporter.close(interrupted=interrupted)
    return 1 if in_vain else exit_code


def _with_page(page: DenoisePage, reporter: Reporter, exit_code: int, *, dry_run: bool) -> int:
    """Write the page, and return the exit code of the run with it."""
    from lgbpn_cli.cli.run_page import write_page

    if dry_run:
        reporter.note("a dry run writes no page")
        return exit_code
    written = write_page(page, reporter)
    return exit_code or written
