"""Which way camera raw files go: through the raw network on their mosaics, or demosaiced first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgbpn_cli.config import PART_OF_QUALITY, InferenceConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.models.manifest import all_models, find_model
from lgbpn_cli.models.names import DEFAULT_MODEL, WEIGHT_SUFFIX

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model

RAW_PART = "raw"


def takes_mosaics(model: str | None, settings: InferenceConfig) -> bool:
    """Return whether camera raw files are to be denoised on their mosaics; `model` as `load_model` takes it.

    Raises ModelError for an unknown model, UsageError where mosaics are asked for and cannot be had.
    """
    cause = _cause_against(model or DEFAULT_MODEL, settings)
    if cause is not None and settings.raw_path == "mosaic":
        raise UsageError("`raw_path=mosaic`", cause, "Omit one of the two.")
    return cause is None and settings.raw_path != "demosaiced"


def load_raw_model(model: Model, settings: InferenceConfig) -> Model | None:
    """Return the raw network of the same model on the same device; None where raw files are demosaiced first."""
    from lgbpn_cli.models.load import load_model

    if model.name not in all_models() or not takes_mosaics(model.name, settings):
        return None
    return load_model(model.name, part=RAW_PART, device=model.device)


def _cause_against(model: str, settings: InferenceConfig) -> str | None:
    """Return why raw files cannot be denoised on their mosaics, or None."""
    if settings.quality is not None and PART_OF_QUALITY[settings.quality] != "student":
        return f"quality {settings.quality} denoises demosaiced pictures"
    if settings.preset is not None:
        return f"preset {settings.preset} is for demosaiced pictures"
    if model.endswith(WEIGHT_SUFFIX) or RAW_PART not in find_model(model).with_part(RAW_PART).parts:
        return f"model '{model}' has no network for camera raw"
    return None
