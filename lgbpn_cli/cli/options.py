"""Options that several commands declare and read alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.measured_preset import measured_preset
from lgbpn_cli.config import ATTENTIONS, PRESETS
from lgbpn_cli.errors import UsageError
from lgbpn_cli.file_names import NamePatterns

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
RecursiveOption = Annotated[
    bool, typer.Option("-r", "--recursive", help="Enter sub-folders of the folders given.")
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Take only photos whose name or path below the folder fits, as '*.NEF' or 'trip/*'; may be repeated.",
        show_default="all",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Pass over photos and folders whose name or path below the folder fits, as '*_small*' or 'previews'; "
        "may be repeated.",
        show_default="none",
    ),
]
StrengthOption = Annotated[
    str,
    typer.Option(
        "--strength",
        metavar="auto|0..1|0%..100%",
        help="0 keeps the original, 1 takes the denoised picture; auto measures each photo's noise and puts "
        "back, place by place, what was removed beyond it.",
    ),
]
AttentionOption = Annotated[
    str,
    typer.Option(
        "--attention",
        metavar="|".join(ATTENTIONS),
        help="Where a teacher's attention maps come from: frozen, from fixed regions of each photo; live, from each "
        "tile itself, as in the paper, so that results depend on --tile.",
    ),
]
ReportSizeOption = Annotated[
    float,
    typer.Option("--report-size", metavar="MB", help="Largest size of all pictures in the page together."),
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
    """Return the bytes that --report-size allows; UsageError for what is no size."""
    if not 0 < megabytes < 1e6:
        raise UsageError("--report-size", f"{megabytes:g} is not a size", "Use 20, for instance: megabytes.")
    return round(megabytes * MEGABYTE_BYTES)


def read_strength(text: str) -> float | None:
    """Return what --strength says, None for auto; UsageError for what is neither auto nor a number.

    `70%` is 0.7.
    """
    if text == AUTO:
        return None
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise UsageError(
            f"--strength {text}", "not a number", "Use auto, or 0 (original) to 1 (fully denoised)."
        ) from error
