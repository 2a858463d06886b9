"""The options of `lgbpn denoise`, in groups that each become one configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from lgbpn_cli.cli.amounts import parse_bytes, parse_part, parse_seconds
from lgbpn_cli.cli.options import (
    AUTO,
    MEGABYTE_BYTES,
    PRESET_METAVAR,
    AttentionOption,
    ChromaOption,
    DeviceOption,
    ExcludeOption,
    GrainOption,
    JsonLinesOption,
    KeepFullOption,
    LumaOption,
    OnlyOption,
    QuietOption,
    RawPathOption,
    RecursiveOption,
    ReportSizeOption,
    StrengthOption,
    read_look,
    read_names,
    read_preset,
    read_strength,
)
from lgbpn_cli.cli.workers import SchedulerOption, Workers, WorkersOption, read_workers
from lgbpn_cli.config import (
    COLOUR_SPACES,
    OUTPUT_FORMATS,
    PRECISIONS,
    QUALITIES,
    InferenceConfig,
    OutputConfig,
)
from lgbpn_cli.errors import UsageError
from lgbpn_cli.evaluation.settings import EvaluationConfig


@dataclass(frozen=True)
class ResultOptions:
    """Which photos are taken, and what their results are."""

    recursive: RecursiveOption = OutputConfig.recursive
    only: OnlyOption = None
    exclude: ExcludeOption = None
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Folder for the results; sub-folders are mirrored in it. For one photo also a file name.",
            show_default="beside each photo",
        ),
    ] = OutputConfig.output
    suffix: Annotated[
        str, typer.Option("--suffix", metavar="TEXT", help="Added to each result's name; not with -o.")
    ] = OutputConfig.suffix
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="TEMPLATE",
            help="Names of the results, such as '{date}/{stem}_{iso}_dn.{ext}'; fields are stem, ext, folder, date, "
            "iso, camera, model and counter.",
            show_default="the photos' own names",
        ),
    ] = OutputConfig.name_template
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace results that are already there instead of skipping them."),
    ] = OutputConfig.overwrite
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            help="Replace each photo by its result: for copies that another program makes and reads back.",
        ),
    ] = False
    backup: Annotated[
        bool,
        typer.Option(
            "--backup",
            help="With --in-place: keep each photo as NAME.orig before replacing it.",
        ),
    ] = False
    min_iso: Annotated[
        int,
        typer.Option(
            "--min-iso",
            metavar="ISO",
            help="Skip photos below this ISO: they have little noise, and would lose fine texture.",
            show_default="all are denoised",
        ),
    ] = OutputConfig.min_iso
    part: Annotated[
        str,
        typer.Option(
            "--part",
            metavar="NUMBER/PARTS|auto",
            help="Denoise one part of the photos, such as 2/8, so that machines can share a folder; auto: the part of "
            "this job in a Slurm, SGE or AWS Batch array; auto/8: in a PBS array of eight.",
        ),
    ] = "1/1"
    format_: Annotated[
        str,
        typer.Option(
            "-f",
            "--format",
            metavar="|".join(OUTPUT_FORMATS),
            help="Format of the results; preserve keeps each photo's own, and turns camera raw into DNG and HEIC into "
            "JPEG.",
        ),
    ] = OutputConfig.format
    bit_depth: Annotated[
        int | None,
        typer.Option(
            "--bit-depth",
            metavar="8|16",
            help="Bits per sample in PNG, TIFF and JPEG XL results.",
            show_default="the photo's own",
        ),
    ] = OutputConfig.bit_depth
    jpeg_quality: Annotated[
        int | None,
        typer.Option(
            "--jpeg-quality",
            metavar="1..100",
            help="Quality of JPEG, WebP, AVIF and JPEG XL results; without it, a JPEG that stays a JPEG keeps its own, "
            "and new JPEG XL files are lossless.",
            show_default="95 for new files",
        ),
    ] = OutputConfig.jpeg_quality
    colour_space: Annotated[
        str | None,
        typer.Option(
            "--colour-space",
            metavar="|".join(COLOUR_SPACES),
            help="Colour space of results made from camera raw files with -f; all other photos keep their own.",
            show_default="srgb",
        ),
    ] = OutputConfig.colour_space
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata",
            help="Keep only the picture, its colour profile and its orientation.",
        ),
    ] = OutputConfig.strip_metadata
    keep_full: KeepFullOption = OutputConfig.full_folder
    preserve_times: Annotated[
        bool, typer.Option("--preserve-times", help="Give results the file times of their photos.")
    ] = OutputConfig.preserve_times
    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance/--no-provenance",
            help="Record model and settings in the results, for later runs and other programs.",
        ),
    ] = OutputConfig.provenance
    max_pixels: Annotated[
        int,
        typer.Option(
            "--max-pixels",
            metavar="NUMBER",
            help="Refuse larger pictures: a file can be made to fill all memory.",
        ),
    ] = OutputConfig.max_pixels
    photo_time_limit: Annotated[
        str,
        typer.Option(
            "--photo-time-limit",
            metavar="TIME",
            help="Give up on a photo that takes longer to read, such as 30s: a damaged file can keep its decoder busy "
            "forever.",
        ),
    ] = "10m"
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse photos with damaged data; without it, what can be read of them is denoised.",
        ),
    ] = OutputConfig.strict

    def config(self, model: str) -> OutputConfig:
        """Return what they say together, for results of that model. Raises UsageError."""
        if self.output is not None and self.suffix != OutputConfig.suffix:
            raise UsageError("--suffix", "is for results beside their photos", "Omit -o or --suffix.")
        if self.name and (self.in_place or self.suffix != OutputConfig.suffix):
            raise UsageError("--name", "cannot be combined with --in-place or --suffix", "Omit one of them.")
        # Here and not at the top: --help does not have to wait for it.
        from lgbpn_cli.batch.name_template import with_model

        return OutputConfig(
            output=self.output,
            name_template=with_model(self.name, model),
            suffix=self.suffix,
            recursive=self.recursive,
            names=read_names(self.only, self.exclude),
            overwrite=self.overwrite,
            in_place=self._in_place(),
            full_folder=self.keep_full,
            min_iso=self.min_iso,
            part=parse_part("--part", self.part),
            format=self.format_,  # type: ignore[arg-type]  # checked by the configuration
            bit_depth=self.bit_depth,
            jpeg_quality=self.jpeg_quality,
            colour_space=self.colour_space,  # type: ignore[arg-type]  # checked by the configuration
            strip_metadata=self.strip_metadata,
            preserve_times=self.preserve_times,
            provenance=self.provenance,
            max_pixels=self.max_pixels,
            photo_time_limit_s=parse_seconds("--photo-time-limit", self.photo_time_limit),
            strict=self.strict,
        )

    def _in_place(self) -> Literal["", "replace", "backup"]:
        """Return what becomes of the photos. Raises UsageError."""
        if self.backup and not self.in_place:
            raise UsageError("--backup", "is for --in-place, without which no photo is replaced", "Omit it.")
        if not self.in_place:
            return ""
        if self.output is not None or self.suffix != OutputConfig.suffix:
            raise UsageError("--in-place", "cannot be combined with -o or --suffix", "Omit one of them.")
        if self.format_ != OutputConfig.format:
            cause = (
                f"cannot be combined with -f {self.format_}: another type of file cannot take a photo's place"
            )
            raise UsageError("--in-place", cause, "Omit one of them.")
        return "backup" if self.backup else "replace"


@dataclass(frozen=True)
class NetworkOptions:
    """Which model works, and how."""

    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE|auto",
            help="Model to use; auto: for each photo the model you made for its camera with lgbpn finetune, if any.",
            show_default="the model this version ships",
        ),
    ] = None
    quality: Annotated[
        str | None,
        typer.Option(
            "--quality",
            metavar="|".join(QUALITIES),
            help="fast; or best, the mean of eight turned and mirrored views: slightly better, and six to nine "
            "times as slow. For comparisons: teacher and teacher-r3, LG-BPN itself in one pass or nine.",
            show_default="fast; teacher for a model without a student",
        ),
    ] = InferenceConfig.quality
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar=PRESET_METAVAR,
            help="Kind of noise, for --quality teacher and teacher-r3: sidd is coarse, dnd is fine; auto measures each "
            "photo; FILE.json, from lgbpn probe --json, takes what suits most photos measured there.",
        ),
    ] = AUTO
    strength: StrengthOption = None
    luma: LumaOption = None
    chroma: ChromaOption = None
    grain: GrainOption = None
    raw_path: RawPathOption = InferenceConfig.raw_path
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="NUMBER",
            help="Seed of the random numbers for --quality teacher-r3 and --grain.",
        ),
    ] = InferenceConfig.seed
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            metavar="PIXELS",
            help="Side of the squares a photo is cut into; smaller ones need less memory.",
            show_default="as large as memory allows, up to a useful size",
        ),
    ] = InferenceConfig.tile_px
    halo: Annotated[
        int | None,
        typer.Option(
            "--halo",
            metavar="PIXELS",
            help="How far the network sees beyond each square; less is faster, but the squares may show.",
            show_default="enough that they do not show",
        ),
    ] = InferenceConfig.halo_px
    attention: AttentionOption = InferenceConfig.attention
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="AMOUNT",
            help="Use no more memory than this, such as 2GB: of the GPU if there is one, else of the machine.",
            show_default="what is free",
        ),
    ] = None
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="|".join(PRECISIONS),
            help="Number format of the network; auto takes bfloat16 where that is faster.",
        ),
    ] = InferenceConfig.precision

    def config(self) -> InferenceConfig:
        """Return what they say together. Raises UsageError."""
        limit = self.max_memory
        return InferenceConfig(
            quality=self.quality,  # type: ignore[arg-type]  # checked by the configuration
            preset=read_preset(self.preset),
            strength=read_strength(self.strength),
            look=read_look(self.strength, self.luma, self.chroma, self.grain),
            raw_path=self.raw_path,  # type: ignore[arg-type]  # checked by the configuration
            seed=self.seed,
            tile_px=self.tile,
            halo_px=self.halo,
            attention=self.attention,  # type: ignore[arg-type]  # checked by the configuration
            precision=self.precision,  # type: ignore[arg-type]  # checked by the configuration
            max_memory_bytes=None if limit is None else parse_bytes("--max-memory", limit),
        )


@dataclass(frozen=True)
class RunOptions:
    """Where it is done, and what is said of it."""

    device: DeviceOption = "auto"
    workers: WorkersOption = None
    scheduler: SchedulerOption = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "-n",
            "--dry-run",
            help="Write nothing: show what would be written, and the time and memory it takes.",
        ),
    ] = False
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Keep going: denoise new photos as they arrive, until Ctrl-C."),
    ] = False
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Also write a page that shows this run's photos before and after.",
            show_default=False,
        ),
    ] = None
    report_size: ReportSizeOption = EvaluationConfig.report_bytes / MEGABYTE_BYTES
    quiet: QuietOption = False
    verbose: Annotated[
        bool,
        typer.Option(
            "-v", "--verbose", help="Also show model, device, plan, settings and details of errors."
        ),
    ] = False
    json_lines: JsonLinesOption = False

    def pool(self) -> Workers | None:
        """Return the workers that are asked for, None for none. Raises UsageError for what cannot go together."""
        if self.quiet and self.verbose:
            raise UsageError("--quiet", "cannot be combined with --verbose", "Omit one of them.")
        others = {"--dry-run": self.dry_run, "--html": self.html, "--workers": self.workers}
        others["--scheduler"] = self.scheduler
        for option, value in others.items():
            if self.watch and value:
                raise UsageError("--watch", f"cannot be combined with {option}", "Omit one of them.")
        return read_workers(self.workers, self.scheduler, with_page=self.html is not None)
