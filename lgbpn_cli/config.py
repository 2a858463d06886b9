"""Settings of networks, inference and results as frozen dataclasses, one per stage; the command line's defaults read
these fields. Those of training are in `training_config`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from lgbpn_cli.errors import UsageError
from lgbpn_cli.file_names import EVERY_NAME, NamePatterns
from lgbpn_cli.look import Look

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
Attention = Literal["frozen", "live"]
ATTENTIONS: tuple[Attention, ...] = get_args(Attention)
SMALLEST_TILE_PX = 64
"""A tile smaller than this would be mostly halo."""


def require(condition: bool, subject: str, cause: str, cure: str) -> None:
    """Raise UsageError with these words unless the condition holds."""
    if not condition:
        raise UsageError(subject, cause, cure)


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of one LG-BPN teacher network (paper, section 3); saved inside its weight file."""

    width: int = 128
    """Channels C of both branches (published: 128)."""
    head_width: int = 24
    """Channels behind the 1x1 head, the input of both patch-masked convolutions (published: 24)."""
    local_modules: int = 9
    """Residual modules of the local branch (published: 9)."""
    global_blocks: int = 6
    """Dilated transformer blocks (DTB) of the global branch (published: 6)."""
    attention_heads: int = 2
    """Heads of the channel attention in each DTB."""
    feed_forward_expansion: float = 2.66
    """Hidden channels of a DTB's feed-forward part, as a multiple of the width (rounded down)."""
    hole_radius_px: int = 4
    """Radius r of the hidden diamond |dy| + |dx| <= r."""
    local_kernel_px: int = 9
    """Side of the local branch's patch-masked kernel (DSPMC-9)."""
    global_kernel_px: int = 21
    """Side of the global branch's patch-masked kernel (DSPMC-21), whose taps lie on even offsets."""
    training_local_pd: int = 4
    """Pixel-shuffle down-sampling (PD) factor of the local branch in training."""
    training_global_pd: int = 5
    """PD factor of the global branch in training."""
    value_range: float = 255.0
    """The network's value for white: pixel values 0..1 are multiplied by it on the way in, divided on the way out."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built, and kernels that let the network see into its own hole."""
        require(self.attention_heads >= 1, "network", "it has no attention heads", "Use one or more.")
        require(
            self.width % self.attention_heads == 0,
            "network",
            "width is not a multiple of attention_heads",
            "Change one of them.",
        )
        require(
            self.width >= 2 and self.head_width >= 1, "network", "widths must be positive", "Use 2 or more."
        )
        for name in ("local_kernel_px", "global_kernel_px"):
            require(getattr(self, name) % 2 == 1, "network", f"{name} is even", "Use an odd kernel size.")
        require(
            self.global_kernel_px % 4 == 1,
            "network",
            "global_kernel_px has no tap on its centre",
            "Use 13, 17, 21 or another of that row.",
        )
        local_span = self.training_local_pd * LOCAL_DILATION
        global_span = self.training_global_pd * GLOBAL_DILATION
        local_reach = self.local_kernel_px // 2 + self.hole_radius_px
        # A kernel no larger than the hole keeps taps off the axes only, and those may touch the hole's edge.
        one_more = self.local_kernel_px // 2 > self.hole_radius_px
        require(
            local_span >= local_reach + one_more,
            "network",
            f"the local branch steps {local_span} px and sees back into the hole",
            "Raise training_local_pd or make the kernel smaller.",
        )
        require(
            global_span > self.global_kernel_px // 2 + self.hole_radius_px,
            "network",
            f"the global branch steps {global_span} px and sees back into the hole",
            "Raise training_global_pd or make the kernel smaller.",
        )

    @property
    def hidden_width(self) -> int:
        """Channels of a DTB's feed-forward half."""
        return int(self.feed_forward_expansion * self.width)


LOCAL_DILATION = 2
"""Dilation of the 3x3 convolutions of the local branch."""
GLOBAL_DILATION = 3
"""Dilation of all 3x3 convolutions of the global branch."""

PUBLISHED = NetworkConfig()
"""The configuration of the paper's released models."""
NETWORKS: dict[str, NetworkConfig] = {
    "published": PUBLISHED,
    "small": NetworkConfig(
        width=32, head_width=16, local_modules=5, global_blocks=3, feed_forward_expansion=2.5
    ),
}
"""Network configurations that go by a name."""


@dataclass(frozen=True)
class UNetConfig:
    """The shape of a U-Net at half resolution; saved inside its weight file."""

    widths: tuple[int, ...] = (32, 64, 128, 128)
    """Channels of each level, the first at half the photo's resolution, each further at half of the one before."""
    blocks: int = 1
    """Residual blocks of two 3x3 convolutions, on each level of the way down and again on the way up."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        object.__setattr__(self, "widths", tuple(self.widths))  # a list, where it comes from a file
        require(
            len(self.widths) >= 2 and all(isinstance(width, int) and width >= 1 for width in self.widths),
            "network",
            f"widths {self.widths} are not two or more positive numbers",
            "Use for example [32, 64, 128, 128].",
        )
        require(self.blocks >= 1, "network", "it has no blocks", "Use one or more.")

    @property
    def size_multiple(self) -> int:
        """Tiles whose corners lie on multiples of this many pixels are sampled as the whole photo is."""
        return 1 << len(self.widths)

    @property
    def reach_px(self) -> int:
        """No pixel farther away than this changes a result pixel; a multiple of `size_multiple`."""
        spacings = [2 << level for level in range(len(self.widths))]
        both_ways = sum(4 * self.blocks * spacing for spacing in spacings[:-1])
        reach = both_ways + 2 * self.blocks * spacings[-1] + 2 * spacings[0] + self.size_multiple
        return reach + -reach % self.size_multiple


@dataclass(frozen=True)
class StudentConfig(UNetConfig):
    """The shape of one student network."""


@dataclass(frozen=True)
class RawConfig(UNetConfig):
    """The shape of one network for the mosaics of camera raw files."""


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


PART_OF_QUALITY = {"fast": "student", "best": "student", "teacher": "teacher", "teacher-r3": "teacher"}
"""Which part of a model family each quality runs: the student once (fast) or as the mean of its eight views (best),
LG-BPN in one pass (teacher) or with R3 refinement (teacher-r3)."""
QUALITIES = tuple(PART_OF_QUALITY)
"""What --quality takes."""
DEFAULT_QUALITY = {"student": "fast", "raw": "fast", "teacher": "teacher"}
"""The quality of each part unless another is named."""


RAW_PATHS = ("auto", "mosaic", "demosaiced")
"""What --raw-path takes."""


@dataclass(frozen=True)
class InferenceConfig:
    """How a photo is denoised."""

    quality: str | None = None
    """One of QUALITIES; None: `fast` where the model has a student, else `teacher`."""
    preset: str | None = None
    """Name of a teacher's shift preset; None chooses it for each photo from its noise."""
    strength: float | None = None
    """Share of the denoised picture in the result, 0..1; the rest is the original. None: as much, place by place, as
    the photo's measured noise asks for."""
    raw_path: str = "auto"
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


OUTPUT_FORMATS = ("preserve", "jpeg", "png", "tiff", "webp", "avif", "jxl", "dng", "cfa-dng")
"""What --format takes."""
FORMAT_NICKNAMES = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff"}
"""What else people call them."""
COLOUR_SPACES = ("srgb", "display-p3", "adobe-rgb", "prophoto", "rec2020")
"""What --colour-space takes."""


@dataclass(frozen=True)
class OutputConfig:
    """Where results go and what happens to files that are already there."""

    output: str | None = None
    """Folder (or, for one input file, file) of the results; None writes beside the source."""
    suffix: str = "_denoised"
    """Added to the file's stem when the result lies beside its source."""
    names: NamePatterns = EVERY_NAME
    """Which files of the inputs are taken by their names."""
    recursive: bool = False
    """Enter sub-folders; their structure is mirrored below `output`."""
    overwrite: bool = False
    """Replace results that are already there (never a source)."""
    in_place: Literal["", "replace", "backup"] = ""
    """Results take the place of their photos, which may be kept under another name; empty: they do not."""
    min_iso: int = 0
    """Photos of a lower ISO are left alone; those that do not say theirs are not."""
    part: tuple[int, int] = (1, 1)
    """Which of how many equal parts of the photos is done, from 1: several machines can share a folder."""
    format: str = "preserve"
    """One of OUTPUT_FORMATS: the type of the results; preserve gives DNG for camera raw and JPEG for HEIC."""
    bit_depth: int | None = None
    """Bits of a sample in results that are PNG or TIFF, 8 or 16; None keeps the photo's."""
    jpeg_quality: int | None = None
    """Quality of JPEG, WebP and AVIF results, 1..100; None: a JPEG's own, 95 for new files."""
    colour_space: str | None = None
    """One of COLOUR_SPACES, which camera raw files are rendered in when they become no DNG; None takes sRGB."""
    strip_metadata: bool = False
    """Leave out everything but pixels, colour profile and orientation."""
    preserve_times: bool = False
    """Give results the access and modification times of their photos."""
    provenance: bool = True
    """Write into the results what made them."""
    max_pixels: int = 400_000_000
    """Largest picture that is read: above any camera's, below what exhausts memory."""
    photo_time_limit_s: float = 600.0
    """Most time that reading one photo may take."""
    strict: bool = False
    """Refuse photos with damage that their decoder passes over."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work; a type's nickname becomes its name."""
        name = self.format.lower().removeprefix(".")
        name = FORMAT_NICKNAMES.get(name, name)
        object.__setattr__(self, "format", name if name in OUTPUT_FORMATS else self.format)
        known = f"Choose one of {', '.join(OUTPUT_FORMATS)}."
        require(self.format in OUTPUT_FORMATS, "`format`", f"'{self.format}' is unknown", known)
        depth = self.bit_depth
        require(depth in (None, 8, 16), "`bit_depth`", f"{depth} is not possible", "Use 8 or 16.")
        spaces = f"Choose one of {', '.join(COLOUR_SPACES)}."
        space = self.colour_space
        require(space in (None, *COLOUR_SPACES), "`colour_space`", f"'{space}' is unknown", spaces)
        require(
            space is None or self.format not in ("preserve", "dng", "cfa-dng"),
            "`colour_space`",
            "is for raw files that are rendered; as DNG they keep the camera's own colours",
            "Add `format=tiff`, or omit it.",
        )
        quality = self.jpeg_quality
        possible = quality is None or 1 <= quality <= 100
        require(
            possible, "`jpeg_quality`", f"{quality} is not between 1 and 100", "95 loses hardly anything."
        )
        require(self.min_iso >= 0, "`min_iso`", f"{self.min_iso} is not an ISO", "Use 400, for instance.")
        number, parts = self.part
        possible = 1 <= number <= parts
        require(possible, "`part`", f"{number}/{parts} is not a part", "The second of eight is 2/8.")
        require(
            quality is None or self.format in ("preserve", "jpeg", "webp", "avif", "jxl"),
            "`jpeg_quality`",
            f"{self.format} files have none",
            "Omit it, or choose another `format`.",
        )
        limit_s = self.photo_time_limit_s
        require(
            limit_s > 0,
            "`photo_time_limit_s`",
            f"{limit_s:g} s is not a time limit",
            "Use 10m, for instance.",
        )
        require(self.max_pixels >= 1, "`max_pixels`", f"{self.max_pixels} is not a size", "Use 1 or more.")
