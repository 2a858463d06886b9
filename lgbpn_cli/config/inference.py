"""How a photo is denoised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lgbpn_cli.config.look import Look
from lgbpn_cli.config.passes import PRESETS
from lgbpn_cli.config.require import require

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
Attention = Literal["frozen", "live"]
ATTENTIONS: tuple[Attention, ...] = get_args(Attention)
SMALLEST_TILE_PX = 64
"""A tile smaller than this would be mostly halo."""
Part = Literal["student", "teacher", "raw"]
"""What a model consists of: the fast student, LG-BPN, and the network for the mosaics of camera raw."""
Quality = Literal["fast", "best", "teacher", "teacher-r3"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)
PART_OF_QUALITY: dict[str, Part] = {
    "fast": "student",
    "best": "student",
    "teacher": "teacher",
    "teacher-r3": "teacher",
}
"""Which part of a model family each quality runs: the student once (fast) or as the mean of its eight views (best),
LG-BPN in one pass (teacher) or with R3 refinement (teacher-r3)."""
DEFAULT_QUALITY: dict[str, Quality] = {"student": "fast", "raw": "fast", "teacher": "teacher"}
"""The quality of each part unless another is named."""


RawPath = Literal["auto", "mosaic", "demosaiced"]
RAW_PATHS: tuple[RawPath, ...] = get_args(RawPath)


@dataclass(frozen=True)
class InferenceConfig:
    """How a photo is denoised."""

    quality: Quality | None = None
    """One of QUALITIES; None: `fast` where the model has a student, else `teacher`."""
    preset: str | None = None
    """Name of a teacher's shift preset; None chooses it for each photo from its noise."""
    strength: float | None = None
    """Share of the denoised picture in the result, 0..1; the rest is the original. None: as much, place by place, as
    the photo's measured noise asks for."""
    raw_path: RawPath = "auto"
    """Camera raw files: denoise the mosaic, before its colours are filled in, or the demosaiced picture; auto takes the
    mosaic where the model has a network for it and the sensor is a Bayer sensor."""
    seed: int = 0
    """Seed of the R3 replacement masks, and of grain."""
    tile_px: int | None = None
    """Side of the square that one network call contributes to the result; None: as large as memory allows."""
    halo_px: int | None = None
    """What a tile sees of its surroundings on each side; None: enough for tiles not to show."""
    refine_passes: int = 8
    """R3: how many randomly replaced copies are averaged (paper, section 3.4)."""
    refine_probability: float = 0.16
    """R3: the share of tensor elements replaced by their noisy value."""
    attention: Attention = "frozen"
    """Where a teacher's attention maps come from: fixed regions of the photo, once for all tiles; or, live, from each
    tile itself, as in the paper, so that a result depends on the tile."""
    precision: Precision = "auto"
    """Number format of the network's large sums; auto takes bfloat16 where the device is made for it."""
    max_memory_bytes: int | None = None
    """Most memory to use: of the whole program on the CPU, of the device on a GPU; None: what is free."""
    look: Look | None = None
    """What to take from photo and answer where `strength` does not say it all; None: that share of all, no grain."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        require(
            self.quality is None or self.quality in QUALITIES,
            "`quality`",
            f"'{self.quality}' is unknown",
            f"Choose one of {', '.join(QUALITIES)}.",
        )
        require(
            self.preset is None or self.preset in PRESETS,
            "`preset`",
            f"'{self.preset}' is unknown",
            f"Choose one of {', '.join(PRESETS)}.",
        )
        require(
            self.strength is None or 0.0 <= self.strength <= 1.0,
            "`strength`",
            f"{self.strength} is not between 0 and 1",
            "Use auto, or 0 (original) to 1 (fully denoised).",
        )
        require(
            self.tile_px is None or self.tile_px >= SMALLEST_TILE_PX,
            "`tile_px`",
            f"{self.tile_px} px is too small",
            f"Use {SMALLEST_TILE_PX} or more.",
        )
        require(
            self.halo_px is None or self.halo_px >= 0,
            "`halo_px`",
            f"{self.halo_px} px is not a width",
            "Use 0 or more.",
        )
        require(
            self.precision in PRECISIONS,
            "`precision`",
            f"'{self.precision}' is unknown",
            f"Choose one of {', '.join(PRECISIONS)}.",
        )
        require(
            self.attention in ATTENTIONS,
            "`attention`",
            f"'{self.attention}' is unknown",
            f"Choose one of {', '.join(ATTENTIONS)}.",
        )
        require(
            self.raw_path in RAW_PATHS,
            "`raw_path`",
            f"'{self.raw_path}' is unknown",
            f"Choose one of {', '.join(RAW_PATHS)}.",
        )
        require(self.seed >= 0, "`seed`", f"{self.seed} is negative", "Use 0 or more.")

    @property
    def shares(self) -> Look:
        """What is taken from the photo and from the network's answer."""
        return self.look or Look(self.strength, self.strength)
