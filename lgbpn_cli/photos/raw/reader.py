"""Camera raw files through LibRaw: demosaiced, in the camera's own RGB, proportional to light."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError, check_size
from lgbpn_cli.photos.jpeg.metadata import exif_of_jpeg
from lgbpn_cli.photos.metadata.exif import Tag, blob, split_exif
from lgbpn_cli.photos.metadata.orientation import ORIENTATION_TAG, exif_orientation
from lgbpn_cli.photos.photo import Camera, Container, Matrix, Metadata, Photo
from lgbpn_cli.photos.raw.camera_colour import camera_matrices
from lgbpn_cli.photos.raw.demosaic import LIGHT_RANGE, PEDESTAL, demosaic, quick_demosaic
from lgbpn_cli.photos.raw.frame import SensorFrame, read_frame
from lgbpn_cli.photos.raw.hot_pixels import repair_hot_pixels
from lgbpn_cli.photos.raw.libraw import opened_raw
from lgbpn_cli.photos.raw.light import sensor_light
from lgbpn_cli.photos.raw.metadata import filter_size_of_dng, read_raw_facts, tells_settings
from lgbpn_cli.photos.raw.mosaic import RAW_CURE, Mosaic, grey_world
from lgbpn_cli.photos.raw.noise import NoisyMosaic, noise_of_mosaic
from lgbpn_cli.photos.raw.opcodes import OPCODE_LIST_3, pack_opcodes
from lgbpn_cli.photos.raw.shot_facts import with_shot_facts
from lgbpn_cli.photos.raw.tifffile_page import inflated

ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's codes for turned pictures, as EXIF counts them."""
MAKE_TAG, MODEL_TAG = 271, 272
BAND_ROWS = 256
MOST_DHT_ISO = 50_000
"""DHT is the better demosaicing up to about here, AHD beyond."""
MOST_STOPS_ABOVE_WHITE = 4
"""Of floating-point files; what is brighter is clipped."""
MOST_LIGHT = 1.001
"""Of integer samples; floating-point ones may lie above white."""
NO_BAYER_NOTE = "it has no Bayer mosaic: it is demosaiced first"
ABOVE_WHITE_NOTE = (
    "its light goes above white, which the network for mosaics does not know: it is demosaiced first"
)
COLOUR_LETTERS = {
    "R": "red", "G": "green", "B": "blue", "E": "emerald", "C": "cyan", "M": "magenta", "Y": "yellow", "W": "white",
}  # fmt: skip
"""LibRaw's names of colours."""
TOLD_FROM_PHOTO = -1
"""What LibRaw has for red where the balance is not in the file."""
GAIN_RANGE = 256.0
"""No camera's balance differs by more between two colours."""


@dataclass(frozen=True)
class RawContainer(Container):
    """What a DNG takes over from the raw file. Raw files are never written as what they were."""

    order: str = "<"
    """Byte order of the tags."""
    raw_tags: tuple[Tag, ...] = ()
    """For the directory of its samples."""
    profiles: tuple[bytes, ...] = ()
    """Further camera profiles."""
    frame: SensorFrame | None = None
    """All sites, where the result goes back on them."""


def read_raw(path: Path, max_pixels: int, *, as_mosaic: bool = False, for_sites: bool = False) -> Photo:
    """Return the picture of a camera raw file: uint16, linear, with its `camera`, which names black and white.

    The demosaicing runs on white-balanced samples, which is better by decibels, and the balance is then taken
    out again. Noise below black is kept. `as_mosaic` asks for the mosaic of a Bayer sensor beside the picture.
    `for_sites` says that its result goes back on the sensor's sites.
    Raises DamagedFileError, UnsupportedFileError, OSError.
    """
    if not path.stat().st_size:
        raise DamagedFileError("the file is empty")
    facts = read_raw_facts(path)
    data = None if facts.deflated is None else inflated(path, facts.deflated, max_pixels)
    with opened_raw(path, data) as raw:
        sizes = raw.sizes
        check_size(max(sizes.raw_width, sizes.width), max(sizes.raw_height, sizes.height), max_pixels)
        if raw.num_colors not in (1, 3):
            seen = ", ".join(
                COLOUR_LETTERS.get(letter, letter) for letter in raw.color_desc.decode("latin-1")
            )
            cause = f"a camera raw file of a sensor that sees {seen}, not red, green and blue alone"
            raise UnsupportedFileError(cause, "Convert it to TIFF with a raw developer, or skip it.")
        raw.unpack()
        if facts.decoded_here is None and not facts.is_result:  # which may be as black as its photo
            _refuse_blank(raw)
        gains = (1.0, 1.0, 1.0) if raw.num_colors == 1 else _gains(raw)
        algorithm = "DHT" if raw.other.iso_speed <= MOST_DHT_ISO else "AHD"
        metadata = _with_exif(facts.metadata, raw)
        matrices = camera_matrices(
            np.array(raw.rgb_xyz_matrix)[:3], np.array(raw.color_matrix)[:, :3], metadata.exif, facts.is_dng
        )
        tags, frame = facts.raw_tags, None
        notes: tuple[str, ...] = ()
        if raw.raw_pattern is None and not facts.is_dng and raw.num_colors == 3:
            pixels, black, white = _developed(raw, gains), 0, 65535
        else:
            light, left, notes = sensor_light(raw, facts, path, for_sites=for_sites)
            if for_sites and facts.decoded_here is None and isinstance(light, Mosaic) and _is_bayer(light):
                frame = read_frame(raw, light, facts.order, facts.site_tags, facts.black)
            if left:
                tags += (blob(OPCODE_LIST_3, pack_opcodes([*left, *facts.opcodes[2]])),)
            pixels = None
            iso = round(raw.other.iso_speed)
    noisy: NoisyMosaic | None = None
    if pixels is None:  # LibRaw's own memory is free by now
        if isinstance(light, Mosaic):
            noise = noise_of_mosaic(light, facts.noise_profile, iso)
            hot_sites = repair_hot_pixels(light, noise.levels)
            if as_mosaic and _is_bayer(light):
                noisy = NoisyMosaic(light, noise, hot_sites)
            elif as_mosaic:
                notes = (NO_BAYER_NOTE if len(light.pattern) > 2 else ABOVE_WHITE_NOTE, *notes)
        if noisy is None:
            pixels, black, white = _as_pixels(light, gains, algorithm)
        else:  # which is only looked at
            pixels, black, white = quick_demosaic(noisy.mosaic), PEDESTAL, PEDESTAL + LIGHT_RANGE
    colours = _Colours(gains, *matrices, black, white)
    container = RawContainer(facts.order, tags, facts.profiles, frame)
    photo = _photo(path, pixels, metadata, sizes, colours)
    return replace(photo, container=container, mosaic=noisy, notes=notes)


def _is_bayer(light: Mosaic) -> bool:
    """Return whether a mosaic is what the raw network takes: two by two sites, nothing above white."""
    return len(light.pattern) == 2 and float(light.samples.max()) <= MOST_LIGHT


@dataclass(frozen=True)
class _Colours:
    gains: tuple[float, float, float]
    to_srgb: Matrix
    from_xyz: Matrix
    black: int
    white: int


def _photo(
    path: Path,
    pixels: np.ndarray,
    metadata: Metadata,
    sizes: Any,
    colours: _Colours,
) -> Photo:
    height, width = pixels.shape[:2]
    camera = Camera(
        make=_text(metadata.exif, MAKE_TAG),
        model=_text(metadata.exif, MODEL_TAG),
        gains=colours.gains,
        to_srgb=colours.to_srgb,
        from_xyz=colours.from_xyz,
        crop=_crop(sizes, width, height),
        black=colours.black,
        white=colours.white,
    )
    tagged = None if metadata.exif is None or not _has_orientation(metadata.exif) else metadata.exif
    orientation = ORIENTATIONS.get(sizes.flip, 1) if tagged is None else exif_orientation(tagged)
    return Photo(
        path=path,
        pixels=pixels,
        alpha=None,
        format="raw",
        orientation=orientation,
        metadata=metadata,
        linear=True,
        camera=camera,
    )


def _as_pixels(
    light: Mosaic | np.ndarray, gains: tuple[float, float, float], algorithm: str
) -> tuple[np.ndarray, int, int]:
    """Return light as (h, w, 1) or (h, w, 3) uint16, and the sample values of black and white."""
    samples = light.samples if isinstance(light, Mosaic) else light
    brightest = float(samples.max())
    stops = min(MOST_STOPS_ABOVE_WHITE, max(0, math.ceil(math.log2(brightest)))) if brightest > 1.001 else 0
    if stops:
        samples /= np.float32(2**stops)
    white = PEDESTAL + LIGHT_RANGE // 2**stops
    if isinstance(light, Mosaic):
        return demosaic(light, gains, algorithm=algorithm), PEDESTAL, white
    pixels = np.empty(samples.shape, np.uint16)
    for rows in bands(len(pixels), BAND_ROWS):
        band = np.rint(samples[rows] * np.float32(LIGHT_RANGE) + np.float32(PEDESTAL))
        pixels[rows] = np.clip(band, 0, 65535)
    return pixels, PEDESTAL, white


def raw_size(path: Path) -> tuple[int, bool]:
    """Return the pixels of a camera raw file's picture from its header, and whether it has a Bayer mosaic.

    No pixels where LibRaw cannot read it.
    """
    import rawpy

    try:
        with rawpy.imread(str(path)) as raw:
            size = filter_size_of_dng(path)
            if size is None:  # LibRaw tells the filters only after it has decoded all samples
                size = () if raw.raw_pattern is None else raw.raw_pattern.shape
            return int(raw.sizes.width * raw.sizes.height), size == (2, 2) and raw.num_colors == 3
    except (rawpy.LibRawError, OSError):
        return 0, False


def raw_exif(path: Path) -> bytes | None:
    """Return the EXIF of a camera raw file from its header, that of the JPEG in it where it has none of its own."""
    import rawpy

    try:
        metadata = read_raw_facts(path, cut_too=True).metadata
        if metadata.exif is not None and tells_settings(metadata.exif):
            return metadata.exif
        with rawpy.imread(str(path)) as raw:
            return _with_exif(metadata, raw).exif
    except (rawpy.LibRawError, DamagedFileError, UnsupportedFileError, OSError):
        return None


def _with_exif(metadata: Metadata, raw: Any) -> Metadata:
    """Return the metadata with EXIF from wherever the maker keeps the camera's settings."""
    exif = metadata.exif
    if exif is None or not tells_settings(exif):
        preview = _preview_exif(raw)
        if preview is not None and (exif is None or tells_settings(preview)):
            exif = preview
    return replace(metadata, exif=with_shot_facts(exif, raw))


def _refuse_blank(raw: Any) -> None:
    """Raise for a file without a picture: LibRaw makes black, or white, of it without a word."""
    samples = raw.raw_image
    first = samples.flat[0]
    if first not in (0, np.iinfo(samples.dtype).max):
        return
    if all((samples[rows] == first).all() for rows in bands(samples.shape[0], BAND_ROWS)):
        kind = "zeros" if first == 0 else "the same"
        raise DamagedFileError(f"its pixel data are all {kind}: it would decode to a blank picture")


def _gains(raw: Any) -> tuple[float, float, float]:
    """Return the factors of red, green and blue, green's 1: as shot, told from the photo, or the camera's daylight.

    They are told from the photo where LibRaw does so, too: some old cameras did not store what they chose.
    """
    as_shot = raw.camera_whitebalance
    if as_shot[0] == TOLD_FROM_PHOTO and raw.raw_pattern is not None and len(raw.raw_pattern) == 2:
        as_shot = grey_world(raw)
    for balance in (as_shot, raw.daylight_whitebalance):
        red, green, blue = (float(value) for value in balance[:3])
        if min(red, green, blue) > 0 and max(red, green, blue) <= GAIN_RANGE * min(red, green, blue):
            return red / green, 1.0, blue / green
    return 1.0, 1.0, 1.0


def _developed(raw: Any, gains: tuple[float, float, float]) -> np.ndarray:
    """Return what LibRaw makes of samples that only it understands, such as small raws and Foveon's."""
    import rawpy

    pixels = raw.postprocess(
        output_color=rawpy.ColorSpace.raw,
        gamma=(1, 1),
        no_auto_bright=True,
        adjust_maximum_thr=0.0,
        user_wb=[*gains, 1.0],
        highlight_mode=rawpy.HighlightMode.Ignore,
        output_bps=16,
        user_flip=0,
    )
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UnsupportedFileError("a camera raw file without three colours", RAW_CURE)
    pixels = np.array(pixels)  # LibRaw's own memory goes with it
    factors = np.array([max(gains) / value for value in gains], np.float32)
    for rows in bands(pixels.shape[0], BAND_ROWS):
        band = np.rint(pixels[rows] * factors)
        pixels[rows] = np.minimum(band, 65535)
    return pixels


def _preview_exif(raw: Any) -> bytes | None:
    """Return the EXIF of the JPEG inside a raw file, which LibRaw adds the essentials to if there is none."""
    import rawpy

    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    return exif_of_jpeg(io.BytesIO(preview.data))


def _has_orientation(exif: bytes) -> bool:
    return any(tag.tag == ORIENTATION_TAG for tag in split_exif(exif)[1])


def _text(exif: bytes | None, number: int) -> str:
    found = [] if exif is None else [tag.data for tag in split_exif(exif)[1] if tag.tag == number]
    return found[0].split(b"\0")[0].decode("ascii", "replace").strip() if found else ""


def _crop(sizes: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the maker's crop within the decoded picture; all of it where none fits."""
    left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    fits = 0 <= left <= left + sizes.crop_width <= width and 0 <= top <= top + sizes.crop_height <= height
    if fits and sizes.crop_width and sizes.crop_height:
        return left, top, sizes.crop_width, sizes.crop_height
    return 0, 0, width, height
