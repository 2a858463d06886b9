"""Small camera raw files of the tests' own making: DNGs by tifffile, of any pattern, byte order and layout."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.write import write_photo

RECORD = Record("0.1.0", "model", "{}")
"""What results are said to be made by."""
CAMERA_MATRIX = (
    (0.6461, -0.1164, -0.0857),
    (-0.3825, 1.1597, 0.2534),
    (-0.0416, 0.1540, 0.6039),
)
"""XYZ to camera RGB; of no particular camera."""
NEUTRAL = (1 / 2.0, 1.0, 1 / 1.5)
"""What the camera sees of grey."""
RGGB, GRBG, GBRG, BGGR = b"\0\1\1\2", b"\1\0\2\1", b"\1\2\0\1", b"\2\1\1\0"
XTRANS = bytes(
    [
        1,
        0,
        2,
        1,
        2,
        0,
        2,
        1,
        1,
        0,
        1,
        1,
        0,
        1,
        1,
        2,
        1,
        1,
        1,
        2,
        0,
        1,
        0,
        2,
        0,
        1,
        1,
        2,
        1,
        1,
        2,
        1,
        1,
        0,
        1,
        1,
    ]
)
BLACK, WHITE = 512, 16383
ExtraTag = tuple[int, int, int, Any, bool]


def fractions(*values: float) -> list[int]:
    return [part for value in values for part in (round(value * 10000), 10000)]


def mosaic_of(
    light: np.ndarray, pattern: bytes = RGGB, black: float = BLACK, white: float = WHITE
) -> np.ndarray:
    """The samples (h, w) uint16 a camera makes of balanced linear RGB light (h, w, 3), 1.0 where all channels clip."""
    side = int(len(pattern) ** 0.5)
    seen = light * np.array(NEUTRAL)
    colours = np.frombuffer(pattern, np.uint8).reshape(side, side)
    height, width = light.shape[:2]
    sites = np.tile(colours, (-(-height // side), -(-width // side)))[:height, :width]
    samples = np.take_along_axis(seen, sites[..., None].astype(int), 2)[..., 0]
    return np.clip(np.rint(black + samples * (white - black)), 0, white).astype(np.uint16)


def write_raw(
    path: Path,
    samples: np.ndarray,
    *,
    pattern: bytes | None = RGGB,
    black: Any = BLACK,
    white: Any = WHITE,
    byteorder: Any = "<",
    below: bool = False,
    tags: tuple[ExtraTag, ...] = (),
    raw_tags: tuple[ExtraTag, ...] = (),
    neutral: tuple[float, ...] | None = NEUTRAL,
    **options: Any,
) -> Path:
    """A DNG with these samples in its first directory, or in a sub-directory `below` a preview.

    `pattern` None makes linear DNGs of (h, w, 3) and (h, w) samples.
    """
    about = [
        (271, 2, 0, "Testmaker", True),
        (272, 2, 0, "Testmaker One", True),
        (50706, 1, 4, b"\1\4\0\0", True),
        (50707, 1, 4, b"\1\1\0\0", True),
        (50708, 2, 0, "Testmaker One", True),
        (50721, 10, 9, fractions(*[value for row in CAMERA_MATRIX for value in row]), True),
        (50778, 3, 1, 21, True),
    ]
    if neutral is not None:
        about.append((50728, 5, 3, fractions(*neutral), True))
    about += list(tags)
    own = list(raw_tags)
    if pattern is not None:
        side = int(len(pattern) ** 0.5)
        own += [(33421, 3, 2, (side, side), True), (33422, 1, side * side, pattern, True)]
    for tag, values in ((50714, black), (50717, white)):
        if values is not None:
            values = values if isinstance(values, tuple) else (values,)
            kind = 4 if all(isinstance(value, int) for value in values) else 5
            own.append((tag, kind, len(values), values if kind == 4 else fractions(*values), True))
    taken = {tag[0] for tag in tags} | {tag[0] for tag in raw_tags}
    photometric: Any = 32803 if pattern is not None else 34892
    with tifffile.TiffWriter(path, byteorder=byteorder) as tiff:
        if below:
            preview = np.full((16, 24, 3), 99, np.uint8)
            tiff.write(
                preview,
                photometric="rgb",
                subfiletype=1,
                subifds=1,
                metadata=None,
                extratags=about,
                software=False,
            )
        extra = own if below else _unique(about + own, taken)
        settings: dict[str, Any] = {"subfiletype": 0, "metadata": None, "software": False}
        tiff.write(samples, photometric=photometric, extratags=extra, **(settings | options))
    return path


def _unique(tags: list[ExtraTag], taken: set[int]) -> list[ExtraTag]:
    return list({tag[0]: tag for tag in tags}.values())


def opcode(number: int, parameters: bytes, *, optional: bool = False) -> bytes:
    return struct.pack(">4I", number, 0x01030000, int(optional), len(parameters)) + parameters


def opcode_list(*opcodes: bytes) -> bytes:
    return struct.pack(">I", len(opcodes)) + b"".join(opcodes)


def area(
    top: int,
    left: int,
    bottom: int,
    right: int,
    *,
    plane: int = 0,
    planes: int = 1,
    pitch: tuple[int, int] = (1, 1),
) -> bytes:
    return struct.pack(">8I", top, left, bottom, right, plane, planes, *pitch)


def gain_map(where: bytes, gains: np.ndarray) -> bytes:
    """The GainMap opcode for gains (rows, columns, planes) spread over the whole picture."""
    rows, columns, planes = gains.shape
    spacing = (1 / max(1, rows - 1), 1 / max(1, columns - 1))
    grid = struct.pack(">2I4dI", rows, columns, *spacing, 0.0, 0.0, planes)
    return opcode(9, where + grid + gains.astype(">f4").tobytes())


def scene(height: int = 60, width: int = 90) -> np.ndarray:
    """A scene of soft waves, linear light, float (height, width, 3)."""
    rows, columns = np.mgrid[:height, :width] / 20
    return 0.3 + 0.2 * np.stack([np.sin(rows + phase) * np.cos(columns) for phase in (0, 1, 2)], axis=2)


def byte_tag(number: int, data: bytes) -> tuple[int, int, int, Any, bool]:
    """A TIFF tag of bytes, as tifffile takes it."""
    return number, 7, len(data), data, True


def through(source: Path) -> Path:
    """The DNG that an identity network makes of a raw file."""
    target = source.with_name("result.dng")
    write_photo(as_result(read_photo(source), OutputConfig()), target, record=RECORD)
    return target


def light_of(photo: Photo) -> np.ndarray:
    """The linear light of a raw file that was read, white-balanced: black 0, white 1."""
    assert photo.camera is not None
    black, white = photo.camera.black, photo.camera.white
    light: np.ndarray = (photo.pixels.astype(np.float64) - black) / (white - black) * photo.camera.gains
    return light


def tags_of(path: Path, *options: str) -> dict[str, Any]:
    """What exiftool reads from a file."""
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    command = ["exiftool", "-j", "-G1", "-a", "-n", "-b", *options, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tags: dict[str, Any] = json.loads(found)[0]
    return tags
