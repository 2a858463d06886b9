"""From a folder of raw files to one run of fine-tuning on their mosaics, or to one for each camera and ISO."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lgbpn_cli.errors import UsageError
from lgbpn_cli.models.publish import check_new_name
from lgbpn_cli.photos.raw.endings import is_raw_name
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.finetune.folder import SCAN_SHARE, Call, alone, check_taken, name_of_shot
from lgbpn_cli.training.finetune.mosaics import KeptMosaic, read_mosaics
from lgbpn_cli.training.finetune.photos import INDEX_NAME, check_folder, photo_paths
from lgbpn_cli.training.finetune.raw import RawReport, finetune_raw, load_raw_base


def raw_paths(folder: Path, config: FinetuneConfig) -> list[Path]:
    """Return the raw files below `folder`; none where there are other photos, too, which teach the other networks."""
    check_folder(folder)
    paths = sorted(photo_paths(folder, config.names))
    return paths if all(is_raw_name(path.name) for path in paths) else []


def finetune_raw_folder(
    folder: Path, paths: list[Path], config: FinetuneConfig, call: Call
) -> dict[str, RawReport] | None:
    """Return what became of each model that was to be made from the raw files `paths` in `folder`, by name.

    None where no mosaic can be learned from, as of other sensors than Bayer's, and where a run on photos goes on.
    Raises UsageError where the call cannot work.
    """
    if call.resume and (call.run_folder / INDEX_NAME).exists():
        return None  # of photos, or of raw files without a Bayer mosaic
    if call.resume:
        cause = "a run on raw files takes only minutes, and is not kept"
        raise UsageError("`resume`", cause, "Omit it.")
    check_new_name(config.name)
    with alone(call.run_folder, config.name):
        check_taken(config, call.models_folder, call.overwrite)
        base = load_raw_base(config.base, call.device)
        on_note = call.listener.note
        scan_ends_at = call.started + SCAN_SHARE * config.time_limit_s
        mosaics = read_mosaics(paths, config.seed, on_note, scan_ends_at)
        if not mosaics:
            return None
        if config.dark is not None:
            raise UsageError("`dark`", "the noise of raw files is known without frames", "Omit it.")
        on_note(f"{len(mosaics)} raw files to learn from")
        groups = _groups(folder, mosaics, config, on_note)
        reports: dict[str, RawReport] = {}
        for number, (name, chosen) in enumerate(groups.items()):
            left_s = call.started + config.time_limit_s - time.monotonic()
            one = replace(config, name=name, time_limit_s=max(1.0, left_s / (len(groups) - number)))
            reports[name] = finetune_raw(
                chosen,
                base,
                one,
                run_folder=call.run_folder.with_name(f".{call.run_folder.name}.raw"),
                models_folder=call.models_folder,
                device=call.device,
                command=call.command,
                on_step=call.listener.step,
            )
        return reports


def _groups(
    folder: Path, mosaics: list[KeptMosaic], config: FinetuneConfig, on_note: Callable[[str], None]
) -> dict[str, list[KeptMosaic]]:
    """Return the mosaics of each model by its name; shots that are too few are told. Raises UsageError for none."""
    if len(mosaics) < 2:
        raise UsageError(
            folder,
            f"{len(mosaics)} of its raw files can be learned from, and at least two are needed: one is held out to "
            "judge by",
            "Give more raw files of high ISO from cameras with a Bayer sensor, or JPEGs.",
        )
    if not config.per_camera:
        return {config.name: mosaics}
    shots = sorted({each.shot for each in mosaics})
    groups = {
        f"{config.name}-{name_of_shot(shot)}": [each for each in mosaics if each.shot == shot]
        for shot in shots
    }
    large = {name: group for name, group in groups.items() if len(group) >= 2}
    if not large:
        raise UsageError("`per_camera`", "no camera has two raw files at one ISO", "Omit it.")
    for name in sorted(groups.keys() - large.keys()):
        on_note(f"{name}: not made, there is one raw file of its camera and ISO, and at least two are needed")
    return large
