"""What is written into results about how they were made, and which settings leave something to the photo's noise."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.config.look import Look
from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.record import Record
from lgbpn_cli.version import __version__

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model

OUTPUT_SETTINGS = ("format", "bit_depth", "jpeg_quality", "colour_space")
"""What a record says about the type of a result, where that is not the default."""
OF_LOOK = {"strength", "luma", "chroma", "grain"}
OF_WEIGHTS = {"model_sha256", "part", "noise_estimator_sha256"}
BLEND = "blend"
"""What the record of a mixture calls its look; the rest of it is that of the result."""
USE_OTHER_VERSION = "Use the version of lgbpn that made it."


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
    for name in OUTPUT_SETTINGS:
        if getattr(output, name) != getattr(OutputConfig, name):
            values[name] = getattr(output, name)
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return Record(version=__version__, model=model.name, settings=text)


def facts_in(record: Record) -> dict[str, Any]:
    """Return what a record says of settings and weights. Raises ValueError or TypeError where it cannot be read."""
    facts = json.loads(record.settings)
    if not isinstance(facts, dict):
        raise TypeError("these are no settings")
    return facts


def settings_in(facts: dict[str, Any]) -> tuple[InferenceConfig, OutputConfig]:
    """Return the settings that `record_of` wrote into a record; a mixture's are those of its full result.

    Raises UsageError for what it did not write, as another version may have.
    """
    own = {field.name for field in fields(InferenceConfig)} - {"look", "strength"}
    strange = set(facts) - own - OF_LOOK - OF_WEIGHTS - {BLEND, *OUTPUT_SETTINGS}
    if strange:
        cause = f"it names settings that are unknown here: {', '.join(sorted(strange))}"
        raise UsageError("its record", cause, USE_OTHER_VERSION)
    values = {name: value for name, value in facts.items() if name in own}
    if values.get("preset") == "auto":
        values["preset"] = None
    try:
        settings = InferenceConfig(**values, look=Look.from_facts(facts))
        output = OutputConfig(**{name: facts[name] for name in OUTPUT_SETTINGS if name in facts})
    except (TypeError, ValueError, UsageError) as error:
        cause = f"it names settings that are unknown here ({error})"
        raise UsageError("its record", cause, USE_OTHER_VERSION) from error
    return settings, output
