"""Settings of training, distillation and fine-tuning as frozen dataclasses, which recipes and commands fill."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lgbpn_cli.config import PRECISIONS, Precision, require
from lgbpn_cli.config.file_names import EVERY_NAME, NamePatterns

OPTIMISERS = ("adam", "muon")


@dataclass(frozen=True)
class ScheduleConfig:
    """What every training has: how many steps of what size, and what is kept."""

    steps: int = 20_000
    """Optimiser steps."""
    batch: int = 8
    """Crops a step."""
    crop_px: int = 128
    """Side of a training crop; the network's size multiple has to divide it."""
    learning_rate: float = 2e-3
    """Peak learning rate."""
    warmup_steps: int = 200
    """Steps of linear warm-up before the cosine decay to zero."""
    gradient_clip: float = 0.2
    """Largest norm of the gradient."""
    ema_decay: float = 0.999
    """Decay of the exponential moving average of the weights, which is what gets shipped."""
    precision: Precision = "auto"
    """auto, float32 or bfloat16."""
    seed: int = 0
    """Seed of initialisation and of everything that is drawn."""
    checkpoint_every: int = 200
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        known = self.precision in PRECISIONS and self.precision != "float16"  # which would need loss scaling
        require(known, "precision", f"'{self.precision}' is unknown", "Use auto, float32 or bfloat16.")
        for name in ("steps", "batch", "checkpoint_every", "crop_px"):
            require(getattr(self, name) >= 1, name, "must be at least 1", "Raise it.")


@dataclass(frozen=True)
class TrainingConfig(ScheduleConfig):
    """How a teacher is trained; every choice works without clean references."""

    batch: int = 4
    """Crops a step."""
    crop_px: int = 120
    """Side of a training crop; 120 divides by PD 4 x dilation 2 and PD 5 x dilation 3."""
    recoloured_share: float = 0.0
    """Share of the crops whose channels are exchanged, inverted, turned in hue or made more saturated: a noisy photo in
    other colours is a noisy photo."""
    drawn_share: float = 0.0
    """Share of the crops that are drawn, in colours that photographs seldom show, with made noise, not coarse."""
    rim_px: int = 10
    """Rim left out of the loss: reflect padding breaks blindness near borders (see docs in network/blind.py)."""
    learning_rate: float = 1.5e-3
    """Peak learning rate."""
    optimiser: str = "adam"
    """adam, or muon for the hidden kernels with Adam for all else: half of the time (docs/history.md)."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        super().__post_init__()
        require(
            self.optimiser in OPTIMISERS, "optimiser", f"'{self.optimiser}' is unknown", "Use adam or muon."
        )
        require(0 <= self.recoloured_share <= 1, "recoloured_share", "is not between 0 and 1", "Use 0.6.")
        require(0 <= self.drawn_share <= 1, "drawn_share", "is not between 0 and 1", "Use 0.2.")
        require(
            0 <= 2 * self.rim_px < self.crop_px, "rim_px", "leaves nothing of the crop", "Use larger crops."
        )


SHARES = (
    ("renoised_share", 0.5),
    ("transplanted_share", 0.6),
    ("grain_share", 0.1),
    ("grey_share", 0.15),
    ("other_scene_share", 0.5),
    ("reduced_share", 0.3),
    ("weakened_share", 0.5),
    ("jpeg_share", 0.4),
    ("earlier_share", 0.7),
    ("made_share", 0.3),
    ("unchanged_share", 0.1),
    ("recoloured_share", 0.5),
    ("drawn_scene_share", 0.15),
    ("resized_share", 0.2),
    ("soft_share", 0.5),
)
"""Settings between 0 and 1, and what is usual."""


def _require_range(shot: tuple[float, float], usual: str) -> None:
    is_one = len(shot) == 2 and 0 < shot[0] <= shot[1]
    require(is_one, "shot", "is not a range", f"Use {usual}.")


@dataclass(frozen=True)
class DistillationConfig(ScheduleConfig):
    """How a student is trained on the results of a teacher."""

    steps: int = 8_000
    """Optimiser steps."""
    renoised_share: float = 0.5
    """Share of the crops that are scenes with new noise on them; the rest are noisy photos as they are."""
    transplanted_share: float = 0.0
    """Share of the crops that are scenes with a photo's noise, taken from another place. Where there are any, crops of
    noisy photos as they are teach nothing about coarse noise, which is left in their targets."""
    grain_share: float = 0.0
    """Share of the crops that are scenes with grain on them, see `grain`."""
    grey_share: float = 0.0
    """Share of all crops that lose their colours, noise and target alike, as black and white photos have."""
    other_scene_share: float = 0.0
    """Share of the transplanted ones whose noise is laid on a scene of any source, chosen by `renoised_weight`, not on
    its own photo: what was learned about a camera's noise is then less about the scenes that it was taken in."""
    reduced_share: float = 0.0
    """Share of those that are made smaller with their noise, as photos for the web are: noise is as fine as the pixels
    then, and must still be told from texture."""
    weakened_share: float = 0.0
    """Share of those whose noise is weakened: as the camera's at a lower ISO."""
    jpeg_share: float = 0.0
    """Share of the scenes with any noise, or none, that become a JPEG of quality 50 to 98 after it."""
    made_share: float = 0.0
    """Share of the crops that are scenes with noise of any colour, grain size and growth, see `noise.made`."""
    unchanged_share: float = 0.0
    """Share of the crops that are scenes without noise, which are to stay as they are."""
    recoloured_share: float = 0.0
    """Share of all crops whose channels are exchanged, inverted or turned in hue, noise and target alike."""
    drawn_scene_share: float = 0.0
    """Share of the scenes that are flat colours, gradients, text, stars and weave, see `pictures.drawn_scenes`."""
    resized_share: float = 0.0
    """Share of the scenes with a camera's or made noise, or none, that are made smaller or larger with it."""
    soft_share: float = 0.0
    """Share of the scenes that are a little soft before noise is laid on them. Cameras' pictures are, pixel by pixel;
    reduced photographs and drawings are sharper, and teach that what is fine is never noise."""
    coarse_weight: float = 0.0
    """Weight of the error of the means of 8x8 px, relative to that of the pixels, where the answer is known."""
    workers: int = 0
    """Processes that make lessons beside the training; 0: it makes them itself."""
    earlier_share: float = 0.0
    """Share of each target that is the result of the teacher's present student: a second round of teaching."""
    from_earlier: bool = False
    """Start from the weights of the teacher's present student instead of random ones; where the new one has more
    blocks a level, they add nothing at first."""
    shot: tuple[float, float] = (1e-4, 2.2e-2)
    """Range of the new noise: variance of the shot noise at full scale, drawn log-uniformly."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        object.__setattr__(self, "shot", tuple(self.shot))  # a list, where it comes from a file
        super().__post_init__()
        require(self.workers >= 0, "workers", "is below 0", "Use 1.")
        require(self.coarse_weight >= 0, "coarse_weight", "is below 0", "Use 0.4.")
        for name, usual in SHARES:
            require(0 <= getattr(self, name) <= 1, name, "is not between 0 and 1", f"Use {usual}.")
        require(
            sum(
                (
                    self.renoised_share,
                    self.transplanted_share,
                    self.grain_share,
                    self.made_share,
                    self.unchanged_share,
                )
            )
            < 1 + 1e-9,
            "transplanted_share",
            "makes more than 1 with renoised_share, grain_share, made_share and unchanged_share",
            "Lower one of them.",
        )
        _require_range(self.shot, "[1e-4, 2e-2]")


@dataclass(frozen=True)
class RawTrainingConfig(ScheduleConfig):
    """How the network for camera raw is trained on synthetic mosaics."""

    shot: tuple[float, float] = (4e-5, 2.5e-2)
    """Range of the shot noise: a in the variance a x + b at full scale, drawn log-uniformly."""
    drawn_share: float = 0.0
    """Share of the scenes that are drawn in every hue: flat colours, gradients, text, stars, weave."""
    most_colour: float = 1.6
    """How many times as colourful a scene may become; from about 2 on, single colours have no light left."""
    coarse_weight: float = 0.0
    """Weight of the error of local means, as sRGB shows them, beside that of pixels, which is 1."""
    blurred_share: float = 0.7
    """Share of the scenes that are as soft as behind a lens; reduced photos are sharper than any."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        object.__setattr__(self, "shot", tuple(self.shot))  # a list, where it comes from a file
        super().__post_init__()
        _require_range(self.shot, "[4e-5, 2.5e-2]")
        for name, least, most in (
            ("drawn_share", 0, 1),
            ("blurred_share", 0, 1),
            ("most_colour", 1, math.inf),
            ("coarse_weight", 0, math.inf),
        ):
            value = getattr(self, name)
            limits = f"{least} or more" if most == math.inf else f"from {least} to {most}"
            require(least <= value <= most, f"`{name}`", f"{value} makes no sense", f"Give {limits}.")


@dataclass(frozen=True)
class NoiseEstimatorTrainingConfig(ScheduleConfig):
    """How the noise estimator is trained, on pictures with noise of known strength on them."""

    steps: int = 7_000
    """Optimiser steps."""
    batch: int = 14
    """Scenes a step, each of four tiles."""
    warmup_steps: int = 100
    """Steps of linear warm-up before the cosine decay to zero."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights: short, since the learning rate ends at zero."""
    seed: int = 1
    """Seed of initialisation and of everything that is drawn."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        super().__post_init__()
        require(self.crop_px == 128, "crop_px", "must be 128, the side of a scene of four tiles", "Omit it.")


@dataclass(frozen=True)
class FinetuneConfig:
    """How a model learns the noise of somebody's own photos."""

    name: str
    """Name of the model that is made."""
    base: str | None = None
    """Model that it starts from; None: the one that ships. `scratch`: random weights."""
    per_camera: bool = False
    """Make a model for each camera and ISO."""
    steps: int | None = None
    """Optimiser steps; None: as many as fit into the time."""
    time_limit_s: float = 1800.0
    """Seconds for everything, the student included."""
    batch: int = 4
    """Crops a step, shared by all processes."""
    crop_px: int = 120
    """Side of a training crop."""
    learning_rate: float = 3e-4
    """Peak learning rate: a fifth of the one that trains from scratch."""
    ema_decay: float = 0.998
    """Decay of the moving average of the weights, which is what becomes the model."""
    preview_every_s: float = 180.0
    """Seconds between previews."""
    seed: int = 0
    """Seed of the split, crops and flips."""
    names: NamePatterns = EVERY_NAME
    """Which photos of the folder are taken by their names."""
    dark: str | None = None
    """A folder of dark or even frames of the same camera, which the noise is measured in, too."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        plain = self.name and not set(self.name) & set("/\\") and not self.name.startswith((".", "-"))
        require(
            bool(plain) and self.name.isprintable() and self.name not in ("auto", "scratch"),
            f"`name` {self.name}",
            "not a valid model name",
            "Use a name such as my-camera, not a path.",
        )
        require(self.steps is None or self.steps >= 1, "`steps`", "must be at least 1", "Raise it.")
        require(self.time_limit_s >= 1, "`time_limit_s`", "is too short", "Use for example 30m.")
        require(self.batch >= 1, "`batch`", "must be at least 1", "Raise it.")
        require(self.seed >= 0, "`seed`", f"{self.seed} is negative", "Use 0 or more.")


@dataclass(frozen=True)
class DataSource:
    """One folder of photos in a training recipe: noisy ones, or those whose colours are drawn with."""

    folder: str
    """Folder name below LGBPN_DATA, or an absolute path."""
    weight: float = 1.0
    """Share of the crops taken from this source, relative to the other sources' weights."""
    exclude: tuple[str, ...] = field(default_factory=tuple)
    """File-name patterns (fnmatch) that are never read: photos kept out for measuring."""
    grainy: tuple[str, ...] = field(default_factory=tuple)
    """The same of photographs too noisy to be scenes: their own noise would be in the targets."""
    renoised_weight: float | None = None
    """Distillation: share of this source among the scenes for new noise; None: as `weight`."""
    drawn: int = 0
    """Distillation: in place of each photo, so many pictures that are drawn in its colours, without noise. They are
    their own targets, and are used with new noise only."""
    reduced: tuple[int, ...] = (1,)
    """Raw training: by which whole numbers the photos are made smaller, which takes their own noise away."""
    scenes: bool = False
    """Distillation: photographs of so little noise that they are scenes for new noise as they are."""
    results_of: tuple[str, ...] = ()
    """Distillation: names or weight files of students, the mean of whose results is in this source's targets; none: of
    the one that the round begins with."""
    mean_from_skewness: bool = False
    """Distillation: tell the mean of the photos' noise from its skewness, not from what was removed, see `noise_mean`:
    where the earlier student shifts this source's colours, having learned them from others."""

    @property
    def scene_weight(self) -> float:
        """Share of this source among the scenes for new noise, relative to the others'."""
        return self.weight if self.renoised_weight is None else self.renoised_weight

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        require(
            not isinstance(self.results_of, str),
            f"{self.folder}: results_of",
            "is not a list",
            'Use ["lgbpn-base"].',
        )
        for name in ("reduced", "results_of"):  # lists, where they come from a file
            object.__setattr__(self, name, tuple(getattr(self, name)))
        smaller = all(isinstance(by, int) and by >= 1 for by in self.reduced)
        require(
            bool(self.reduced) and smaller,
            f"{self.folder}: reduced",
            "is not a list of numbers",
            "Use [2, 3].",
        )
        require(self.drawn >= 0, f"{self.folder}: drawn", "is below 0", "Use for example 30.")
        require(
            not self.drawn or (self.weight == 0 and bool(self.renoised_weight)),
            f"{self.folder}: drawn",
            "a drawn picture teaches nothing without new noise",
            "Set weight = 0 and renoised_weight above 0.",
        )
        require(
            not self.scenes or (self.weight == 0 and bool(self.renoised_weight) and not self.drawn),
            f"{self.folder}: scenes",
            "photographs of little noise teach nothing without new noise",
            "Set weight = 0 and renoised_weight above 0, and omit drawn.",
        )
        require(
            not (self.drawn and self.mean_from_skewness),
            f"{self.folder}: mean_from_skewness",
            "drawn pictures have no noise",
            "Omit one of the two.",
        )
