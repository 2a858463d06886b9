"""`lgbpn eval`: how close denoised photos come to their references."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.config import PRESETS, QUALITIES, InferenceConfig

PROTOCOL = "PSNR in dB after rounding to 8 bit, RGB, peak 255, mean over photos"


def evaluate(
    noisy: Annotated[Path, typer.Argument(help="Noisy photo, or folder of them.")],
    reference: Annotated[Path, typer.Argument(help="Clean photo, or folder of photos with the same names.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name or weight file.  [default: the shipped model]")
    ] = None,
    quality: Annotated[
        str, typer.Option(help=f"What the network does: {' or '.join(QUALITIES)}.")
    ] = InferenceConfig.quality,
    preset: Annotated[
        str | None, typer.Option(help=f"Shift preset: {' or '.join(PRESETS)}.  [default: the model's own]")
    ] = None,
    strength: Annotated[float, typer.Option(help="0 (original) to 1 (fully denoised).")] = InferenceConfig.strength,
    seed: Annotated[int, typer.Option(help="Seed of quality best.")] = InferenceConfig.seed,
    device: Annotated[str, typer.Option("--device", "-d", help="auto, cpu, cuda[:N] or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON on stdout.")] = False,
) -> None:
    """Measure a model against paired references, found by file name.

    Example: lgbpn eval photos/noisy photos/reference --quality best
    """
    from tqdm import tqdm

    from lgbpn_cli import app

    settings = InferenceConfig(quality=quality, preset=preset, strength=strength, seed=seed)
    with tqdm(unit="photo", disable=None) as bar:

        def on_pair(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        report, unpaired = app.evaluate(noisy, reference, settings, model=model, device=device, on_pair=on_pair)
    means = report.means()
    if as_json:
        rows = [{key: _rounded(value) for key, value in asdict(score).items()} for score in report.scores]
        facts = {"model": report.model, "sha256": report.sha256, "quality": report.quality, "preset": report.preset}
        print(json.dumps({"protocol": PROTOCOL, **facts, **means, "unpaired": unpaired, "files": rows}))
    else:
        worst = report.worst()
        typer.echo(f"{report.model}, quality {report.quality}, preset {report.preset}; {PROTOCOL}", err=True)
        typer.echo(
            f"{means['photos']} photos: noisy {means['noisy']:.2f} dB, denoised {means['denoised']:.2f} dB, "
            f"mean shift {means['mean_shift_8bit']:+.2f} levels, {means['seconds']:.2f} s a photo",
            err=True,
        )
        typer.echo(
            f"least gained: {worst.name}, {worst.noisy_psnr:.2f} -> {worst.denoised_psnr:.2f} dB", err=True
        )
    if unpaired:
        typer.echo(f"lgbpn: {unpaired} files have no partner of the same name and were left out", err=True)
        raise typer.Exit(1)


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
