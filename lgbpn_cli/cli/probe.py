"""`lgbpn probe`: its options, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgbpn_cli.cli.flags import shown, with_flags
from lgbpn_cli.cli.heartbeat import Heartbeat, said
from lgbpn_cli.cli.options import ExcludeOption, OnlyOption, RecursiveOption, read_names
from lgbpn_cli.cli.stop_signals import finish_undisturbed

if TYPE_CHECKING:
    from lgbpn_cli.noise.summary import NoiseSummary


def probe(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO", help="Photos, and folders of photos.", show_default=False, readable=False
        ),
    ],
    recursive: RecursiveOption = False,
    only: OnlyOption = None,
    exclude: ExcludeOption = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE.png",
            help="Draw how the noise of neighbouring pixels is correlated, over all photos.",
            show_default="no drawing",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON document to standard output.")
    ] = False,
) -> None:
    """Measure the noise of photos, explain it, and suggest settings. No clean picture is needed.

    \b
    Examples:
      lgbpn probe IMG_1.jpg
      lgbpn probe photos/ -r --plot noise.png
      lgbpn probe photos/ --json > noise.json
      lgbpn denoise more/ --quality teacher --preset noise.json

    Level, correlation over offsets of -6..6 px, JPEG's grid and clipping are measured in flat patches of each photo;
    where none is flat, a noise estimator limits the level. Photos of one camera at one ISO are also summed up
    together. Nothing but the plot is written.

    \b
    Exit codes:
      0    all measured
      1    some photos could not be read; the others are measured
      2    something is wrong with the command or the noise estimator; nothing was done
      130  stopped with Ctrl-C; what was measured by then is printed
    """
    from lgbpn_cli.app import probe_noise
    from lgbpn_cli.batch.probe import as_document
    from lgbpn_cli.cli.bars import tqdm
    from lgbpn_cli.noise.summary import summarise

    if plot is not None:
        from lgbpn_cli.noise.plot import check_plot, draw_correlation

        check_plot(plot)
    with tqdm(unit="photo", disable=None, leave=False) as bar, Heartbeat(lambda: said(bar, "photos")):

        def move(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        found = probe_noise(
            inputs, recursive=recursive, names=read_names(only, exclude), on_note=_note, on_step=move
        )
    if found.interrupted:
        finish_undisturbed()
    for text in found.notes():
        _note(text)
    if as_json:
        typer.echo(json.dumps(_with_flags(as_document(found))))
    else:
        for photo in found.photos:
            _say(f"{photo.path} ({photo.shot})", summarise([photo.noise]))
            for sentence in () if photo.mosaic is None else photo.mosaic.words():
                typer.echo(f"  {with_flags(sentence)}")
        for shot, summary in found.groups().items():
            if summary.photos > 1:  # what a photo by itself is like has been said
                _say(f"{summary.photos} photos: {shot}", summary)
    if plot is not None and found.photos:
        draw_correlation(summarise([photo.noise for photo in found.photos]), plot)
        _note(f"drawn: {plot}")
    raise typer.Exit(130 if found.interrupted else 1 if found.failures else 0)


def _with_flags(document: Any) -> Any:
    """Return a document whose advice names flags, wherever in it that stands."""
    if isinstance(document, dict):
        return {
            name: [with_flags(each) for each in value] if name == "advice" else _with_flags(value)
            for name, value in document.items()
        }
    return [_with_flags(each) for each in document] if isinstance(document, list) else document


def _note(text: str) -> None:
    typer.echo(shown(text), err=True)


def _say(title: str, summary: NoiseSummary) -> None:
    red, green, blue = summary.level_8bit
    typer.echo(f"{shown(title)}\n  R {red:.1f}  G {green:.1f}  B {blue:.1f} of 255")
    for sentence in (*summary.words(), *summary.advice()):
        typer.echo(f"  {with_flags(sentence)}")
