"""Settings as frozen dataclasses, one a stage; the command line's defaults read their fields.

Those of training are in `training.config`.
"""

from __future__ import annotations

from lgbpn_cli.config.inference import (
    ATTENTIONS,
    DEFAULT_QUALITY,
    PART_OF_QUALITY,
    PRECISIONS,
    QUALITIES,
    RAW_PATHS,
    SMALLEST_TILE_PX,
    Attention,
    InferenceConfig,
    Part,
    Precision,
    Quality,
    RawPath,
)
from lgbpn_cli.config.network import (
    GLOBAL_DILATION,
    LOCAL_DILATION,
    NETWORKS,
    PUBLISHED,
    NetworkConfig,
    RawConfig,
    StudentConfig,
    UNetConfig,
)
from lgbpn_cli.config.output import (
    COLOUR_SPACES,
    FORMAT_NICKNAMES,
    OUTPUT_FORMATS,
    ColourSpace,
    Format,
    OutputConfig,
)
from lgbpn_cli.config.passes import (
    PRESETS,
    PassConfig,
    ShiftPreset,
)
from lgbpn_cli.config.require import (
    require,
)

__all__ = [
    "ATTENTIONS",
    "COLOUR_SPACES",
    "DEFAULT_QUALITY",
    "FORMAT_NICKNAMES",
    "GLOBAL_DILATION",
    "LOCAL_DILATION",
    "NETWORKS",
    "OUTPUT_FORMATS",
    "PART_OF_QUALITY",
    "PRECISIONS",
    "PRESETS",
    "PUBLISHED",
    "QUALITIES",
    "RAW_PATHS",
    "SMALLEST_TILE_PX",
    "Attention",
    "ColourSpace",
    "Format",
    "InferenceConfig",
    "NetworkConfig",
    "OutputConfig",
    "Part",
    "PassConfig",
    "Precision",
    "Quality",
    "RawConfig",
    "RawPath",
    "ShiftPreset",
    "StudentConfig",
    "UNetConfig",
    "require",
]
