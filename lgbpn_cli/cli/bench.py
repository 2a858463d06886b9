"""`lgbpn bench`: speed, memory and agreement of tiles on this machine."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.option_groups import with_option_groups
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


@dataclass(frozen=True)
class BenchOptions:
    """What is measured, and how often."""

    models: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE|untrained:SHAPE",
            help="Model to measure; may be repeated. Shapes with random weights are published, small and student.",
            show_default="the model this version ships",
        ),
    ] = None
    qualities: Annotated[
        list[str] | None,
        typer.Option(
            "--quality", metavar="|".join(QUALITIES), help="May be repeated.", show_default="the model's own"
        ),
    ] = None
    precisions: Annotated[
        list[str] | None,
        typer.Option(
            "--precision", metavar="|".join(PRECISIONS), help="May be repeated.", show_default="auto"
        ),
    ] = None
    megapixels: Annotated[
        list[float] | None,
        typer.Option(
            "--megapixels",
            metavar="NUMBER",
            help="Size of the square photo of noise; may be repeated.",
            show_default=str(MEGAPIXELS),
        ),
    ] = None
    agreement: Annotated[
        Path | None,
        typer.Option(
            "--agreement",
            metavar="PHOTO",
            help="Instead of speed: how much this photo in tiles differs from the same photo in one piece.",
            show_default=False,
        ),
    ] = None
    whole: Annotated[
        Path | None,
        typer.Option(
            "--whole",
            metavar="PHOTO",
            help="Instead of the network alone: time each part of lgbpn denoise with this photo.",
            show_default=False,
        ),
    ] = None
    tiles: Annotated[
        list[int] | None,
        typer.Option(
            "--tile",
            metavar="PIXELS",
            help="Side of the tiles; with --agreement it may be repeated.",
            show_default="as planned; 128, 256, 512 and 1024 with --agreement",
        ),
    ] = None
    halo: Annotated[
        int | None,
        typer.Option(
            "--halo",
            metavar="PIXELS",
            help="How far the network sees beyond each tile.",
            show_default="that of lgbpn denoise",
        ),
    ] = None
    repeats: Annotated[
        int,
        typer.Option("--repeats", metavar="NUMBER", help="How often to run; the fastest run counts.", min=1),
    ] = REPEATS
    device: DeviceOption = "auto"
    json_lines: Annotated[
        bool, typer.Option("--json", help="Write one JSON object for each measurement to standard output.")
    ] = False

    def cases(self) -> list[Case]:
        """Return what is measured, one by one. Raises UsageError."""
        if self.agreement is None and self.tiles and len(self.tiles) > 1:
            raise UsageError("--tile", "only one is possible", "Give one, or --agreement PHOTO.")
        if any(not 0 < size < math.inf for size in self.megapixels or []):
            raise UsageError("--megapixels", "not a size", "Use a number above 0.")
        if self.whole is not None and (self.agreement is not None or self.megapixels):
            raise UsageError(
                "--whole", "the photo has a size of its own", "Omit --agreement and --megapixels."
            )
        return [
            Case(name, quality, precision, size)
            for name in self.models or (None,)
            for quality in self.qualities or (None,)
            for precision in self.precisions or (InferenceConfig.precision,)
            for size in self.megapixels or (MEGAPIXELS,)
        ]


@dataclass(frozen=True)
class Case:
    """What is measured at once."""

    model: str | None
    quality: str | None
    precision: str
    megapixels: float

    def settings(self, options: BenchOptions) -> InferenceConfig:
        """Return how the network runs. Raises UsageError."""
        return InferenceConfig(
            quality=self.quality,  # type: ignore[arg-type]  # checked by the configuration
            precision=self.precision,  # type: ignore[arg-type]  # checked by the configuration
            halo_px=options.halo,
            tile_px=options.tiles[0] if options.tiles else None,
        )

    def words(self, options: BenchOptions) -> list[str]:
        """Return the options that denoise and bench take alike."""
        values: dict[str, object] = {
            "--model": self.model,
            "--quality": self.quality,
            "--precision": self.precision,
            "--tile": options.tiles[0] if options.tiles else None,
            "--halo": options.halo,
            "--device": options.device,
        }
        return [word for name, value in values.items() if value is not None for word in (name, str(value))]


@with_option_groups
def bench(options: BenchOptions) -> None:
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
    cases = options.cases()
    settings = [case.settings(options) for case in cases]  # all are checked before the first is measured
    if options.whole is not None:
        for case in cases:
            parts = measure_whole(options.whole, case.words(options), options.repeats)
            typer.echo(whole_as_json(parts) if options.json_lines else whole_as_text(parts))
        return
    if options.agreement is None and len(cases) > 1:
        for case in cases:
            _in_a_process_of_its_own(case, options)
        return
    for case, config in zip(cases, settings, strict=True):
        for measured in _measured(case, config, options):
            typer.echo(_as_json(measured) if options.json_lines else _line(measured))


def _measured(case: Case, config: InferenceConfig, options: BenchOptions) -> Iterable[Speed | Agreement]:
    from lgbpn_cli.evaluation import measurements

    if options.agreement is not None:
        tiles = options.tiles or TILES_PX
        return measurements.bench_agreement(
            options.agreement, config, tiles, model=case.model, device=options.device
        )
    speed = measurements.bench_speed(
        config,
        megapixels=case.megapixels,
        repeats=options.repeats,
        model=case.model,
        device=options.device,
    )
    return [speed]


def _in_a_process_of_its_own(case: Case, options: BenchOptions) -> None:
    """Measure one case by the same command, and print what it prints. Ends with its exit code if it fails."""
    words = [
        *case.words(options),
        "--megapixels",
        str(case.megapixels),
        "--repeats",
        str(options.repeats),
    ]
    flags = ["--json"] if options.json_lines else []
    done = subprocess.run([sys.executable, "-m", "lgbpn_cli", "bench", *words, *flags], check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _as_json(measured: Speed | Agreement) -> str:
    """Return a measurement as a line of JSON, which has no NaN: what was not measured is null."""
    fields = asdict(measured)
    unknown = {name for name, value in fields.items() if isinstance(value, float) and math.isnan(value)}
    return json.dumps({name: None if name in unknown else value for name, value in fields.items()})


def _line(measured: Speed | Agreement) -> str:
    from lgbpn_cli.research.bench import Speed

    return _speed_line(measured) if isinstance(measured, Speed) else _agreement_line(measured)


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
