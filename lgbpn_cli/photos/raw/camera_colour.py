"""Camera RGB and what a screen shows: matrices, and the rendering of a picture."""

from __future__ import annotations

import struct

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.metadata.exif import SIGNED_RATIONAL, split_exif
from lgbpn_cli.photos.metadata.icc import SPACES, ColourSpace
from lgbpn_cli.photos.photo import Camera, Matrix

COLOUR_MATRIX_1, COLOUR_MATRIX_2 = 50721, 50722
XYZ_FROM_SRGB = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
"""IEC 61966-2-1, white point D65."""
SRGB = SPACES["srgb"]
LARGEST_FACTOR = 100.0
"""Of a colour matrix; cameras' lie below 5."""
BAND_ROWS = 256


def camera_matrices(
    from_xyz: np.ndarray, to_srgb: np.ndarray, exif: bytes | None, is_dng: bool
) -> tuple[Matrix, Matrix]:
    """Return (balanced camera RGB -> linear sRGB, XYZ -> camera RGB) from what is known of the camera.

    `from_xyz` and `to_srgb` are LibRaw's (3, 3), zero where it knows none; a DNG brings its own in its tags.
    A camera nobody knows is taken to see as sRGB defines colours.
    """
    if is_dng and exif is not None:
        from_xyz = _dng_matrix(exif, from_xyz)
    if not _makes_sense(from_xyz):
        from_xyz = np.linalg.inv(XYZ_FROM_SRGB)
        if _makes_sense(to_srgb):
            from_xyz = np.linalg.inv(to_srgb) @ from_xyz
    from_srgb = _white_kept(from_xyz @ XYZ_FROM_SRGB)
    return _matrix(np.linalg.inv(from_srgb)), _matrix(from_xyz)


def render(pixels: np.ndarray, camera: Camera, space: ColourSpace = SRGB) -> np.ndarray:
    """Return camera light, (h, w, 3) or grey (h, w, 1) uint16, as a space's encoded values; clipped at white."""
    matrix = (space.from_linear_srgb @ np.array(camera.to_srgb)).astype(np.float32)
    # What is beyond the white of the least amplified channel has no colour any more.
    gains = np.array(camera.gains, np.float32) / min(camera.gains)
    rendered = np.empty_like(pixels)
    grey = pixels.shape[2] == 1
    for rows in bands(pixels.shape[0], BAND_ROWS):
        light = (pixels[rows].astype(np.float32) - camera.black) / (camera.white - camera.black)
        light = np.clip(light, 0, 1) if grey else np.clip(np.minimum(light * gains, 1) @ matrix.T, 0, 1)
        rendered[rows] = np.rint(space.curve.encode(light) * 65535)
    return rendered


def _dng_matrix(exif: bytes, otherwise: np.ndarray) -> np.ndarray:
    """Return the DNG's matrix for daylight, the second of two, or its only one."""
    order, tags = split_exif(exif)
    found = {tag.tag: tag for tag in tags if tag.type == SIGNED_RATIONAL and tag.count == 9}
    tag = found.get(COLOUR_MATRIX_2, found.get(COLOUR_MATRIX_1))
    if tag is None:
        return otherwise
    parts = np.array(struct.unpack(order + "18i", tag.data), np.float64).reshape(9, 2)
    if not parts[:, 1].all():
        return otherwise
    matrix = (parts[:, 0] / parts[:, 1]).reshape(3, 3)
    return matrix if _makes_sense(matrix) else otherwise


def _makes_sense(matrix: np.ndarray) -> bool:
    """Return whether these can be the colours of a camera: not zero, not without end, and each visible."""
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or np.abs(matrix).max() > LARGEST_FACTOR:
        return False
    seen = matrix @ XYZ_FROM_SRGB
    return bool(abs(np.linalg.det(matrix)) > 1e-6 and np.abs(seen.sum(axis=1)).min() > 1e-6)


def _white_kept(from_srgb: np.ndarray) -> np.ndarray:
    return np.asarray(from_srgb / from_srgb.sum(axis=1, keepdims=True))


def _matrix(values: np.ndarray) -> Matrix:
    rows: list[list[float]] = values.tolist()
    return tuple((row[0], row[1], row[2]) for row in rows)
