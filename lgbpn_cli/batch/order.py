"""What is to be done to photos, the same for all of a run."""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.config import InferenceConfig, OutputConfig


@dataclass(frozen=True)
class Order:
    """Settings, model and device."""

    output: OutputConfig
    settings: InferenceConfig
    model: str | None = None
    """The model's name or file, `auto` for that of each photo's camera; None for the one that lgbpn ships."""
    device: str = "auto"
