"""A result and what belongs to it, on their way to the disk."""

from __future__ import annotations

from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.photos.companions import with_companions
from lgbpn_cli.photos.write import write_photo


def write_result(denoised: Denoised, target: Path, output: OutputConfig) -> None:
    """Write a result to `target`, and copy what belongs to its photo; raises what `write_photo` raises."""
    record = denoised.record if output.provenance else None
    with with_companions(denoised.photo.path, target):
        write_photo(
            denoised.photo, target, record=record, overwrite=output.overwrite, times=output.preserve_times
        )
