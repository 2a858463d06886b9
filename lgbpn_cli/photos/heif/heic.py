"""HEIC and HEIF photos, read only: what becomes of them is a file of another type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lgbpn_cli.photos.codec import Codec, Size, bytes_of, exif_of_blob
from lgbpn_cli.photos.depth import over_whole_range
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError, check_size
from lgbpn_cli.photos.heif.boxes import whole_boxes
from lgbpn_cli.photos.heif.items import beside_of, coding_of, damage_of, largest_pixels
from lgbpn_cli.photos.metadata.colour_description import ColourDescription
from lgbpn_cli.photos.metadata.companions_in_file import DEPTH_MAP, GAIN_MAP, further_pictures
from lgbpn_cli.photos.metadata.exif import exif_turned, exif_with_orientation
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import UPRIGHT, xmp_upright
from lgbpn_cli.photos.photo import Container, Metadata, Photo

EXIF_PREFIX = b"Exif\0\0"
BYTES_A_PIXEL, COPIES = {1: 6.5, 2: 20}, 3
"""Memory that reading takes for a pixel of so many bytes a sample, and how often the file's own bytes are held."""
AUXILIARIES = {
    "gainmap": GAIN_MAP,
    "depth": DEPTH_MAP,
    "disparity": DEPTH_MAP,
    "auxid:2": DEPTH_MAP,
    "matte": "matte",
}
"""What auxiliary pictures are, by a word in their name."""


class _Picture:
    """A decoded picture whose memory an array can have without a copy: pi_heif's own arrays do not keep it."""

    def __init__(self, image: Any) -> None:
        """Decode it. Raises what pi_heif raises."""
        self._image = image
        interface = dict(image.__array_interface__)
        place = np.frombuffer(interface["data"], np.uint8).ctypes.data
        # An address instead of a buffer: then NumPy keeps this object, and so the picture, as long as the array.
        self.__array_interface__ = interface | {"data": (place, True)}


class HeifContainer(Container):
    """HEIC files are never written; this marks a photo that has to become another type."""


def heif_exif(path: Path) -> bytes | None:
    """Return the EXIF of a HEIC file without decoding its picture; None where there is none, or no HEIC."""
    import pi_heif

    try:
        container = pi_heif.open_heif(path)
        return _exif(container[container.primary_index].info)
    except CODEC_ERRORS:
        return None


def _exif(info: dict[str, Any]) -> bytes | None:
    exif = info.get("exif")
    return exif.removeprefix(EXIF_PREFIX) if exif else None


def _beside(info: dict[str, Any], pictures: int, said: frozenset[str]) -> frozenset[str]:
    """Return what else the file holds: films, maps of the photo, and further photos of a burst or a pair."""
    found = set(said)
    if info.get("depth_images"):
        found.add(DEPTH_MAP)
    for name in info.get("aux") or {}:
        found.add(
            next(
                (kind for word, kind in AUXILIARIES.items() if word in str(name).lower()), "auxiliary picture"
            )
        )
    return frozenset(found) | further_pictures(pictures)


def read_heif(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the primary picture of a HEIC file, already turned upright; 10 and 12 bits become uint16.

    Raises DamagedFileError, also for a truncated file, and UnsupportedFileError for HDR encodings, which no
    other type of file would show alike.
    """
    import pi_heif

    said, damage = beside_of(file), damage_of(file)
    try:
        container = pi_heif.open_heif(whole_boxes(file), convert_hdr_to_8bit=False)
        image = container[container.primary_index]
        width, height = image.size
        check_size(width, height, max_pixels)
        info = dict(image.info)
        samples = np.asarray(_Picture(image))
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its picture cannot be decoded ({error})") from error
    profile = info.get("nclx_profile") or {}
    samples = samples.reshape(*samples.shape[:2], -1)
    colours = 1 if samples.shape[2] <= 2 else 3
    if samples.shape[2] > 4 or samples.dtype not in (np.uint8, np.uint16):
        raise UnsupportedFileError(f"a HEIC with {samples.shape[2]} values of {samples.dtype} a pixel")
    if samples.dtype == np.uint16:
        # The decoder fills the upper bits alone.
        bits = int(info.get("bit_depth") or 16)
        samples = over_whole_range(samples >> (16 - bits), bits)
    exif = exif_turned(exif_with_orientation(_exif(info), UPRIGHT), width, height)
    numbers = (profile["color_primaries"], profile["transfer_characteristics"]) if profile else None
    icc = ColourDescription(icc=info.get("icc_profile"), numbers_below=numbers, exif=exif).profile(colours)
    return Photo(
        path=path,
        # The very memory, where there is no transparency.
        pixels=np.ascontiguousarray(samples[..., :colours]),
        alpha=samples[..., colours].copy() if samples.shape[2] > colours else None,
        format="heif",
        damage=damage,
        orientation=UPRIGHT,
        container=HeifContainer(),
        metadata=Metadata(
            exif=exif,
            xmp=xmp_upright(info.get("xmp") or None),
            icc=icc,
        ),
        linear=is_linear(icc),
        beside=_beside(info, len(container), said),
    )


def _claim(file: BinaryIO, path: Path) -> Size:
    pixels, coding = largest_pixels(file), coding_of(file)
    needed = int(pixels * BYTES_A_PIXEL[coding.sample_bytes]) + COPIES * bytes_of(file)
    return Size(pixels, needed, 1 if coding.is_grey else 3, coding.sample_bytes)


HEIF = Codec(
    name="heif",
    endings=(".heic", ".heif", ".hif"),
    signatures=(b"ftyphe", b"ftypmif1", b"ftypmsf1"),
    place=4,
    size=_claim,
    exif=lambda file, path: exif_of_blob(heif_exif(path)),
    read=read_heif,
    becomes="jpeg",
)
