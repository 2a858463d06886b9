"""`lgbpn finetune`: its options, and what it says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.amounts import parse_seconds
from lgbpn_cli.cli.command_line import command_line
from lgbpn_cli.cli.flags import with_flags
from lgbpn_cli.cli.option_groups import with_option_groups
from lgbpn_cli.cli.options import DeviceOption, ExcludeOption, OnlyOption, read_names
from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import FinetuneConfig

if TYPE_CHECKING:
    from lgbpn_cli.training.finetune.raw import RawReport
    from lgbpn_cli.training.finetune.run import Report


@dataclass(frozen=True)
class FinetuneOptions:
    """What is learned, and for how long."""

    name: Annotated[
        str,
        typer.Option("-o", "--output", metavar="NAME", help="Name of the model to make.", show_default=False),
    ]
    base: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME|FILE|scratch",
            help="Model to start from; scratch: random weights, which take many hours to learn.",
            show_default="the model this version ships",
        ),
    ] = FinetuneConfig.base
    only: OnlyOption = None
    exclude: ExcludeOption = None
    per_camera: Annotated[
        bool,
        typer.Option(
            "--per-camera", help="Make a model for each camera at each ISO; they share the time limit."
        ),
    ] = FinetuneConfig.per_camera
    dark: Annotated[
        Path | None,
        typer.Option(
            "--dark",
            metavar="FOLDER",
            help="Dark or even frames of the same camera and ISO (lens cap, grey wall), to measure its noise better.",
            show_default=False,
        ),
    ] = None
    time_limit: Annotated[
        str,
        typer.Option(
            "--time-limit",
            metavar="TIME",
            help="Time for the whole run by the clock, however busy the machine is: 90s, 30m or 2h.",
        ),
    ] = "30m"
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            metavar="NUMBER",
            help="Steps of the teacher.",
            show_default="as many as the time allows",
        ),
    ] = FinetuneConfig.steps
    batch: Annotated[
        int, typer.Option("--batch", metavar="NUMBER", help="Crops in each step; a GPU can take 32 or more.")
    ] = FinetuneConfig.batch
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Seed of all random numbers.")] = (
        FinetuneConfig.seed
    )
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the unfinished run of this name and FOLDER, with the photos, --steps and "
            "--time-limit (counted from now) it began with; repeat the other options.",
        ),
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model or an unfinished run of this name.")
    ] = False
    device: DeviceOption = "auto"

    def config(self) -> FinetuneConfig:
        """Return what they say together. Raises UsageError."""
        return FinetuneConfig(
            name=self.name,
            base=self.base,
            per_camera=self.per_camera,
            steps=self.steps,
            time_limit_s=parse_seconds("--time-limit", self.time_limit),
            batch=self.batch,
            seed=self.seed,
            names=read_names(self.only, self.exclude),
            dark=None if self.dark is None else str(self.dark.resolve()),
        )


@with_option_groups
def finetune(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of your own noisy photos, with its sub-folders.",
            show_default=False,
        ),
    ],
    options: FinetuneOptions,
) -> None:
    """Teach a model the noise of your camera, from your own noisy photos, without any clean picture.

    \b
    Examples:
      lgbpn finetune ~/Pictures/concerts -o my-camera --time-limit 5m
      lgbpn finetune ~/Pictures/2026 -o mine --per-camera --time-limit 2h
      lgbpn finetune ~/Pictures/concerts -o my-camera --resume

    Best are twenty or more high-ISO photos straight from the camera; those that are too clean, too small, broken or
    duplicates are skipped. The fast student learns their noise as an adapter of 60 kB; with four minutes or more all
    of its weights learn, and with seven LG-BPN, too. A fifth of the photos is held out, and what was learned is kept
    only if it is clearly better on those. Use the model with -m NAME. Your photos are never changed; tiles of them,
    and a preview to look at, are kept beside your models until the run is finished.

    A folder of raw files only teaches the network for raw files, from the sensors' own data. That takes minutes, and
    --resume does not apply.

    Several GPUs: torchrun --nproc-per-node N -m lgbpn_cli finetune FOLDER -o NAME --batch 32

    \b
    Exit codes:
      0    done: the model is made, or nothing was better, and nothing has changed
      1    the run could not go on; only what it had finished before is there
      2    something is wrong with the command, photos or device; nothing was done
      130  stopped with Ctrl-C; the best state so far is kept, and --resume continues
    """
    started = _process_began()
    if options.resume:
        _refuse_given(context, "steps", "time_limit")
    config = options.config()
    # Here and not at the top: --help does not have to wait for them.
    from lgbpn_cli.cli.progress import duration
    from lgbpn_cli.cli.step_progress import StepReporter
    from lgbpn_cli.training import workshop

    reporter = StepReporter()
    kept = workshop.finetune_run_folder(config.name)
    try:
        reports = workshop.finetune(
            folder,
            config,
            command=command_line(context),
            device=options.device,
            resume=options.resume,
            overwrite=options.overwrite,
            started=started,
            on_step=reporter,
            on_note=_say,
        )
    except KeyboardInterrupt as stop:
        _say("stopped; --resume goes on with it" if kept.exists() else "stopped before anything was learned")
        raise typer.Exit(130) from stop
    finally:
        reporter.bar.close()
    repeated = command_line(context, without=("steps", "time_limit", "resume", "overwrite"))
    took, before = duration(time.monotonic() - started), config.base or "the model that ships"
    codes = [
        _say_outcome(made, report, took, before, f"{repeated} --resume goes on from {kept}")
        for made, report in reports.items()
    ]
    raise typer.Exit(max(codes, default=0))


def _process_began() -> float:
    """Return when this process began, by `time.monotonic`: to whoever waits, its start is part of the time limit."""
    import psutil  # here, for --help does not need it

    began = float(psutil.Process().create_time())
    return time.monotonic() - max(0.0, time.time() - began)


def _say_outcome(made: str, report: Report | RawReport, took: str, before: str, how_to_go_on: str) -> int:
    """Say what became of one model, and return the exit code of that."""
    from lgbpn_cli.training.finetune.raw import RawReport

    if isinstance(report, RawReport):
        _say(f"{made}: raw network {report.verdict.words()}")
        if report.entry is not None:
            _say(f"{made} is ready: lgbpn denoise PHOTO.NEF -m {made}")
        else:
            _say(f"{made}: no model is made and nothing has changed; {before} stays the best")
        return 0
    if report.verdict is not None:
        _say(f"{made}: LG-BPN {report.verdict.words()}")
    elif report.steps and not report.rank:
        _say(f"{made}: LG-BPN got no better in {report.steps} steps")
    if report.student_verdict is not None:
        _say(f"{made}: fast student ({report.student_tried}) {report.student_verdict.words()}")
    if report.entry is not None:
        _say(f"{made} is ready: lgbpn denoise PHOTO -m {made}")
    elif not report.rank:
        _say(f"{made}: nothing got better in {took}; {before} stays the best")
    if report.noise is not None:
        _say(
            f"the noise of these photos: {report.noise}, for LG-BPN, with lgbpn denoise PHOTO --preset {report.noise}"
        )
    if report.trouble:
        _say(f"ended early: {report.trouble}")
    if report.interrupted:
        _say(f"stopped; {how_to_go_on}")
    if report.rank:  # the process of rank 0 says how it went
        return 0
    return 130 if report.interrupted else int(bool(report.trouble))


def _refuse_given(context: typer.Context, *names: str) -> None:
    """Raise UsageError if one of these options was given, which an unfinished run keeps from its beginning."""
    for parameter in context.command.params:
        given = parameter.name in names and context.get_parameter_source(parameter.name)
        if given and given.name == "COMMANDLINE":
            raise UsageError(parameter.opts[-1], "with --resume, a run keeps what it began with", "Omit it.")


def _say(text: str) -> None:
    typer.echo(with_flags(text), err=True)
