"""What is written into results about how they were made, and which settings leave something to the photo's noise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.photos.record import Record
from lgbpn_cli.version import __version__

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model


def chooses_preset(model: Model, settings: InferenceConfig) -> bool:
    """Return whether the preset is chosen for each photo by its noise."""
    return settings.preset is None and model.part == "teacher"


def asks_noise(model: Model, settings: InferenceConfig) -> bool:
    """Return whether the measured noise of each photo decides about its result; mosaics are told theirs."""
    return model.part != "raw" and (settings.shares.is_auto or chooses_preset(model, settings))


def record_of(model: Model, settings: InferenceConfig, output: OutputConfig) -> Record:
    """Return the record of results: everything that decides about their pixels, as canonical JSON."""
    values: dict[str, object] = {
        "model_sha256": model.sha256,
        "part": model.part,
        "quality": settings.quality,
        **settings.shares.facts(),
    }
    if asks_noise(model, settings):
        from lgbpn_cli.noise.estimator import cell_levels

        values["noise_estimator_sha256"] = cell_levels().sha256
    if model.part == "teacher":  # students know no shift
        values["preset"] = settings.preset or "auto"
    if (
        settings.quality == "teacher-r3" or settings.shares.grain is not None
    ):  # nothing else is drawn at random
        values["seed"] = settings.seed
    if settings.quality == "teacher-r3":
        values["refine_passes"] = settings.refine_passes
        values["refine_probability"] = settings.refine_probability
    if model.part == "teacher" and settings.attention != "frozen":
        values["attention"], values["tile_px"] = settings.attention, settings.tile_px
    if settings.halo_px is not None:  # with the default one, tiles do not show, whatever their size
        values["tile_px"], values["halo_px"] = settings.tile_px, settings.halo_px
    values["precision"] = model.device.precision(settings.precision)
    for name in ("format", "bit_depth", "jpeg_quality", "colour_space"):
        if getattr(output, name) != getattr(OutputConfig, name):
            values[name] = getattr(output, name)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return Record(version=__version__, model=model.name, settings=text)
