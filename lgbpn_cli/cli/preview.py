"""`lgbpn preview`: its options, one call of `write_preview`, and the browser."""

from __future__ import annotations

import os
import re
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.flags import shown
from lgbpn_cli.cli.heartbeat import Heartbeat, said
from lgbpn_cli.cli.options import DeviceOption, RawPathOption
from lgbpn_cli.cli.stop_signals import finish_undisturbed
from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.errors import UsageError

ENDING = "_preview.html"
PreviewedModelOption = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME|FILE|auto",
        help="Model to use; auto: your own model for the photo's camera, if there is one.",
        show_default="the model this version ships",
    ),
]


def preview(
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", help="The photo.", show_default=False, readable=False)
    ],
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            metavar="X,Y",
            help="Show the place around this pixel, counted from the top left of the upright photo; may be repeated.",
            show_default="three telling places",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.html",
            help="The page.",
            show_default=f"PHOTO{ENDING} in the current folder",
        ),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    model: PreviewedModelOption = None,
    raw_path: RawPathOption = InferenceConfig.raw_path,
    device: DeviceOption = "auto",
) -> None:
    """Show a photo denoised in several ways, before you denoise a whole folder.

    One page shows three places of the photo (texture, noise, and a face or the brightest part): noisy, at four
    strengths, fast and best, and with brightness or colour alone denoised. A slider compares any two, and the flags of
    each can be copied. Only these places are denoised, so even a large photo takes seconds.

    \b
    Examples:
      lgbpn preview IMG_1.jpg
      lgbpn preview IMG_1.NEF --at 2410,880 -o eyes.html --no-open

    \b
    Exit codes:
      0    the page is written
      1    the photo could not be read, or the page could not be written
      2    something is wrong with the command, model or device
      130  stopped with Ctrl-C; no page is written
    """
    points = [_read_point(text) for text in at or ()]
    page = output or Path(photo.stem + ENDING)
    # Here and not at the top: --help does not have to wait for them.
    from lgbpn_cli.cli.bars import tqdm
    from lgbpn_cli.preview.run import write_preview

    try:
        with tqdm(unit="run", disable=None, leave=False) as bar, Heartbeat(lambda: said(bar, "runs")):

            def move(done: int, total: int) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            write_preview(
                photo,
                page,
                at=points,
                model=model,
                device=device,
                raw_path=raw_path,  # type: ignore[arg-type]  # checked by the configuration
                on_note=_note,
                on_step=move,
            )
    except KeyboardInterrupt:
        finish_undisturbed()
        _note("stopped: no page was written")
        raise typer.Exit(130) from None
    _note(f"page: {page}")
    if open_page and not _open(page):
        _note("no browser was found: open the page yourself")


def _read_point(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", text, re.ASCII)
    if found is None:
        raise UsageError(f"--at {text}", "not a place", "Give column and row in pixels, such as 2410,880.")
    return int(found[1]), int(found[2])


def _open(page: Path) -> bool:
    """Show the page in the browser and return whether there is one; those of a terminal show no pictures."""
    on_screen = os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}
    if sys.platform.startswith("linux") and not on_screen:
        return False
    return webbrowser.open(page.absolute().as_uri())


def _note(text: str) -> None:
    typer.echo(shown(text), err=True)
