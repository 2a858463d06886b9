"""Colour spaces that camera raw files can be rendered in, and an ICC profile for each.

Primaries and curves: IEC 61966-2-1 (sRGB), SMPTE EG 432-1 with sRGB's curve (Display P3), Adobe RGB (1998) colour
image encoding, ISO 22028-2 (ROMM RGB, with the plain power curve of its customary profiles), ITU-R BT.2020.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from lgbpn_cli.config import COLOUR_SPACES

Chromaticity = tuple[float, float]
D50_XYZ = np.array([0.9642, 1.0, 0.8249])
"""The white of ICC's profile connection space."""
D65: Chromaticity = (0.3127, 0.3290)
D50: Chromaticity = (0.3457, 0.3585)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
HEADER_BYTES = 128


@dataclass(frozen=True)
class Curve:
    """How light is encoded: a straight toe up to `toe`, then scale * light ** (1 / power) - lift."""

    power: float
    lift: float = 0.0
    slope: float = 1.0
    toe: float = 0.0

    def encode(self, light: np.ndarray) -> np.ndarray:
        """Return the encoded values of light from 0 to 1."""
        curved = (1 + self.lift) * np.maximum(light, self.toe) ** (1 / self.power) - self.lift
        encoded: np.ndarray = np.where(light <= self.toe, self.slope * light, curved)
        return encoded


@dataclass(frozen=True)
class ColourSpace:
    """An RGB space by its primaries, white and curve."""

    description: str
    """As programs show it."""
    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity
    curve: Curve

    @property
    def adaptation(self) -> np.ndarray:
        """Bradford's matrix from this space's white to the profile connection space's."""
        cones_from, cones_to = BRADFORD @ _xyz(self.white), BRADFORD @ D50_XYZ
        adapted: np.ndarray = np.linalg.inv(BRADFORD) @ np.diag(cones_to / cones_from) @ BRADFORD
        return adapted

    @property
    def to_connection(self) -> np.ndarray:
        """The matrix from linear RGB to XYZ of the profile connection space (D50)."""
        primaries = np.stack([_xyz(self.red), _xyz(self.green), _xyz(self.blue)], axis=1)
        matrix: np.ndarray = self.adaptation @ (primaries * np.linalg.solve(primaries, _xyz(self.white)))
        return matrix

    @property
    def from_linear_srgb(self) -> np.ndarray:
        """The matrix from linear sRGB to linear RGB of this space."""
        matrix: np.ndarray = np.linalg.inv(self.to_connection) @ SPACES["srgb"].to_connection
        return matrix


SRGB_CURVE = Curve(power=2.4, lift=0.055, slope=12.92, toe=0.0031308)
SPACES: dict[str, ColourSpace] = dict(
    zip(
        COLOUR_SPACES,
        (
            ColourSpace("sRGB", (0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65, SRGB_CURVE),
            ColourSpace("Display P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65, SRGB_CURVE),
            ColourSpace(
                "Compatible with Adobe RGB (1998)", (0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65,
                Curve(power=563 / 256),
            ),
            ColourSpace(
                "ProPhoto RGB (ROMM)", (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50, Curve(power=1.8)
            ),
            ColourSpace(
                "Rec. 2020", (0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65,
                Curve(power=1 / 0.45, lift=0.09929682680944, slope=4.5, toe=0.018053968510807),
            ),
        ),
        strict=True,
    )
)  # fmt: skip
"""By the names that --colour-space takes."""


def icc_profile(space: ColourSpace, channels: int = 3) -> bytes:
    """Return a matrix profile of ICC version 4 for a colour space, or for greys of its white and curve."""
    curve = _parametric_curve(space.curve)
    tags = {
        b"desc": _text(space.description),
        b"cprt": _text("Public domain"),
        b"wtpt": _fixed_xyz(D50_XYZ),
        b"chad": b"sf32" + bytes(4) + _fixed(*space.adaptation.ravel().tolist()),
    }
    if channels == 1:
        return pack_profile(tags | {b"kTRC": curve}, _header(b"GRAY"))
    red, green, blue = (_fixed_xyz(column) for column in space.to_connection.T)
    tags |= {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
    return pack_profile(tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve), _header(b"RGB "))


def pack_profile(tags: dict[bytes, bytes], header: bytes) -> bytes:
    """Return the profile of these tags with a header of HEADER_BYTES, whose length and checksum are set anew."""
    body = bytearray()
    table = struct.pack(">I", len(tags))
    first = HEADER_BYTES + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for name, data in tags.items():
        if data not in places:  # the three curves are one
            places[data] = first + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    head = struct.pack(">I", first + len(body)) + header[4:84] + bytes(16) + header[100:]
    return head + table + bytes(body)


def _header(colours: bytes) -> bytes:
    head = struct.pack(
        ">I4sI4s4s4s6H4s4sII4s8sI12s",
        0, b"", 0x04300000, b"mntr", colours, b"XYZ ", 2026, 1, 1, 0, 0, 0, b"acsp", b"", 0, 0,
        b"", b"", 0, _fixed(*D50_XYZ.tolist()),
    )  # fmt: skip
    return head.ljust(HEADER_BYTES, b"\0")


def _xyz(point: Chromaticity) -> np.ndarray:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _fixed_xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*values.tolist())


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(data), 28) + data


def _parametric_curve(curve: Curve) -> bytes:
    """Return ICC's description of the way back, from encoded values to light."""
    if curve.toe == 0:
        return b"para" + bytes(4) + struct.pack(">HH", 0, 0) + _fixed(curve.power)
    scale = 1 / (1 + curve.lift)
    parameters = (curve.power, scale, curve.lift * scale, 1 / curve.slope, curve.slope * curve.toe)
    return b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(*parameters)
