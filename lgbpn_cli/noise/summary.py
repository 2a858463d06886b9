"""What the noise of a photo, or of many, is like in words, and which preset of a teacher suits it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lgbpn_cli.config import PRESETS, NetworkConfig
from lgbpn_cli.noise.measure import REACH_PX, NoiseMeasurement

FINE_CORRELATION = 0.25
"""Noise whose direct neighbours correlate less is fine: preset dnd; else sidd."""
LEVEL_WORDS = ((1.0, "hardly any noise"), (3.0, "little noise"), (8.0, "clearly visible noise"))
"""Up to these levels, in 8-bit levels; beyond the last it is strong."""
STRONG = "strong noise"
COARSENESS_WORDS = (
    (0.15, "as fine as single pixels"),
    (0.6, "about two pixels coarse, as demosaicing leaves it"),
)
"""Up to these correlations of direct neighbours."""
COARSE = "coarse, as in-camera noise reduction, enlarging or JPEG leave it"
BLOCKING_SHOWN = 0.3
"""From this on the grid of JPEG is mentioned."""
COPIED_SHOWN = 0.15
"""From this correlation beyond the network's hole on, noise can be mistaken for picture."""


@dataclass(frozen=True)
class NoiseSummary:
    """What the noise of a photo, or of a group of photos, is like."""

    photos: int
    level_8bit: tuple[float, float, float]
    """Standard deviation of each channel over all brightnesses, in 8-bit levels."""
    correlation: tuple[tuple[float, ...], ...]
    """13 x 13, offsets -6..6, mean of the channels."""
    channel_correlation: tuple[float, float, float]
    clipped_share: float
    blocking: float
    beyond_hole: float
    """Correlation just outside the network's hole, 5 px away: how much of the noise it could copy."""
    preset: str
    """The preset that suits it."""

    @property
    def level(self) -> float:
        """The level over all channels."""
        return math.sqrt(float(np.mean(np.square(self.level_8bit))))

    def words(self) -> list[str]:
        """Return what it means, a sentence each."""
        neighbours = (self.correlation[REACH_PX][REACH_PX + 1] + self.correlation[REACH_PX + 1][REACH_PX]) / 2
        strength = next((text for limit, text in LEVEL_WORDS if self.level < limit), STRONG)
        sentences = [f"{strength[0].upper()}{strength[1:]}: {self.level:.1f} of 255 levels."]
        if self.level >= LEVEL_WORDS[0][0]:
            grain = next((text for limit, text in COARSENESS_WORDS if neighbours < limit), COARSE)
            sentences.append(f"It is {grain} (neighbours correlate by {neighbours:.2f}).")
        if self.blocking >= BLOCKING_SHOWN:
            sentences.append(f"JPEG's 8x8 grid shows in it: steps across it are {self.blocking:.0%} larger.")
        if self.clipped_share > 0.05:
            sentences.append(
                f"{self.clipped_share:.0%} of the pixels are black or white, where noise is cut off."
            )
        return sentences

    def advice(self) -> list[str]:
        """Return what is recommended, a sentence each."""
        if self.level < LEVEL_WORDS[0][0]:
            return ["Leave it as it is: denoising would hardly change anything."]
        preset, shape = PRESETS[self.preset].first, NetworkConfig()
        sentences = [
            f"Settings: `strength=auto` (the default); with `quality=teacher`, `preset={self.preset}` "
            f"(PD {preset.local_pd}/{preset.global_pd}, shift {preset.local_shift:g}/{preset.global_shift:g}, "
            f"hole of {shape.hole_radius_px} px)."
        ]
        if self.beyond_hole >= COPIED_SHOWN:
            sentences.append(
                f"Fine-tuning will hardly help: the noise is coarser than the network's hole (correlation "
                f"{self.beyond_hole:.2f} at {shape.hole_radius_px + 1} px), and it would learn to copy noise."
            )
        elif self.level >= LEVEL_WORDS[1][0]:
            sentences.append("Fine-tuning on photos of this camera may help: lgbpn finetune FOLDER -o NAME.")
        else:
            sentences.append("Fine-tuning will gain little: there is little noise to learn.")
        return sentences


def choose_preset(noise: NoiseMeasurement) -> str:
    """Return the name of the preset that suits the noise.

    A pass that samples every n-th pixel needs noise that is independent at that distance. Preset dnd samples every
    second pixel in its local branch and keeps more detail, sidd every third and stands coarser noise.
    """
    correlation = noise.correlation[REACH_PX]
    right, below = correlation[REACH_PX + 1], noise.correlation[REACH_PX + 1][REACH_PX]
    return "dnd" if (right + below) / 2 < FINE_CORRELATION else "sidd"


def summarise(measurements: Sequence[NoiseMeasurement]) -> NoiseSummary:
    """Return the noise of one or more photos: levels as root mean square, the rest as means."""
    red, green, blue = (
        math.sqrt(float(np.mean([np.mean(np.square(each.level_8bit[channel])) for each in measurements])))
        for channel in range(3)
    )
    correlation = np.mean([each.correlation for each in measurements], axis=0)
    across = np.mean([each.channel_correlation for each in measurements], axis=0)
    outside = NetworkConfig().hole_radius_px + 1
    ends = (REACH_PX - outside, REACH_PX + outside)
    beyond = np.mean([*correlation[ends, REACH_PX], *correlation[REACH_PX, ends]])
    presets = [choose_preset(each) for each in measurements]
    return NoiseSummary(
        photos=len(measurements),
        level_8bit=(red, green, blue),
        correlation=tuple(tuple(map(float, row)) for row in correlation),
        channel_correlation=(float(across[0]), float(across[1]), float(across[2])),
        clipped_share=float(np.mean([each.clipped_share for each in measurements])),
        blocking=float(np.mean([each.blocking for each in measurements])),
        beyond_hole=float(beyond),
        preset=max(sorted(set(presets)), key=presets.count),
    )
