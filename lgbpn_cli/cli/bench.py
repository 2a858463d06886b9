"""`lgbpn bench`: speed, memory and agreement of tiles on this machine."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.options import DeviceOption
from lgbpn_cli.cli.whole import measure_whole, whole_as_json, whole_as_text
from lgbpn_cli.config import PRECISIONS, QUALITIES, InferenceConfig
from lgbpn_cli.errors import UsageError

if TYPE_CHECKING:
    from lgbpn_cli.research.bench import Agreement, Speed

MEGAPIXELS = 2.0
REPEATS = 5
TILES_PX = (128, 256, 512, 1024)
"""Tiles that --agreement compares with the photo in one piece."""


def bench(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE|untrained:SHAPE",
            help="Model to measure; may be repeated. Shapes with random weights are published, small and student.",
            show_default="the model this version ships",
        ),
    ] = None,
    qualities: Annotated[
        list[str] | None,
        typer.Option(
            "--quality", metavar="|".join(QUALITIES), help="May be repeated.", show_default="the model's own"
        ),
    ] = None,
    precisions: Annotated[
        list[str] | None,
        typer.Option(
            "--precision", metavar="|".join(PRECISIONS), help="May be repeated.", show_default="auto"
        ),
    ] = None,
    megapixels: Annotated[
        list[float] | None,
        typer.Option(
            "--megapixels",
            metavar="NUMBER",
            help="Size of the square photo of noise; may be repeated.",
            show_default=str(MEGAPIXELS),
        ),
    ] = None,
    agreement: Annotated[
        Path | None,
        typer.Option(
            "--agreement",
            metavar="PHOTO",
            help="Instead of speed: how far this photo in tiles is from the same photo in one piece.",
            show_default=False,
        ),
    ] = None,
    whole: Annotated[
        Path | None,
        typer.Option(
            "--whole",
            metavar="PHOTO",
            help="Instead of the network alone: the whole lgbpn denoise of this photo, and which part takes how long.",
            show_default=False,
        ),
    ] = None,
    tiles: Annotated[
        list[int] | None,
        typer.Option(
            "--tile",
            metavar="PIXELS",
            help="Side of the tiles; with --agreement it may be repeated.",
            show_default="as planned; 128, 256, 512 and 1024 with --agreement",
        ),
    ] = None,
    halo: Annotated[
        int | None,
        typer.Option(
            "--halo",
            metavar="PIXELS",
            help="What a tile sees of its surroundings.",
            show_default="that of lgbpn denoise",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="NUMBER", help="Runs of which the fastest counts.", min=1)
    ] = REPEATS,
    device: DeviceOption = "auto",
    json_lines: Annotated[
        bool, typer.Option("--json", help="Write one JSON object for each measurement to standard output.")
    ] = False,
) -> None:
    """Measure speed and memory of models on this machine, or how well the tiles of a photo agree.

    \b
    Examples:
      lgbpn bench                                              the model that ships, as lgbpn denoise runs it
      lgbpn bench -m untrained:student --megapixels 1 --megapixels 50
      lgbpn bench -m untrained:published --megapixels 0.065536 the published network over 256x256 pixels
      lgbpn bench --agreement photo.jpg                        tiles of 128 to 1024 px against the whole photo
      lgbpn bench --whole photo.jpg                            where the time of one lgbpn denoise goes

    Each of several measurements runs in its own process, so that memory is counted right. Close other programs first.
    """
    if agreement is None and tiles and len(tiles) > 1:
        raise UsageError("--tile", "only one is possible", "Give one, or --agreement PHOTO.")
    if any(not 0 < size < math.inf for size in megapixels or []):
        raise UsageError("--megapixels", "not a size", "Use a number above 0.")
    cases = [
        _Case(name, quality, precision, size)
        for name in models or (None,)
        for quality in qualities or (None,)
        for precision in precisions or (InferenceConfig.precision,)
        for size in megapixels or (MEGAPIXELS,)
    ]
    settings = [case.settings(halo, tiles) for case in cases]  # all are checked before the first is measured
    if whole is not None:
        if agreement is not None or megapixels:
            raise UsageError(
                "--whole", "the photo has a size of its own", "Omit --agreement and --megapixels."
            )
        for case in cases:
            measured = measure_whole(whole, case.options(tiles, halo, device), repeats)
            typer.echo(whole_as_json(measured) if json_lines else whole_as_text(measured))
        return
    from lgbpn_cli import measurements

    if agreement is None and len(cases) > 1:
        for case in cases:
            _in_a_process_of_its_own(case, tiles, halo, repeats, device, json_lines)
        return
    for case, config in zip(cases, settings, strict=True):
        if agreement is not None:
            rows = measurements.bench_agreement(
                agreement, config, tiles or TILES_PX, model=case.model, device=device
            )
            for row in rows:
                typer.echo(_as_json(row) if json_lines else _agreement_line(row))
        else:
            speed = measurements.bench_speed(
                config, megapixels=case.megapixels, repeats=repeats, model=case.model, device=device
            )
            typer.echo(_as_json(speed) if json_lines else _speed_line(speed))


@dataclass(frozen=True)
class _Case:
    """What is measured at once."""

    model: str | None
    quality: str | None
    precision: str
    megapixels: float

    def settings(self, halo: int | None, tiles: list[int] | None) -> InferenceConfig:
        return InferenceConfig(
            quality=self.quality,
            precision=self.precision,  # type: ignore[arg-type]  # checked by the configuration
            halo_px=halo,
            tile_px=tiles[0] if tiles else None,
        )

    def options(self, tiles: list[int] | None, halo: int | None, device: str) -> list[str]:
        """Return what denoise and bench alike take."""
        options: dict[str, object] = {
            "--model": self.model,
            "--quality": self.quality,
            "--precision": self.precision,
            "--tile": tiles[0] if tiles else None,
            "--halo": halo,
            "--device": device,
        }
        return [word for name, value in options.items() if value is not None for word in (name, str(value))]


def _in_a_process_of_its_own(
    case: _Case, tiles: list[int] | None, halo: int | None, repeats: int, device: str, json_lines: bool
) -> None:
    """Measure one case by the same command, and print what it prints. Ends with its exit code if it fails."""
    words = [
        *case.options(tiles, halo, device),
        "--megapixels",
        str(case.megapixels),
        "--repeats",
        str(repeats),
    ]
    flags = ["--json"] if json_lines else []
    done = subprocess.run([sys.executable, "-m", "lgbpn_cli", "bench", *words, *flags], check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _as_json(measured: Speed | Agreement) -> str:
    """Return a measurement as a line of JSON, which has no NaN: what was not measured is null."""
    fields = asdict(measured)
    unknown = {name for name, value in fields.items() if isinstance(value, float) and math.isnan(value)}
    return json.dumps({name: None if name in unknown else value for name, value in fields.items()})


def _speed_line(speed: Speed) -> str:
    return (
        f"{speed.model} {speed.quality} {speed.precision}, {speed.megapixels:.2f} megapixels: "
        f"{speed.seconds:.2f} s, {speed.megapixels_per_second:.2f} megapixels a second, "
        f"{speed.peak_resident_bytes / 1e6:.0f} MB resident, "
        f"{100 * speed.share_of_peak:.0f} % of this machine's "
        f"{speed.peak_flops_per_second / 1e9:.0f} GFLOP/s, "
        f"convolutions {100 * speed.convolution_share:.0f} % of the time"
    )


def _agreement_line(row: Agreement) -> str:
    return (
        f"tiles of {row.tile_px} px, halo {row.halo_px} px: {100 * row.share_above_half_step:.4f} % of pixels "
        f"differ by more than half a step of 8 bit, at most {row.largest_steps:.3f} steps; "
        f"seam score {row.seam_score:.3f}"
    )
