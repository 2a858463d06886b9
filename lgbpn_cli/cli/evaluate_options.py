"""The options of `lgbpn eval`, in groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from lgbpn_cli.cli.options import (
    AUTO,
    MEGABYTE_BYTES,
    PRESET_METAVAR,
    AttentionOption,
    ChromaOption,
    DeviceOption,
    LumaOption,
    ReportSizeOption,
    StrengthOption,
    read_look,
    read_preset,
    read_strength,
)
from lgbpn_cli.config import PART_OF_QUALITY, QUALITIES, InferenceConfig
from lgbpn_cli.evaluation.settings import BASELINES, SSIM_CONVENTIONS, SUBMISSIONS, EvaluationConfig


@dataclass(frozen=True)
class ContestantOptions:
    """Which models and settings are compared."""

    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE",
            help="Model to measure; may be repeated.",
            show_default="the model this version ships, or none with --denoised",
        ),
    ] = None
    quality: Annotated[
        list[str] | None,
        typer.Option(
            "--quality",
            metavar="|".join(QUALITIES),
            help="As in lgbpn denoise; may be repeated to compare.",
            show_default="the model's own",
        ),
    ] = None
    preset: Annotated[
        list[str] | None,
        typer.Option(
            "--preset",
            metavar=PRESET_METAVAR,
            help="Kind of noise, as in lgbpn denoise; may be repeated to compare.",
            show_default=AUTO,
        ),
    ] = None
    strength: StrengthOption = None
    luma: LumaOption = None
    chroma: ChromaOption = None
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="NUMBER", help="Seed of all random numbers: --quality teacher-r3, intervals."
        ),
    ] = InferenceConfig.seed
    attention: AttentionOption = InferenceConfig.attention
    device: DeviceOption = "auto"

    @property
    def several(self) -> bool:
        """Whether there is more than one of anything to compare."""
        return max(map(len, (self.quality or (), self.preset or (), self.model or ()))) > 1

    def settings(self) -> list[InferenceConfig]:
        """Return every setting that is compared. Raises UsageError."""
        return [
            InferenceConfig(
                quality=quality,  # type: ignore[arg-type]  # checked by the configuration
                preset=read_preset(preset),
                strength=read_strength(self.strength),
                look=read_look(self.strength, self.luma, self.chroma),
                seed=self.seed,
                attention=self.attention,  # type: ignore[arg-type]  # checked by the configuration
            )
            for quality, preset in _settings_to_compare(self.quality or [], self.preset or [])
        ]


@dataclass(frozen=True)
class MeasureOptions:
    """What else is compared, of which photos, and by which measures."""

    burst: Annotated[
        bool,
        typer.Option(
            "--burst",
            help="NOISY is a folder of raw files of one still scene: judge each against the mean of the others.",
        ),
    ] = False
    denoised: Annotated[
        list[Path] | None,
        typer.Option(
            "--denoised",
            metavar="FOLDER",
            help="Results of any tool, to measure as well; named as the noisy photos, with or without _denoised; may "
            "be repeated.",
            show_default=False,
        ),
    ] = None
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            metavar=",".join(BASELINES),
            help="Simple methods to compare with. nlm: non-local means; bm3d needs the package bm3d, "
            "which is free for non-commercial use only.",
            show_default=False,
        ),
    ] = None
    pair_pattern: Annotated[
        str | None,
        typer.Option(
            "--pair-pattern",
            metavar="NOISY=REFERENCE",
            help="Names without ending, {} for what both have in common, such as '{}_noisy={}_clean'.",
            show_default="same name",
        ),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PATTERN",
            help="Take only photos whose name without ending matches, such as '33_*'; may be repeated.",
            show_default="all",
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            help="Skip photos whose name without ending matches; may be repeated.",
            show_default="none",
        ),
    ] = None
    ssim: Annotated[
        list[str],
        typer.Option(
            "--ssim",
            metavar=",".join(SSIM_CONVENTIONS),
            help="Conventions of structural similarity; their values cannot be compared with each other.",
        ),
    ] = field(default_factory=lambda: ["skimage7"])
    lpips: Annotated[
        bool,
        typer.Option(
            "--lpips",
            help="Also measure LPIPS (0.1, AlexNet); needs the package lpips and its weights on this machine.",
        ),
    ] = False
    unrounded: Annotated[
        bool,
        typer.Option("--float", help="Do not round to 8 bits before measuring; the SIDD protocol rounds."),
    ] = False

    @property
    def asked(self) -> bool:
        """Whether anything to measure is named."""
        return bool(self.burst or self.denoised or self.baseline or self.lpips)

    def applied_to(self, config: EvaluationConfig) -> EvaluationConfig:
        """Return the configuration with what they say. Raises UsageError."""
        return replace(
            config,
            burst=self.burst,
            denoised=tuple(self.denoised or ()),
            baselines=split_names(self.baseline or ()),
            pair_pattern=self.pair_pattern,
            only=tuple(self.only or ()),
            exclude=tuple(self.exclude or ()),
            ssim=split_names(self.ssim),
            lpips=self.lpips,
            rounded=not self.unrounded,
        )


@dataclass(frozen=True)
class ReportOptions:
    """Where the figures go."""

    as_json: Annotated[
        bool, typer.Option("--json", help="Write everything as one JSON object to standard output.")
    ] = False
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write the figures of each photo to this file.", show_default=False
        ),
    ] = None
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page with every photo before and after: one file that needs no network.",
            show_default=False,
        ),
    ] = None
    report_size: ReportSizeOption = EvaluationConfig.report_bytes / MEGABYTE_BYTES

    @property
    def asked(self) -> bool:
        """Whether any report is asked for."""
        return bool(self.as_json or self.csv or self.html)


@dataclass(frozen=True)
class SubmissionOptions:
    """What a benchmark's server takes, instead of a measurement."""

    submission: Annotated[
        str | None,
        typer.Option(
            "--submission",
            metavar="|".join(SUBMISSIONS),
            help="Measure nothing: write the files to upload to the benchmark's server. NOISY is its download: "
            "BenchmarkNoisyBlocksSrgb.mat, or the folder with DND's info.mat.",
            show_default=False,
        ),
    ] = None
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where --submission writes.")
    ] = Path("submission")


def _settings_to_compare(
    qualities: Sequence[str], presets: Sequence[str]
) -> list[tuple[str | None, str | None]]:
    """Return every quality with every preset; beside qualities that have presets, those without stand once."""
    qualities_asked: list[str | None] = [*qualities] or [None]
    presets_asked: list[str | None] = [*presets] or [None]
    with_presets = [name for name in qualities_asked if PART_OF_QUALITY.get(name or "") != "student"]
    return [
        (quality, preset)
        for quality in qualities_asked
        for preset in (presets_asked if quality in with_presets or not with_presets else [None])
    ]


def split_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return single names, in order and once each, from options that may be repeated or hold commas."""
    return tuple(dict.fromkeys(name.strip() for text in names for name in text.split(",")))
