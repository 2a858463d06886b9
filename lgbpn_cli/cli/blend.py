"""`lgbpn blend`: its options, and one call of `blend_folder`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.options import (
    ChromaOption,
    GrainOption,
    JsonLinesOption,
    LumaOption,
    QuietOption,
    RecursiveOption,
    read_look,
    read_strength,
)
from lgbpn_cli.config.look import Look
from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.quick_imports import no_garbage_yet


def blend(
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO|FOLDER", help="The noisy photo, or a folder of them.")
    ],
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT|FOLDER",
            help="What lgbpn denoise made of it with --strength 1 or auto, or a folder of such results.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Where the new results go; for one photo also a file name.",
        ),
    ],
    recursive: RecursiveOption = False,
    strength: Annotated[
        str | None,
        typer.Option(
            "--strength", metavar="0..1|0%..100%", help="0 is the photo, 1 the result.", show_default=False
        ),
    ] = None,
    luma: LumaOption = None,
    chroma: ChromaOption = None,
    grain: GrainOption = None,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Seed of the grain.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are already there.")
    ] = False,
    quiet: QuietOption = False,
    json_lines: JsonLinesOption = False,
) -> None:
    """Try other strengths, or add grain, without running the network again: mix photos with their results.

    Each result says which photo it was made from, whatever its name; a result of another photo is refused.

    \b
    Examples:
      lgbpn blend IMG_1.jpg IMG_1_denoised.jpg -o softer.jpg --strength 0.7
      lgbpn blend photos/ full/ -o out/ --luma 0.5 --chroma 1 --grain 3

    \b
    Exit codes are those of lgbpn denoise.
    """
    if (strength, luma, chroma, grain) == (None, None, None, None):
        cause = "nothing says how to mix photo and result"
        raise UsageError("blend", cause, "Give --strength, --luma, --chroma or --grain.")
    if seed < 0:
        raise UsageError("--seed", f"{seed} is negative", "Use 0 or more.")
    share = read_strength(strength)
    look = read_look(strength, luma, chroma, grain) or Look(share, share)
    # Here and not at the top: --help does not have to wait for them.
    with no_garbage_yet():
        from lgbpn_cli.batch.blending import blend_folder
        from lgbpn_cli.cli.progress import Reporter

    reporter = Reporter(quiet=quiet, verbose=False, json_lines=json_lines, done="blended")
    interrupted = False
    try:
        with reporter:
            blend_folder(
                photo, result, output, look, reporter, seed=seed, recursive=recursive, overwrite=overwrite
            )
    except KeyboardInterrupt:
        interrupted = True
    raise typer.Exit(reporter.close(interrupted=interrupted))
