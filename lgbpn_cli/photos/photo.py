"""The photo as the rest of the program sees it, whatever kind of file it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lgbpn_cli.photos.raw.noise import NoisyMosaic

Matrix = tuple[tuple[float, float, float], ...]


class Container:
    """What one format's writer needs to put new pixels into a photo's original file; opaque to all others."""

    @property
    def photos(self) -> int:
        """How many photos a new file would have to hold."""
        return 1

    def for_a_corner(self) -> Container | None:
        """Return what writes a corner of the photo, to see whether it can be written; None where that cannot tell."""
        return self


@dataclass(frozen=True)
class Metadata:
    """What goes along when a photo becomes a file of another type; each part as it lay in the source."""

    exif: bytes | None = None
    """A TIFF structure, without JPEG's prefix."""
    xmp: bytes | None = None
    icc: bytes | None = None
    iptc: bytes | None = None
    """IIM records, without Photoshop's wrapping."""


@dataclass(frozen=True)
class Camera:
    """What a raw developer has to know about the samples of a camera."""

    make: str
    model: str
    gains: tuple[float, float, float]
    """White balance: what red, green and blue are multiplied with to make grey neutral; green is 1."""
    to_srgb: Matrix
    """Balanced camera RGB -> linear sRGB; rows sum to one."""
    from_xyz: Matrix
    """XYZ (D65) -> camera RGB, as DNG's ColorMatrix."""
    crop: tuple[int, int, int, int]
    """Left, top, width and height of the part that the maker means to be shown, in pixels."""
    black: int = 0
    """The sample value of no light; noise lies below it as often as above."""
    white: int = 65535
    """The sample value of 1.0 before balancing; brighter light may lie above."""


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo: pixels, bit depth and the untouched rest of its file."""

    path: Path
    """The file it was read from; some writers read it again, so it has to stay where it is."""
    pixels: np.ndarray
    """(h, w, c) with c = 1 or 3, not rotated: uint8 or uint16 over their full range, or float32."""
    alpha: np.ndarray | None
    """(h, w) of the same dtype, or None; carried through untouched."""
    format: str
    """What it was read from: 'jpeg', 'png', 'tiff', 'webp', 'avif', 'heif', 'raw'; or what it will become."""
    orientation: int
    """EXIF orientation 1..8, for information: pixels stay as stored and the tag stays in the file."""
    container: Container | None = None
    """The rest of the file; without it the photo cannot be written."""
    metadata: Metadata = field(default_factory=Metadata)
    """For files of another type than the source."""
    linear: bool = False
    """Pixels are proportional to light, white at the top of the range (float32: at 1.0), not encoded."""
    camera: Camera | None = None
    """Set when the pixels are a camera's own RGB, not yet white-balanced; they are linear then."""

    mosaic: NoisyMosaic | None = None
    """What a Bayer sensor saw, where that is to be denoised; the pixels are then only to be looked at."""
    further: tuple[Photo, ...] = ()
    """Further pages of the same file that are denoised too; nothing but their pixels counts."""
    beside: frozenset[str] = frozenset()
    """What else its file holds, by name, such as a video: what is written anew does not."""
    notes: tuple[str, ...] = ()
    """What the user should know about this file, such as pages that stay as they are."""
    reading_bytes: int = 0
    """Most memory that its reader took for it; where the system does not tell, what it was expected to take."""
    source_id: str = ""
    """What tells its file from others of the same name, for the record in its result."""
    damage: tuple[str, ...] = ()
    """What is wrong in the file although it can be decoded, as an error would say it."""

    @property
    def bit_depth(self) -> int:
        """Bits of one sample: 8, 16 or 32."""
        return self.pixels.dtype.itemsize * 8

    @property
    def megapixels(self) -> float:
        """Millions of pixels, of all pages."""
        height, width = self.pixels.shape[:2]
        return float(height * width / 1e6) + sum(page.megapixels for page in self.further)
