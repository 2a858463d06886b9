"""Where results go, and what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lgbpn_cli.config.file_names import EVERY_NAME, NamePatterns
from lgbpn_cli.config.require import require

Format = Literal["preserve", "jpeg", "png", "tiff", "webp", "avif", "jxl", "dng", "cfa-dng"]
"""The types of results: those that the table of codecs can write."""
OUTPUT_FORMATS: tuple[Format, ...] = get_args(Format)
FORMAT_NICKNAMES = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff"}
"""What else people call them."""
ColourSpace = Literal["srgb", "display-p3", "adobe-rgb", "prophoto", "rec2020"]
COLOUR_SPACES: tuple[ColourSpace, ...] = get_args(ColourSpace)


@dataclass(frozen=True)
class OutputConfig:
    """Where results go and what happens to files that are already there."""

    output: str | None = None
    """Folder (or, for one input file, file) of the results; None writes beside the source."""
    suffix: str = "_denoised"
    """Added to the file's stem when the result lies beside its source."""
    name_template: str = ""
    """Template of the results' names; empty: the photos' own, with the suffix."""
    names: NamePatterns = EVERY_NAME
    """Which files of the inputs are taken by their names."""
    recursive: bool = False
    """Enter sub-folders; their structure is mirrored below `output`."""
    overwrite: bool = False
    """Replace results that are already there (never a source)."""
    in_place: Literal["", "replace", "backup"] = ""
    """Results take the place of their photos, which may be kept under another name; empty: they do not."""
    full_folder: str | None = None
    """Folder for the results at full strength, which `lgbpn blend` mixes anew; None: they are not kept."""
    min_iso: int = 0
    """Photos of a lower ISO are left alone; those that do not say theirs are not."""
    part: tuple[int, int] = (1, 1)
    """Which of how many equal parts of the photos is done, from 1: several machines can share a folder."""
    format: Format = "preserve"
    """One of OUTPUT_FORMATS: the type of the results; preserve gives DNG for camera raw and JPEG for HEIC."""
    bit_depth: int | None = None
    """Bits of a sample in results that are PNG, TIFF or JPEG XL, 8 or 16; None keeps the photo's."""
    jpeg_quality: int | None = None
    """Quality of JPEG, WebP, AVIF and JPEG XL results, 1..100; None: a JPEG's own, 95 for new files, but none
    for new JPEG XL, which is lossless."""
    colour_space: ColourSpace | None = None
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
        kept = self.full_folder is not None
        cause, cure = "is for results with a record, of photos that stay", "Omit it, or the other option."
        require(not (kept and (self.in_place or not self.provenance)), "`full_folder`", cause, cure)
        require(self.min_iso >= 0, "`min_iso`", f"{self.min_iso} is not an ISO", "Use 400, for instance.")
        number, parts = self.part
        possible = 1 <= number <= parts
        require(possible, "`part`", f"{number}/{parts} is not a part", "The second of eight is 2/8.")
        limit_s = self.photo_time_limit_s
        require(
            limit_s > 0,
            "`photo_time_limit_s`",
            f"{limit_s:g} s is not a time limit",
            "Use 10m, for instance.",
        )
        require(self.max_pixels >= 1, "`max_pixels`", f"{self.max_pixels} is not a size", "Use 1 or more.")
