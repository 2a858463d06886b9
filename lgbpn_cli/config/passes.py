"""How LG-BPN samples a photo in each of its passes: the published test settings."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PassConfig:
    """How the network samples its input in one pass: PD factors, kernel shift, and the rim of each sub-image."""

    local_pd: int
    """PD factor of the local branch."""
    global_pd: int
    """PD factor of the global branch."""
    local_shift: float = 1.0
    """Kernel-shift ratio of the local branch: 1 keeps the taps where training had them."""
    global_shift: float = 1.0
    """Kernel-shift ratio of the global branch."""
    local_rim_px: int = 0
    """Reflected rim round each sub-image of the local branch, in sub-image pixels."""
    global_rim_px: int = 0
    """Reflected rim round each sub-image of the global branch, in sub-image pixels."""


@dataclass(frozen=True)
class ShiftPreset:
    """The two passes of one published test setting (paper, section 4.1; authors' options for SIDD and DND)."""

    name: str
    first: PassConfig
    refine: PassConfig

    @property
    def common_pd(self) -> int:
        """The smallest number that every PD factor of both passes divides."""
        passes = (self.first, self.refine)
        return math.lcm(*(each.local_pd for each in passes), *(each.global_pd for each in passes))


PRESETS: dict[str, ShiftPreset] = {
    "sidd": ShiftPreset(
        "sidd",
        first=PassConfig(3, 4, 0.72, 0.80, 2, 7),
        refine=PassConfig(2, 4, 0.46, 0.43, 2, 7),
    ),
    "dnd": ShiftPreset(
        "dnd",
        first=PassConfig(2, 4, 0.50, 0.65, 2, 7),
        refine=PassConfig(2, 2, 0.40, 0.35, 2, 7),
    ),
}
"""The published test settings by name."""
