"""From the library's words to the command's: its messages name fields, and a user gives flags."""

from __future__ import annotations

import re

from lgbpn_cli import errors

FLAGS = {
    "at": "--at",
    "attention": "--attention",
    "backup": "--backup",
    "base": "--from",
    "baselines": "--baseline",
    "batch": "--batch",
    "bit_depth": "--bit-depth",
    "burst": "--burst",
    "chroma": "--chroma",
    "colour_space": "--colour-space",
    "csv": "--csv",
    "dark": "--dark",
    "device": "--device",
    "exclude": "--exclude",
    "format": "-f",
    "full_folder": "--keep-full",
    "grain": "--grain",
    "halo_px": "--halo",
    "html": "--html",
    "in_place": "--in-place",
    "jpeg_quality": "--jpeg-quality",
    "lpips": "--lpips",
    "luma": "--luma",
    "max_memory_bytes": "--max-memory",
    "max_pixels": "--max-pixels",
    "min_iso": "--min-iso",
    "model": "--model",
    "name": "-o",
    "name_template": "--name",
    "only": "--only",
    "output": "-o",
    "overwrite": "--overwrite",
    "pair_pattern": "--pair-pattern",
    "part": "--part",
    "per_camera": "--per-camera",
    "photos": "--photos",
    "photo_time_limit_s": "--photo-time-limit",
    "plot": "--plot",
    "precision": "--precision",
    "preset": "--preset",
    "provenance": "--provenance",
    "quality": "--quality",
    "raw_path": "--raw-path",
    "recursive": "-r",
    "report_bytes": "--report-size",
    "resume": "--resume",
    "run_folder": "--run-folder",
    "seed": "--seed",
    "ssim": "--ssim",
    "steps": "--steps",
    "strength": "--strength",
    "strip_metadata": "--strip-metadata",
    "submission": "--submission",
    "suffix": "--suffix",
    "tile_px": "--tile",
    "time_limit_s": "--time-limit",
    "verbose": "-v",
    "workers": "--workers",
}
"""The flag of each field that a message may name."""
NAMED = re.compile(r"`(\w+)(?:=([^`]+))?`")


def with_flags(text: object) -> str:
    """Return a message of the library with flags for the fields in it: `tile_px` is --tile, `tile_px=64` --tile 64."""

    def flag(found: re.Match[str]) -> str:
        known = FLAGS.get(found[1])
        if known is None:
            return found[0]
        return known if found[2] is None else f"{known} {found[2]}"

    return NAMED.sub(flag, str(text))


def shown(text: object) -> str:
    """Return a message with flags for fields, on one line of any terminal: odd characters as escapes."""
    return errors.shown(with_flags(text))
