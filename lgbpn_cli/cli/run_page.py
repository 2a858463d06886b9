"""Writing the page of a run, and saying where it is."""

from __future__ import annotations

import typer

from lgbpn_cli.cli.flags import with_flags
from lgbpn_cli.cli.progress import Reporter
from lgbpn_cli.errors import PhotoWriteError
from lgbpn_cli.evaluation.report.denoise_page import DenoisePage


def write_page(page: DenoisePage, reporter: Reporter) -> int:
    """Write the page of what was denoised, after Ctrl-C too, and return the exit code of that."""
    try:
        written = page.write()
    except PhotoWriteError as error:
        typer.echo(f"lgbpn: {with_flags(error)}", err=True)
        return 1
    reporter.note(
        f"page: {page.path}" if written else f"no photo was denoised, so {page.path} was not written"
    )
    return 0
