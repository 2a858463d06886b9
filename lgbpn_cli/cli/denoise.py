"""`lgbpn denoise`: its options, and one call of `app.denoise_folder`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.amounts import parse_bytes, parse_part, parse_seconds
from lgbpn_cli.cli.command_line import command_line
from lgbpn_cli.cli.options import (
    AUTO,
    MEGABYTE_BYTES,
    PRESET_METAVAR,
    AttentionOption,
    ChromaOption,
    DeviceOption,
    ExcludeOption,
    GrainOption,
    LumaOption,
    OnlyOption,
    RecursiveOption,
    ReportSizeOption,
    StrengthOption,
    read_look,
    read_names,
    read_preset,
    read_report_bytes,
    read_strength,
)
from lgbpn_cli.cli.stop_signals import finish_undisturbed
from lgbpn_cli.cli.workers import SchedulerOption, WorkersOption, read_workers
from lgbpn_cli.config import (
    COLOUR_SPACES,
    OUTPUT_FORMATS,
    PRECISIONS,
    QUALITIES,
    RAW_PATHS,
    InferenceConfig,
    OutputConfig,
)
from lgbpn_cli.errors import UsageError
from lgbpn_cli.evaluation.settings import EvaluationConfig

if TYPE_CHECKING:
    pass


def denoise(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        # readable=False: typer does not ask. A file without permission fails alone; it is no wrong command.
        typer.Argument(
            metavar="PHOTO", help="Photos, and folders of photos.", show_default=False, readable=False
        ),
    ],
    recursive: RecursiveOption = OutputConfig.recursive,
    only: OnlyOption = None,
    exclude: ExcludeOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Folder for the results; sub-folders are mirrored in it. For one photo also a file name.",
            show_default="beside each photo",
        ),
    ] = OutputConfig.output,
    suffix: Annotated[
        str, typer.Option("--suffix", metavar="TEXT", help="Added to a result's name; only without -o.")
    ] = OutputConfig.suffix,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace results that are already there instead of skipping them."),
    ] = OutputConfig.overwrite,
    min_iso: Annotated[
        int,
        typer.Option(
            "--min-iso",
            metavar="ISO",
            help="Leave photos of a lower ISO alone: they hardly have noise, and fine texture is lost easily.",
            show_default="all are denoised",
        ),
    ] = OutputConfig.min_iso,
    part: Annotated[
        str,
        typer.Option(
            "--part",
            metavar="NUMBER/PARTS|auto",
            help="Do one of several equal parts of the photos, so that several machines can share a folder; auto: the "
            "part of this job in an array of Slurm, SGE or AWS Batch (auto/8, of eight: of PBS, too).",
        ),
    ] = "1/1",
    format_: Annotated[
        str,
        typer.Option(
            "-f",
            "--format",
            metavar="|".join(OUTPUT_FORMATS),
            help="Format of the results; preserve keeps each photo's own, and makes DNG of camera raw files and "
            "JPEG of HEIC.",
        ),
    ] = OutputConfig.format,
    bit_depth: Annotated[
        int | None,
        typer.Option(
            "--bit-depth",
            metavar="8|16",
            help="Bits per sample in PNG and TIFF results.",
            show_default="the photo's own",
        ),
    ] = OutputConfig.bit_depth,
    jpeg_quality: Annotated[
        int | None,
        typer.Option(
            "--jpeg-quality",
            metavar="1..100",
            help="Quality of JPEG, WebP and AVIF results; without it, a JPEG that stays a JPEG keeps its own.",
            show_default="95 for new files",
        ),
    ] = OutputConfig.jpeg_quality,
    colour_space: Annotated[
        str | None,
        typer.Option(
            "--colour-space",
            metavar="|".join(COLOUR_SPACES),
            help="Colour space of results made from camera raw files with -f; all other photos keep their own.",
            show_default="srgb",
        ),
    ] = OutputConfig.colour_space,
    strip_metadata: Annotated[
        bool,
        typer.Option(
            "--strip-metadata",
            help="Keep only the picture, its colour profile and its orientation.",
        ),
    ] = OutputConfig.strip_metadata,
    preserve_times: Annotated[
        bool, typer.Option("--preserve-times", help="Give results the file times of their photos.")
    ] = OutputConfig.preserve_times,
    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance/--no-provenance",
            help="Record model and settings in the results, for later runs and other programs.",
        ),
    ] = OutputConfig.provenance,
    max_pixels: Annotated[
        int,
        typer.Option(
            "--max-pixels",
            metavar="NUMBER",
            help="Refuse larger pictures: they may be made to fill the memory.",
        ),
    ] = OutputConfig.max_pixels,
    photo_time_limit: Annotated[
        str,
        typer.Option(
            "--photo-time-limit",
            metavar="TIME",
            help="Give up on a photo that takes longer to read, such as 30s: damaged files can keep a decoder busy "
            "for ever.",
        ),
    ] = "10m",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse photos with damaged picture data, which are otherwise denoised as far as they can be read.",
        ),
    ] = OutputConfig.strict,
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE|auto",
            help="Model to use; auto: for each photo your own model for its camera, made by lgbpn finetune, if there "
            "is one.",
            show_default="the model this version ships",
        ),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            "--quality",
            metavar="|".join(QUALITIES),
            help="fast and best run the small student network, best on eight turned and mirrored views; teacher "
            "and teacher-r3 run LG-BPN itself, in one pass or nine.",
            show_default="fast; teacher for a model without a student",
        ),
    ] = InferenceConfig.quality,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar=PRESET_METAVAR,
            help="Kind of noise, for --quality teacher and teacher-r3: sidd is coarse, dnd is fine (next to none "
            "shared by neighbouring pixels); auto measures each photo; FILE.json, from lgbpn probe --json, stands for "
            "what suits most photos measured there.",
        ),
    ] = AUTO,
    strength: StrengthOption = None,
    luma: LumaOption = None,
    chroma: ChromaOption = None,
    grain: GrainOption = None,
    raw_path: Annotated[
        str,
        typer.Option(
            "--raw-path",
            metavar="|".join(RAW_PATHS),
            help="Camera raw: denoise what the sensor saw (mosaic), or the picture after its colours are filled in "
            "(demosaiced); auto takes the mosaic where the sensor is a Bayer sensor.",
        ),
    ] = InferenceConfig.raw_path,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="NUMBER",
            help="Start of the random numbers that --quality teacher-r3 and --grain draw.",
        ),
    ] = InferenceConfig.seed,
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            metavar="PIXELS",
            help="Side of the squares a photo is cut into; smaller needs less memory.",
            show_default="as large as memory allows, up to a useful size",
        ),
    ] = InferenceConfig.tile_px,
    halo: Annotated[
        int | None,
        typer.Option(
            "--halo",
            metavar="PIXELS",
            help="What the network sees round each square; less is faster, and squares begin to show.",
            show_default="enough for tiles not to show",
        ),
    ] = InferenceConfig.halo_px,
    attention: AttentionOption = InferenceConfig.attention,
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="AMOUNT",
            help="Most memory to use, such as 2GB: of the program, or of the GPU where there is one.",
            show_default="what is free",
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            "--precision",
            metavar="|".join(PRECISIONS),
            help="Number format of the network; auto takes bfloat16 where that is faster.",
        ),
    ] = InferenceConfig.precision,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "-n", "--dry-run", help="Write nothing: show targets and name clashes, estimate the time."
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Also write a page that shows the photos of this run before and after.",
            show_default=False,
        ),
    ] = None,
    report_size: ReportSizeOption = EvaluationConfig.report_bytes / MEGABYTE_BYTES,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only which photos failed.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "-v", "--verbose", help="Also show model, device, plan, settings, and details of errors."
        ),
    ] = False,
    json_lines: Annotated[
        bool, typer.Option("--json", help="Write one JSON object for each photo to standard output.")
    ] = False,
) -> None:
    """Remove the noise from photos. The photos themselves are never changed.

    \b
    Examples:
      lgbpn denoise IMG_1.jpg                      writes IMG_1_denoised.jpg
      lgbpn denoise IMG_1.jpg -o clean.jpg         writes clean.jpg
      lgbpn denoise photos/ -r -o denoised/        mirrors all sub-folders
      lgbpn denoise photos/ --min-iso 800          skips photos that hardly need it
      lgbpn denoise IMG_1.NEF -f tiff              writes IMG_1_denoised.tif
      lgbpn denoise photos/ --quality best -n      shows what would be done, and how long it would take
      lgbpn denoise photos/ --html page.html       also makes a page to compare before and after
      lgbpn denoise scans/ -r -o out/ --part 2/8   does the share of the second of eight machines

    Results keep the format, bit depth and metadata of their photos; camera raw files become linear DNG, and HEIC
    becomes JPEG. XMP sidecars are copied along. Results that are already there are skipped, so a run that was stopped
    goes on when you start it again.

    \b
    Exit codes:
      0    all done, or nothing to do
      1    some photos failed; the others are done
      2    the command, model or device was wrong; nothing was done
      130  stopped with Ctrl-C (or SIGTERM, SIGHUP); no partial file is left
    """
    if output is not None and suffix != OutputConfig.suffix:
        raise UsageError("--suffix", "is for results beside their photos", "Omit -o or --suffix.")
    if quiet and verbose:
        raise UsageError("--quiet", "contradicts --verbose", "Omit one of them.")
    pool = read_workers(workers, scheduler, with_page=html is not None)
    settings = InferenceConfig(
        quality=quality,
        preset=read_preset(preset),
        strength=read_strength(strength),
        look=read_look(strength, luma, chroma, grain),
        raw_path=raw_path,
        seed=seed,
        tile_px=tile,
        halo_px=halo,
        attention=attention,  # type: ignore[arg-type]  # checked by the configuration
        precision=precision,  # type: ignore[arg-type]  # checked by the configuration
        max_memory_bytes=None if max_memory is None else parse_bytes("--max-memory", max_memory),
    )
    where = OutputConfig(
        output=output,
        suffix=suffix,
        recursive=recursive,
        names=read_names(only, exclude),
        overwrite=overwrite,
        min_iso=min_iso,
        part=parse_part("--part", part),
        format=format_,
        bit_depth=bit_depth,
        jpeg_quality=jpeg_quality,
        colour_space=colour_space,
        strip_metadata=strip_metadata,
        preserve_times=preserve_times,
        provenance=provenance,
        max_pixels=max_pixels,
        photo_time_limit_s=parse_seconds("--photo-time-limit", photo_time_limit),
        strict=strict,
    )
    # Here and not at the top: --help does not have to wait for them.
    from lgbpn_cli import app
    from lgbpn_cli.cli.progress import NobodyReadsError, Reporter
    from lgbpn_cli.cli.run_page import write_page
    from lgbpn_cli.evaluation.denoise_page import DenoisePage

    page = None
    if html is not None:
        page = DenoisePage(html, read_report_bytes(report_size), command=command_line(context))
    reporter = Reporter(quiet=quiet, verbose=verbose, json_lines=json_lines)
    interrupted = nobody_reads = False
    try:
        with reporter:
            if pool is None or dry_run:
                app.denoise_folder(
                    inputs, where, settings, reporter, model=model, device=device, dry_run=dry_run, page=page
                )
            else:
                app.denoise_on_workers(
                    inputs,
                    where,
                    settings,
                    reporter,
                    workers=pool.number,
                    scheduler=pool.scheduler,
                    model=model,
                    device=device,
                )
    except KeyboardInterrupt as stop:
        interrupted, nobody_reads = True, isinstance(stop, NobodyReadsError)
    finish_undisturbed()
    exit_code = reporter.close(interrupted=interrupted)
    if nobody_reads:
        exit_code = 1
    if page is not None and dry_run:
        reporter.note("a dry run writes no page")
    elif page is not None:
        page_code = write_page(page, reporter)
        exit_code = exit_code or page_code
    raise typer.Exit(exit_code)
