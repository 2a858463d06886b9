"""What there is to know about one kind of photo file: its names, how it is told, read and written."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.photo import Container, Photo
from lgbpn_cli.photos.pillow_limit import pillow_without_limit

NEW_FILE_QUALITY = 95


@dataclass(frozen=True)
class Size:
    """What a picture claims."""

    pixels: int
    needed_bytes: int
    """Memory that decoding takes, copies included, as `benchmarks/speed.py reading --peaks` measures it."""
    channels: int = 3
    sample_bytes: int = 1
    mosaic_bytes: int = 0
    """Memory that it takes where a camera raw file's mosaic is asked for, and not a picture made of it; 0: the same."""

    def for_mosaic(self) -> Size:
        """Return the size where the mosaic is asked for."""
        return replace(self, needed_bytes=self.mosaic_bytes or self.needed_bytes)


def bytes_of(file: BinaryIO) -> int:
    """Return how large an open file is."""
    return os.fstat(file.fileno()).st_size


def no_mark(_: BinaryIO) -> None:
    """Return None: results are never of this kind."""


def exif_by_pillow(file: BinaryIO, path: Path) -> Image.Exif:
    """Return the EXIF that Pillow finds. Raises what it raises for files that it does not know, or damaged ones."""
    with warnings.catch_warnings(action="ignore"), pillow_without_limit(), Image.open(file) as image:
        # A PNG's own getexif decodes the picture, in case there is EXIF behind it.
        return Image.Image.getexif(image)


def exif_of_blob(blob: bytes | None) -> Image.Exif:
    """Return the EXIF of a TIFF structure; None is an empty one. Raises what Pillow raises for damage."""
    exif = Image.Exif()
    if blob is not None:
        with warnings.catch_warnings(action="ignore"):
            exif.load(b"Exif\0\0" + blob)
    return exif


def kept_container(photo: Photo, output: OutputConfig) -> Container | None:
    """Return the container as it is: no option changes how this kind of file is written."""
    return photo.container


def by_sample(shallow: float, deep: float) -> Callable[[int, int], int]:
    """Return what tells an encoder's memory from what it takes for a sample of 8 bits, and of more."""
    return lambda samples, sample_bytes: int(samples * (shallow if sample_bytes == 1 else deep))


@dataclass(frozen=True, kw_only=True)
class NewFiles:
    """What files of this kind can hold, and how one is made of a photo of any other kind."""

    write: Callable[[Photo, BinaryIO, Mark | None], None]
    """Photo, empty file, the tool's own mark or None. Raises EncodingError, OSError."""
    container: Callable[[Photo, OutputConfig], tuple[Container, tuple[str, ...]]]
    """Photo -> what `write` needs, and names of metadata that are left out. Raises UnsupportedFileError."""
    encoder_bytes: Callable[[int, int], int]
    """Samples, bytes of each -> memory that writing takes beside the picture itself."""
    longest_side_px: int | None = None
    """What its header, its encoder or its decoders take; None: more than any photo has."""
    bits: int = 8
    """Most bits a sample that are kept; asked for are 8 and 16."""
    bits_beside_alpha: int | None = None
    """The same where there is transparency, if that makes a difference."""
    holds_16_bits: bool = False
    """Whether 16 bits may be asked for: each of them is kept."""
    transparency: bool = True
    grey: bool = True
    """Whether one channel is possible; else it becomes three."""
    grey_beside_alpha: bool = True
    linear_light: bool = False
    camera_light: bool = False
    """Camera RGB stays what it is; other photos cannot become such a file."""
    iptc: bool = False
    quality: bool = False
    """Whether `jpeg_quality` is for them."""
    alone: bool = False
    """Whether even a photo of this kind leaves behind what else is in its file."""
    strips_itself: bool = False
    """Whether a photo of this kind stays as compressed as it is without its metadata."""
    adapted: Callable[[Photo, OutputConfig], Container | None] = kept_container
    """Photo of this kind -> its container, with what the options change."""

    def bits_for(self, photo: Photo) -> int:
        """Return how many bits a sample a photo keeps."""
        with_alpha = photo.alpha is not None and self.bits_beside_alpha is not None
        return min(photo.bit_depth, (self.bits_beside_alpha or 8) if with_alpha else self.bits)

    def colours_for(self, photo: Photo) -> int:
        """Return how many colours a photo has in such a file: 1 or 3."""
        as_colour = not self.grey or (photo.alpha is not None and not self.grey_beside_alpha)
        return 3 if as_colour else photo.pixels.shape[2]


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One kind of photo file."""

    name: str
    """As in Photo.format."""
    endings: tuple[str, ...]
    """Of its file names, in small letters; the first one is the usual."""
    signatures: tuple[bytes, ...] = ()
    """What such files hold at `place`."""
    place: int = 0
    may_be: Callable[[bytes], bool] = lambda head: False
    """Whether a file with one of the endings can be of this kind, which has no signature."""
    size: Callable[[BinaryIO, Path], Size]
    """File, its path -> what its header claims. Raises DamagedFileError, UnsupportedFileError, OSError."""
    exif: Callable[[BinaryIO, Path], Image.Exif] = exif_by_pillow
    """File, its path -> EXIF, without decoding the picture. Raises CODEC_ERRORS."""
    mark: Callable[[BinaryIO], str | None] = no_mark
    """File -> the tool's own mark. Raises DamagedFileError, OSError."""
    read: Callable[[BinaryIO, Path, int], Photo]
    """File, its path, most pixels allowed -> photo.

    Raises DamagedFileError, UnsupportedFileError, OSError.
    """
    new: NewFiles | None = None
    """None: such files are read only."""
    becomes: str = ""
    """Which kind the results of those are that are read only."""
    announced_as: str = ""
    """What this kind is called where a user is told that results are of another; nothing where all know it."""
