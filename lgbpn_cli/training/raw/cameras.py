"""What cameras are drawn from: their colour matrices, and their noise in numbers.

Sources: the matrices and the calibrated noise of ELD (Wei et al., "A Physics-based Noise Formation Model for Extreme
Low-light Raw Denoising", CVPR 2020) are read from the data folder. The prior beside them is a line through the noise
profiles of 374 cameras that darktable collects, rescaled (docs/how-raw-works.md): variance = a x + b, white 1.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.noise.log_uniform import log_uniform

MATRICES_FILE, ELD_FILE = "noise/camera-matrices.json", "noise/eld-cameras.json"
ELD_WHITE = 15_583
"""ELD's figures are in steps of 14 bits, of which black takes 800."""
PRIOR_SLOPE, PRIOR_OFFSET, PRIOR_SPREAD = 1.24, -3.85, 1.07
"""ln b over ln a, and its standard deviation, from camera to camera."""
RED_OF_GREEN, BLUE_OF_GREEN, COLOUR_SPREAD = 1.13, 1.04, 0.06
"""The shot noise of red and blue as a share of green's (medians), and the spread of the share's logarithm."""
PRIOR_SHARE = 0.5
"""Share of the sensors whose read noise follows the prior; the others are like one of ELD's."""
ROWS_SHARE = 0.6
"""Share of the sensors of the prior that have row noise."""
MOST_ROWS = 0.4
"""Their row noise at most, as a share of the read noise."""
SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""Linear sRGB to XYZ under D65 (IEC 61966-2-1)."""

FloatImage = NDArray[np.float32]


@dataclass(frozen=True)
class CameraData:
    """The facts that are read from the data folder."""

    xyz_to_camera: NDArray[np.float64]
    """Colour matrices (n, 3, 3), XYZ to camera RGB."""
    eld: tuple[dict[str, Any], ...]
    """ELD's cameras as their file has them."""


@dataclass(frozen=True)
class Sensor:
    """One sensor at one ISO. Values are linear, 0 is black and 1 is white."""

    noise: NDArray[np.float64]
    """(3, 2): a and b of red, green and blue."""
    tail: float
    """Shape of the read noise's Tukey lambda distribution: 0.14 is about normal, less has longer tails."""
    row_sigma: float
    """Standard deviation of what a row has in common."""


def read_camera_data(data_root: Path) -> CameraData:
    """Return what the files in `data_root` say; UsageError where one is missing or another file."""
    try:
        matrices = json.loads((data_root / MATRICES_FILE).read_text(encoding="utf-8"))["xyz_to_camera"]
        cameras = json.loads((data_root / ELD_FILE).read_text(encoding="utf-8"))["cameras"]
        return CameraData(np.array(matrices, np.float64).reshape(-1, 3, 3), tuple(cameras.values()))
    except OSError as error:
        raise UsageError(
            error.filename, "cannot be read", "Set LGBPN_DATA to the folder that holds the data sets."
        ) from error
    except (ValueError, KeyError, AttributeError) as error:
        raise UsageError(
            data_root / "noise", f"holds a damaged file ({error})", "Download it again."
        ) from error


def draw_colours(data: CameraData, random: np.random.Generator) -> tuple[FloatImage, FloatImage]:
    """Return a matrix (3, 3) from linear sRGB to balanced camera RGB, grey staying grey, and the balance (3,).

    The balance is what daylight asks for, pulled towards another light; green's is 1.
    """
    while True:
        matrix = data.xyz_to_camera[random.integers(len(data.xyz_to_camera))] @ SRGB_TO_XYZ
        white = matrix.sum(axis=1)
        if (white > 0).all():
            break
    light = np.exp(random.normal(0, 0.25, 3))
    gains = light / white
    gains = np.clip(gains / gains[1], 0.5, 4.0)
    return (matrix / white[:, None]).astype(np.float32), gains.astype(np.float32)


def draw_sensor(data: CameraData, shot: tuple[float, float], random: np.random.Generator) -> Sensor:
    """Return a sensor whose green has a shot noise `a` drawn from the range `shot`, log-uniformly."""
    green = log_uniform(random, *shot)
    eld = data.eld[random.integers(len(data.eld))]
    tail = float(random.choice(eld["G_shape"]))
    if random.random() < PRIOR_SHARE:
        read = math.exp(
            PRIOR_SLOPE * math.log(green) + PRIOR_OFFSET + PRIOR_SPREAD * random.standard_normal()
        )
        rows = random.uniform(0, MOST_ROWS) if random.random() < ROWS_SHARE else 0.0
        row_sigma = rows * math.sqrt(read)
    else:
        read = eld_sigma(eld, "g_scale", green, random) ** 2
        row_sigma = eld_sigma(eld, "R_scale", green, random)
    shots = green * np.array([RED_OF_GREEN, 1, BLUE_OF_GREEN]) * np.exp(random.normal(0, COLOUR_SPREAD, 3))
    return Sensor(np.stack([shots, np.full(3, read)], axis=1), tail, row_sigma)


def eld_sigma(camera: dict[str, Any], scale: str, shot: float, random: np.random.Generator) -> float:
    """Return a standard deviation of one of ELD's cameras at shot noise `shot`, 0..1, scattered as calibrated."""
    line = camera["Profile-1"][scale]
    log_gain = math.log(shot * ELD_WHITE)
    scatter = line["sigma"] * random.standard_normal()
    return math.exp(line["slope"] * log_gain + line["bias"] + scatter) / ELD_WHITE
