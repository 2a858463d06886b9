"""A result made anew, from its record, its photo and its weights."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lgbpn_cli.batch.blending import FullResult, blended
from lgbpn_cli.batch.verification.difference import Difference, difference
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.denoiser import Denoised, Denoiser
from lgbpn_cli.denoise.raw_path import RAW_PART
from lgbpn_cli.denoise.record import BLEND, settings_in
from lgbpn_cli.machine.temporary_folder import temporary_folder
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import prepare_photo, read_guarded
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.write import write_photo


@cache
def _loaded(weights: str, part: str, device: str) -> Any:
    from lgbpn_cli.machine.device import choose_device
    from lgbpn_cli.models.load import load_model

    return load_model(weights, part=part, device=choose_device(device))


def made_again(
    result: Path,
    record: Record,
    facts: dict[str, Any],
    photo: Path,
    weights: str,
    reading: ReadingProcess,
    device: str,
) -> Difference | None:
    """Return by how much `result` differs from what its record, its photo and `weights` lead to here, now.

    `facts` are the settings in the record, `weights` what `load_model` takes. None: the sizes differ. Raises ValueError
    for settings that are unknown here, and LgbpnError.
    """
    settings, output = settings_in(facts)
    model = _loaded(weights, facts["part"], device)
    raw_model = model if facts["part"] == RAW_PART else None
    denoiser = Denoiser(model, settings, output, raw_model=raw_model)
    noisy, _ = prepare_photo(reading, photo, output, as_mosaic=raw_model is not None)
    with temporary_folder() as folder:
        again = folder / f"again{result.suffix}"
        _write(denoiser.denoise(noisy), again, record)
        if BLEND in facts:
            _write(_blended_again(again, photo, record, facts, output, reading), again, record)
        return difference(read_guarded(reading, result), read_guarded(reading, again))


def _write(denoised: Denoised, target: Path, record: Record) -> None:
    write_photo(denoised.photo, target, record=record)


def _blended_again(
    full: Path,
    photo: Path,
    record: Record,
    facts: dict[str, Any],
    output: OutputConfig,
    reading: ReadingProcess,
) -> Denoised:
    """Return the mixture of the photo and its result, as `lgbpn blend` makes it."""
    of_full = replace(record, settings=json.dumps({name: facts[name] for name in facts if name != BLEND}))
    look = Look.from_facts(facts[BLEND])
    noisy: Photo = prepare_photo(reading, photo, output)[0]
    clean: Photo = prepare_photo(reading, full, OutputConfig())[0]
    return blended(noisy, clean, FullResult(full, of_full), look, int(facts.get("seed", 0)))
