"""Options that several commands declare and read alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.measured_preset import measured_preset
from lgbpn_cli.config import ATTENTIONS, PRESETS, RAW_PATHS
from lgbpn_cli.config.file_names import NamePatterns
from lgbpn_cli.config.look import Grain, Look
from lgbpn_cli.errors import UsageError

AUTO = "auto"
"""What an option takes that may be left to the measurement of each photo."""
MEASURED = ".json"
"""Ending of the files that `lgbpn probe --json` is kept in."""
PRESET_METAVAR = "|".join((AUTO, *PRESETS, f"FILE{MEASURED}"))
MEGABYTE_BYTES = 1_000_000

DeviceOption = Annotated[
    str,
    typer.Option(
        "-d",
        "--device",
        metavar="auto|cpu|cuda[:N]|mps",
        help="Where to compute; auto takes a GPU if there is one.",
    ),
]
RawPathOption = Annotated[
    str,
    typer.Option(
        "--raw-path",
        metavar="|".join(RAW_PATHS),
        help="For camera raw: denoise the sensor's own data (mosaic) or the demosaiced picture; auto takes the mosaic "
        "if the sensor is a Bayer sensor.",
    ),
]
RecursiveOption = Annotated[bool, typer.Option("-r", "--recursive", help="Also look in sub-folders.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Take only photos whose name or path in the folder matches, such as '*.NEF' or 'trip/*'; may be repeated.",
        show_default="all",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Skip photos and folders whose name or path in the folder matches, such as '*_small*' or 'previews'; "
        "may be repeated.",
        show_default="none",
    ),
]
StrengthOption = Annotated[
    str | None,
    typer.Option(
        "--strength",
        metavar="auto|0..1|0%..100%",
        help="0 is the original, 1 fully denoised; auto measures each photo's noise and puts back the detail that went "
        "with it.",
        show_default=AUTO,
    ),
]
LumaOption = Annotated[
    str | None,
    typer.Option(
        "--luma",
        metavar="auto|0..1|0%..100%",
        help="Strength for brightness only; --luma 0 --chroma 1 removes colour noise and keeps all texture.",
        show_default="as --strength",
    ),
]
ChromaOption = Annotated[
    str | None,
    typer.Option(
        "--chroma",
        metavar="auto|0..1|0%..100%",
        help="Strength for colour only.",
        show_default="as --strength",
    ),
]
GrainOption = Annotated[
    str | None,
    typer.Option(
        "--grain",
        metavar="AMOUNT[,SIZE[,colour]]",
        help="Add film-like grain, strongest in the mid-tones: how strong in levels of 255, and how large in pixels "
        "(default 1), such as 4,1.5; colour makes it coloured. Another --seed makes another pattern.",
        show_default=False,
    ),
]
KeepFullOption = Annotated[
    str | None,
    typer.Option(
        "--keep-full",
        metavar="FOLDER",
        help="Also keep a full-strength result without grain there, from which lgbpn blend can mix other strengths "
        "without running the network again.",
        show_default=False,
    ),
]
AttentionOption = Annotated[
    str,
    typer.Option(
        "--attention",
        metavar="|".join(ATTENTIONS),
        help="Where a teacher's attention maps come from: frozen, from fixed regions of each photo; live, from each "
        "tile, as in the paper, so that results depend on --tile.",
    ),
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print only which photos failed.")]
JsonLinesOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON object for each photo to standard output.")
]
ReportSizeOption = Annotated[
    float,
    typer.Option("--report-size", metavar="MB", help="Limit for the pictures of the page, all together."),
]
ModelsFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--models-folder",
        metavar="FOLDER",
        help="Where the finished model goes.",
        show_default="your own models",
    ),
]


def read_names(only: list[str] | None, exclude: list[str] | None) -> NamePatterns:
    """The patterns of --only and --exclude."""
    return NamePatterns(tuple(only or ()), tuple(exclude or ()))


def read_preset(name: str | None) -> str | None:
    """Return what --preset names, None for auto; UsageError for a file that is of no use."""
    if name is not None and name.lower().endswith(MEASURED):
        return measured_preset(Path(name))
    return None if name == AUTO else name


def read_report_bytes(megabytes: float) -> int:
    """Return the bytes that --report-size allows; UsageError for what is not a size."""
    if not 0 < megabytes < 1e6:
        raise UsageError("--report-size", f"{megabytes:g} is not a size", "Use 20, for instance: megabytes.")
    return round(megabytes * MEGABYTE_BYTES)


STRENGTHS = "Use auto, or 0 (original) to 1 (fully denoised)."


def read_strength(text: str | None, option: str = "--strength") -> float | None:
    """Return what the option says, None for auto; UsageError for what is neither auto nor a number from 0 to 1.

    `70%` is 0.7.
    """
    if text is None or text == AUTO:
        return None
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise UsageError(f"{option} {text}", "not a number", STRENGTHS) from error
    if not 0 <= share <= 1:  # NaN is not, either
        raise UsageError(option, f"{share} is not between 0 and 1", STRENGTHS)
    return share


def read_look(
    strength: str | None, luma: str | None, chroma: str | None, grain: str | None = None
) -> Look | None:
    """Return what these options say together, None where --strength says it all: it stands for those not given.

    Raises UsageError.
    """
    if (luma, chroma, grain) == (None, None, None):
        return None
    if strength is not None and luma is not None and chroma is not None:
        raise UsageError("--strength", "--luma and --chroma already say it", "Omit it.")
    both = read_strength(strength)
    return Look(
        both if luma is None else read_strength(luma, "--luma"),
        both if chroma is None else read_strength(chroma, "--chroma"),
        None if grain is None else read_grain(grain),
    )


def read_grain(text: str) -> Grain | None:
    """Return what --grain says, None for an amount of 0; UsageError for what is not an amount of grain."""
    amount, *more = text.split(",")
    colour = more[-1:] in (["colour"], ["color"])
    sizes = more[:-1] if colour else more
    try:
        [size] = sizes or [str(Grain.size_px)]
        found = float(amount), float(size)
    except ValueError as error:
        cause = "not AMOUNT or AMOUNT,SIZE"
        raise UsageError(f"--grain {text}", cause, "Use 4 or 4,1.5, for instance.") from error
    return None if found[0] == 0 else Grain(*found, colour=colour)
