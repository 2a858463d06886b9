"""From a folder of photos to one run of fine-tuning, or to one for each camera and ISO."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lgbpn_cli.config import NETWORKS, NetworkConfig
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import read_manifest
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.models.publish import check_new_name
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.photos.shot import Shot
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.engine.distributed import joined_group
from lgbpn_cli.training.engine.kept_json import keep_json
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.finetune.frames import CURE as FRAMES_CURE
from lgbpn_cli.training.finetune.frames import scan_frames
from lgbpn_cli.training.finetune.photos import (
    INDEX_NAME,
    KeptPhoto,
    ScanEffort,
    check_folder,
    hold_out,
    read_index,
    scan_photos,
    write_index,
)
from lgbpn_cli.training.finetune.run import Report, finetune

SCRATCH = "scratch"
"""What --from takes for random weights."""
FINISHED_NAME = "finished"
"""Lies in the folder of a run that has nothing left to do, while others of the same call go on."""
BEGINNING_NAME = "beginning.json"
"""Keeps the folder and the time limit that a run was started with, for --resume."""
SCAN_SHARE = 0.2
"""Looking through the photos takes this share of the time limit at most, if some are found by then."""


@dataclass(frozen=True)
class Listener:
    """Who is told how a run goes."""

    step: Callable[[TrainingProgress], None] | None = None
    note: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, kw_only=True)
class Call:
    """How fine-tuning is called, whatever it learns from."""

    run_folder: Path
    """Where an unfinished run is kept."""
    models_folder: Path
    device: Device
    command: str
    resume: bool = False
    """Go on with the unfinished run."""
    overwrite: bool = False
    """Replace an unfinished run, and a model of that name."""
    listener: Listener = field(default_factory=Listener)
    started: float = field(default_factory=lambda: time.monotonic())
    """When the time limit began to run, by `time.monotonic`."""


@dataclass(frozen=True)
class _Beginning:
    """How a run was started; kept in its folder only."""

    folder: str
    time_limit_s: float
    per_camera: bool

    def write(self, run_folder: Path) -> None:
        keep_json(run_folder / BEGINNING_NAME, asdict(self))


def finetune_folder(folder: Path, config: FinetuneConfig, call: Call) -> dict[str, Report]:
    """Return what became of each model that was to be made, by name.

    With `config.per_camera` the time is shared by the groups, and those of a single photo are left out. With
    `call.resume` the unfinished run's photos and time limit are used, and its steps unless `config` has some; `folder`
    has to be its own. Raises UsageError where the call as a whole cannot work, TrainingError where a run cannot
    go on.
    """
    check_new_name(config.name)
    run_folder = call.run_folder
    with (
        _full_disk_named(run_folder),
        joined_group(config.batch) as group,
        alone(run_folder, config.name) if group.leads else nullcontext(),
    ):
        say = call.listener.note if group.leads else (lambda text: None)
        base = None if config.base == SCRATCH else _load_teacher(config.base or DEFAULT_MODEL, call.device)
        if base is not None and (base.name == config.name or _is_of(base.name, config)):
            raise UsageError(f"`name` {config.name}", "that is the model it starts from", "Use another name.")
        shape = NETWORKS["small"] if base is None else _shape(base)
        if group.leads:
            _prepare(folder, config, call, say)
        group.wait()
        photos = read_index(run_folder)
        limit_s = config.time_limit_s
        if call.resume and (beginning := _read_beginning(run_folder)) is not None:
            limit_s = beginning.time_limit_s
        runs = [
            each
            for each in _runs(photos, config, run_folder, say)
            if not (each[2] / FINISHED_NAME).exists()  # before the run as a whole was interrupted
        ]
        reports: dict[str, Report] = {}
        for number, (settings, chosen, one_folder) in enumerate(runs):
            left_s = call.started + limit_s - time.monotonic()
            one = replace(settings, time_limit_s=max(1.0, left_s / (len(runs) - number)))
            one_folder.mkdir(parents=True, exist_ok=True)
            reports[one.name] = finetune(
                chosen,
                base,
                shape,
                one,
                run_folder=one_folder,
                tiles_folder=run_folder,
                models_folder=call.models_folder,
                device=call.device,
                command=call.command,
                group=group,
                on_step=call.listener.step,
                on_note=say,
            )
            if reports[one.name].interrupted:
                break
            if group.leads and not reports[one.name].trouble:
                (one_folder / FINISHED_NAME).touch()
            group.wait()
        group.wait()
        if group.leads and not any(each.interrupted or each.trouble for each in reports.values()):
            shutil.rmtree(run_folder, ignore_errors=True)
        return reports


@contextmanager
def alone(run_folder: Path, name: str) -> Iterator[None]:
    """Keep other runs of this name away meanwhile; UsageError where there is one."""
    from filelock import FileLock, Timeout  # not at the top: it takes long to import

    run_folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(run_folder.parent / f".{run_folder.name}.lock", timeout=0):
            yield
    except Timeout as error:
        cause = "another process is making a model of this name"
        raise UsageError(f"`name` {name}", cause, "Wait until it has ended, or use another name.") from error


@contextmanager
def _full_disk_named(run_folder: Path) -> Iterator[None]:
    """Raise TrainingError for what cannot be written, wherever that happens."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            error.filename or run_folder,
            f"cannot be written ({error.strerror or error})",
            "Free some space, or check the permissions, and call it again; with `resume`, if it had begun to learn.",
        ) from error


def _prepare(folder: Path, config: FinetuneConfig, call: Call, say: Callable[[str], None]) -> None:
    """Leave the photos of the run in its folder; UsageError for a name that is taken."""
    run_folder = call.run_folder
    under_way = (run_folder / INDEX_NAME).exists()
    if call.resume and not under_way:
        raise UsageError("`resume`", f"there is no unfinished run '{config.name}'", "Omit `resume`.")
    if call.resume:
        _check_same_beginning(folder, config, run_folder)
        count = sum(not each.is_frame for each in read_index(run_folder))
        say(f"going on with the {count} photos of the unfinished run")
        return
    check_folder(folder)
    if config.dark is not None:
        check_folder(Path(config.dark), FRAMES_CURE)
    check_taken(config, call.models_folder, call.overwrite)
    if under_way and not call.overwrite:
        raise UsageError(
            f"`name` {config.name}",
            "there is an unfinished run of this name",
            "Continue it with `resume`, or start again with `overwrite`.",
        )
    with _fresh_folder(run_folder):
        scan = scan_photos(
            folder,
            run_folder,
            seed=config.seed,
            names=config.names,
            effort=ScanEffort(time_limit_s=SCAN_SHARE * config.time_limit_s),
            say=say,
        )
        for line in scan.notes():
            say(line)
        _Beginning(str(folder.resolve()), config.time_limit_s, config.per_camera).write(run_folder)
        shots = {each.shot for each in scan.photos}
        frames = [] if config.dark is None else scan_frames(Path(config.dark), run_folder, shots, say)
        if frames:
            say(f"{len(frames)} frames to measure noise in")
        write_index([*_held_out(scan.photos, config), *frames], run_folder)


def check_taken(config: FinetuneConfig, models_folder: Path, overwrite: bool) -> None:
    """Raise UsageError where the user has a model of the name already, and it is not to be replaced."""
    taken = [name for name in read_manifest(models_folder) if name == config.name or _is_of(name, config)]
    if taken and not overwrite:
        raise UsageError(
            f"`name` {config.name}",
            f"you have a model '{taken[0]}' already",
            "Use `overwrite`, or another name.",
        )


def _read_beginning(run_folder: Path) -> _Beginning | None:
    """Return how the run was started; None if an older version did, which kept no record of it."""
    path = run_folder / BEGINNING_NAME
    if not path.exists():
        return None
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return _Beginning(str(known["folder"]), float(known["time_limit_s"]), bool(known["per_camera"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(path, "the notes on how the run began are damaged", "Start a new run.") from error


def _check_same_beginning(folder: Path, config: FinetuneConfig, run_folder: Path) -> None:
    beginning = _read_beginning(run_folder)
    if beginning is None:
        return
    if str(folder.resolve()) != beginning.folder:
        raise UsageError(
            folder,
            f"the unfinished run '{config.name}' began with the photos in {beginning.folder}",
            "Give that folder, or `overwrite` in place of `resume`.",
        )
    if config.per_camera != beginning.per_camera:
        raise UsageError(
            "`per_camera`",
            f"the unfinished run '{config.name}' began {'with' if beginning.per_camera else 'without'} it",
            "Repeat it as it was, or give `overwrite` in place of `resume`.",
        )


@contextmanager
def _fresh_folder(run_folder: Path) -> Iterator[None]:
    """Give an empty folder, which goes again if what is put into it fails."""
    shutil.rmtree(run_folder, ignore_errors=True)
    run_folder.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(run_folder, ignore_errors=True)
        raise


def _held_out(photos: list[KeptPhoto], config: FinetuneConfig) -> list[KeptPhoto]:
    if not config.per_camera:
        return hold_out(photos, config.seed)
    groups = [[each for each in photos if each.shot == shot] for shot in sorted({p.shot for p in photos})]
    return [each for group in groups for each in hold_out(group, config.seed)]


def _runs(
    photos: list[KeptPhoto], config: FinetuneConfig, run_folder: Path, say: Callable[[str], None]
) -> list[tuple[FinetuneConfig, list[KeptPhoto], Path]]:
    """Return the settings, photos and folder of each run; UsageError where there is none."""
    if not config.per_camera:
        return [(config, photos, run_folder)]
    taken = [each for each in photos if not each.is_frame]
    groups = {shot: [each for each in taken if each.shot == shot] for shot in sorted({p.shot for p in taken})}
    large = {shot: group for shot, group in groups.items() if len(group) >= 2}
    for shot in groups.keys() - large.keys():
        say(f"left out: {shot}: a single photo")
    if not large:
        raise UsageError("`per_camera`", "no camera has two photos at one ISO", "Omit it.")
    runs = []
    for shot, group in large.items():
        name = f"{config.name}-{name_of_shot(shot)}"
        frames = [each for each in photos if each.is_frame and each.shot == shot]
        runs.append((replace(config, name=name), [*group, *frames], run_folder / name))
    return runs


def name_of_shot(shot: Shot) -> str:
    """Return camera and ISO as a part of a model's name."""
    camera = re.sub(r"[^a-z0-9]+", "-", shot.camera.casefold()).strip("-") or "unknown"
    return f"{camera}-iso{shot.iso}" if shot.iso else camera


def _is_of(name: str, config: FinetuneConfig) -> bool:
    return config.per_camera and name.startswith(f"{config.name}-")


def _load_teacher(name: str, device: Device) -> Model:
    return load_model(name, part="teacher", device=device)


def _shape(model: Model) -> NetworkConfig:
    return network_as(model.network, LGBPN, f"`base` {model.name}").config
