"""The noise of many photos, each by itself and by camera and ISO, and what it means in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lgbpn_cli.adaptation import choose_preset
from lgbpn_cli.batch.pipeline import describe_failure
from lgbpn_cli.colour import WorkingPixels
from lgbpn_cli.config import PRESETS, NetworkConfig
from lgbpn_cli.noise import REACH_PX, SMALLEST_SIDE_PX, CellEstimator, NoiseMeasurement, measure_noise
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.shot import Shot, shot_of

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
class ProbedPhoto:
    """One photo and its noise."""

    path: Path
    shot: Shot
    noise: NoiseMeasurement


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
            return ["Leave it as it is: denoising would change next to nothing."]
        preset, shape = PRESETS[self.preset].first, NetworkConfig()
        sentences = [
            f"--strength auto (the default); with --quality teacher --preset {self.preset} "
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


@dataclass
class Probe:
    """All photos of a call."""

    photos: list[ProbedPhoto] = field(default_factory=list)
    too_small: list[Path] = field(default_factory=list)
    """Photos in which nothing can be measured."""
    failures: list[str] = field(default_factory=list)
    """A line for each photo that cannot be read."""
    interrupted: bool = False
    """Ctrl-C came before the last photo."""

    def notes(self) -> list[str]:
        """Return what became of photos that have no measurement, a line each."""
        lines = [f"failed: {failure}" for failure in self.failures]
        lines += [
            f"{path}: too small to measure (a side below {SMALLEST_SIDE_PX} px)" for path in self.too_small
        ]
        if self.interrupted:
            lines.append(f"stopped; {len(self.photos)} measured")
        return lines

    def groups(self) -> dict[Shot, NoiseSummary]:
        """Return the noise of each camera at each ISO."""
        shots = sorted({photo.shot for photo in self.photos})
        return {
            shot: summarise([photo.noise for photo in self.photos if photo.shot == shot]) for shot in shots
        }


def probe_photos(
    paths: Sequence[Path],
    estimator: CellEstimator,
    on_step: Callable[[int, int], None] | None = None,
    read: Callable[[Path], Photo] = read_photo,
) -> Probe:
    """Return the noise of every photo that can be read; one at a time is in memory.

    `on_step` is told how many of how many are done. Ctrl-C ends it with what was measured by then.
    """
    probe = Probe()
    for done, path in enumerate(paths):
        if on_step is not None:
            on_step(done, len(paths))
        try:
            _measure(path, estimator, probe, read)
        except KeyboardInterrupt:
            probe.interrupted = True
            break
        except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
            probe.failures.append(describe_failure(path, error).message)
    return probe


def _measure(path: Path, estimator: CellEstimator, probe: Probe, read: Callable[[Path], Photo]) -> None:
    photo = read(path)
    if min(photo.pixels.shape[:2]) < SMALLEST_SIDE_PX:
        probe.too_small.append(path)
        return
    noise = measure_noise(WorkingPixels(photo), estimator)
    probe.photos.append(ProbedPhoto(path, shot_of(photo), noise))


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


def as_document(probe: Probe) -> dict[str, object]:
    """Return all of it as JSON takes it."""

    def entry(summary: NoiseSummary, shot: Shot) -> dict[str, object]:
        return {**asdict(shot), **asdict(summary), "words": summary.words(), "advice": summary.advice()}

    return {
        "photos": [
            {
                "path": str(photo.path),
                **entry(summarise([photo.noise]), photo.shot),
                "brightness_8bit": photo.noise.brightness_8bit,
                "curve_8bit": photo.noise.level_8bit,
                "luma_correlation": photo.noise.luma_correlation,
            }
            for photo in probe.photos
        ],
        "groups": [entry(summary, shot) for shot, summary in probe.groups().items()],
        "too_small": [str(path) for path in probe.too_small],
        "failures": probe.failures,
        "interrupted": probe.interrupted,
    }
