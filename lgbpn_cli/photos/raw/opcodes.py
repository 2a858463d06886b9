"""DNG's opcode lists: what a camera wants done to its samples, read, applied to a mosaic, and written again.

Source: Adobe, "Digital Negative (DNG) Specification", version 1.7, chapter 7. Opcodes are big-endian in every file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError

OPCODE_LIST_1, OPCODE_LIST_2, OPCODE_LIST_3 = 51008, 51009, 51022
"""Tags: for samples as stored, for samples proportional to light, and for the demosaiced picture."""
WARP_RECTILINEAR, WARP_FISHEYE, FIX_VIGNETTE = 1, 2, 3
FIX_BAD_CONSTANT, FIX_BAD_LIST = 4, 5
MAP_TABLE, MAP_POLYNOMIAL, GAIN_MAP, DELTA_PER_ROW, DELTA_PER_COLUMN, SCALE_PER_ROW, SCALE_PER_COLUMN = range(
    7, 14
)
WARP_RECTILINEAR_2 = 14
LENS_OPCODES = frozenset({WARP_RECTILINEAR, WARP_FISHEYE, FIX_VIGNETTE, WARP_RECTILINEAR_2})
"""What bends the picture or brightens its corners: as right after denoising as before."""
OPTIONAL = 1
MAX_OPCODES = 10_000
MAX_VALUES = 1 << 24
MOST_GAIN = 1000.0
"""Of a gain map; lenses shade their corners by 10 at most."""
DNG_CURE = "Convert it to TIFF with a raw developer that knows it, or skip it."


@dataclass(frozen=True)
class Opcode:
    """One step."""

    number: int
    version: bytes
    flags: int
    parameters: bytes

    @property
    def optional(self) -> bool:
        """Whether a reader that does not know it may leave it out."""
        return bool(self.flags & OPTIONAL)


@dataclass(frozen=True)
class _Area:
    """Rows, columns and planes that an opcode changes."""

    top: int
    left: int
    bottom: int
    right: int
    plane: int
    planes: int
    row_pitch: int
    column_pitch: int

    BYTES = 32

    @classmethod
    def of(cls, opcode: Opcode) -> _Area:
        if len(opcode.parameters) < cls.BYTES:
            raise DamagedFileError("one of its DNG opcodes ends early")
        area = cls(*struct.unpack_from(">8I", opcode.parameters))
        if not (area.row_pitch and area.column_pitch and area.planes):
            raise DamagedFileError("one of its DNG opcodes covers nothing")
        return area

    def slices(self, samples: np.ndarray) -> tuple[slice, slice]:
        bottom, right = min(self.bottom, samples.shape[0]), min(self.right, samples.shape[1])
        return slice(self.top, bottom, self.row_pitch), slice(self.left, right, self.column_pitch)

    def plane_numbers(self, samples: np.ndarray) -> range:
        return range(min(self.plane, samples.shape[2]), min(self.plane + self.planes, samples.shape[2]))


def read_opcodes(data: bytes) -> tuple[Opcode, ...]:
    """Return the opcodes of a list in their order; an empty value has none. Raises DamagedFileError."""
    if len(data) < 4:
        return ()
    (count,) = struct.unpack_from(">I", data)
    if count > MAX_OPCODES:
        raise DamagedFileError(f"a list of DNG opcodes claims {count} of them")
    opcodes, place = [], 4
    for _ in range(count):
        if place + 16 > len(data):
            raise DamagedFileError("a list of DNG opcodes ends early")
        number, version, flags, length = struct.unpack_from(">I4sII", data, place)
        place += 16
        if place + length > len(data):
            raise DamagedFileError("a list of DNG opcodes ends early")
        opcodes.append(Opcode(number, version, flags, data[place : place + length]))
        place += length
    return tuple(opcodes)


def has_opcodes(data: bytes) -> bool:
    """Return whether a list names any step."""
    return any(data[:4])


def pack_opcodes(opcodes: Sequence[Opcode]) -> bytes:
    """Return the list as a DNG stores it."""
    packed = [struct.pack(">I", len(opcodes))]
    for each in opcodes:
        packed.append(struct.pack(">I4sII", each.number, each.version, each.flags, len(each.parameters)))
        packed.append(each.parameters)
    return b"".join(packed)


def apply_levels(samples: np.ndarray, opcodes: Sequence[Opcode]) -> list[Opcode]:
    """Change the levels of samples (h, w) or (h, w, planes) float32, 0..1, in place; return what is not applied.

    Lens opcodes are returned, to be done by whoever develops the result, and optional ones that are not known.
    Raises UnsupportedFileError for others, DamagedFileError for nonsense.
    """
    planes = samples if samples.ndim == 3 else samples[..., None]
    left = []
    for each in opcodes:
        if each.number in _APPLY:
            with np.errstate(all="ignore"):
                _APPLY[each.number](planes, each)
            if not np.isfinite(planes.sum(dtype=np.float64)):
                raise DamagedFileError(f"its DNG opcode {each.number} makes its samples no numbers")
        elif each.number in LENS_OPCODES or each.optional:
            left.append(each)
        else:
            raise UnsupportedFileError(f"a DNG with the opcode {each.number}, which is not known", DNG_CURE)
    return left


def bad_sites(stored: np.ndarray, opcodes: Sequence[Opcode]) -> np.ndarray | None:
    """Return (h, w) bool, true where FixBadPixels opcodes of list 1 call stored samples bad; None for nowhere."""
    bad = None
    for each in opcodes:
        if each.number not in (FIX_BAD_CONSTANT, FIX_BAD_LIST):
            continue
        if bad is None:
            bad = np.zeros(stored.shape[:2], bool)
        if each.number == FIX_BAD_CONSTANT:
            (constant,) = _unpack(">I", each.parameters)
            bad |= stored == constant
            continue
        points, areas = _unpack(">4x2I", each.parameters)
        if len(each.parameters) < 12 + 8 * points + 16 * areas:
            raise DamagedFileError("its list of bad pixels ends early")
        numbers = np.frombuffer(each.parameters, ">u4", 2 * points + 4 * areas, 12).astype(np.int64)
        places = numbers[: 2 * points].reshape(-1, 2)
        places = places[(places < stored.shape[:2]).all(axis=1)]
        bad[places[:, 0], places[:, 1]] = True
        for top, left_edge, bottom, right in numbers[2 * points :].reshape(-1, 4):
            bad[top:bottom, left_edge:right] = True
    return bad


def _gain_map(planes: np.ndarray, opcode: Opcode) -> None:
    area = _Area.of(opcode)
    rows, columns, *spacing_and_origin, map_planes = _unpack(">2I4dI", opcode.parameters, _Area.BYTES)
    begin = _Area.BYTES + 44
    if not (0 < rows * columns * map_planes <= MAX_VALUES and all(map(np.isfinite, spacing_and_origin))):
        raise DamagedFileError("a gain map of its DNG opcodes makes no sense")
    if len(opcode.parameters) < begin + 4 * rows * columns * map_planes:
        raise DamagedFileError("a gain map of its DNG opcodes ends early")
    gains = np.frombuffer(opcode.parameters, ">f4", rows * columns * map_planes, begin)
    gains = gains.reshape(rows, columns, map_planes).astype(np.float32)
    if not ((gains > 0) & (gains <= MOST_GAIN)).all():
        raise DamagedFileError("a gain map of its DNG opcodes holds values that are no gains")
    down, across = area.slices(planes)
    at_rows = _map_places(down, planes.shape[0], rows, spacing_and_origin[0], spacing_and_origin[2])
    at_columns = _map_places(across, planes.shape[1], columns, spacing_and_origin[1], spacing_and_origin[3])
    for plane in area.plane_numbers(planes):
        grid = gains[..., min(plane - area.plane, map_planes - 1)]
        tall = _interpolated(grid, at_rows, axis=0)
        target = planes[down, across, plane]
        for row in range(target.shape[0]):  # row by row: a map of the picture's size is never held
            target[row] *= _interpolated(tall[row], at_columns, axis=0)
        np.minimum(target, 1, out=target)


def _map_places(places: slice, side: int, points: int, spacing: float, origin: float) -> np.ndarray:
    """Return where rows (or columns) lie between the points of a map, which spans the picture from 0 to 1."""
    middles = (np.arange(places.start, places.stop, places.step) + 0.5) / side
    at = (middles - origin) / spacing if spacing > 0 else np.zeros(len(middles))
    return np.clip(at, 0, points - 1)


def _interpolated(values: np.ndarray, at: np.ndarray, axis: int) -> np.ndarray:
    before = np.floor(at).astype(np.intp)
    after = np.minimum(before + 1, values.shape[axis] - 1)
    share = (at - before).astype(np.float32).reshape((-1,) + (1,) * (values.ndim - 1))
    found: np.ndarray = (1 - share) * values.take(before, axis) + share * values.take(after, axis)
    return found


def _map_table(planes: np.ndarray, opcode: Opcode) -> None:
    (count,) = _unpack(">I", opcode.parameters, _Area.BYTES)
    if not 0 < count <= 65536 or len(opcode.parameters) < _Area.BYTES + 4 + 2 * count:
        raise DamagedFileError("a table of its DNG opcodes ends early")
    table = np.frombuffer(opcode.parameters, ">u2", count, _Area.BYTES + 4).astype(np.float32) / 65535
    area = _Area.of(opcode)
    for plane in area.plane_numbers(planes):
        target = planes[(*area.slices(planes), plane)]
        at = np.clip(np.rint(target * 65535), 0, count - 1).astype(np.intp)
        target[:] = table[at]


def _map_polynomial(planes: np.ndarray, opcode: Opcode) -> None:
    (degree,) = _unpack(">I", opcode.parameters, _Area.BYTES)
    if degree > 8 or len(opcode.parameters) < _Area.BYTES + 4 + 8 * (degree + 1):
        raise DamagedFileError("a polynomial of its DNG opcodes makes no sense")
    coefficients = np.frombuffer(opcode.parameters, ">f8", degree + 1, _Area.BYTES + 4).astype(np.float64)
    area = _Area.of(opcode)
    for plane in area.plane_numbers(planes):
        target = planes[(*area.slices(planes), plane)]
        target[:] = np.minimum(np.polynomial.polynomial.polyval(target, coefficients), 1)


def _per_line(planes: np.ndarray, opcode: Opcode) -> None:
    """Add a value to each row or column, or multiply with it."""
    (count,) = _unpack(">I", opcode.parameters, _Area.BYTES)
    if count > MAX_VALUES or len(opcode.parameters) < _Area.BYTES + 4 + 4 * count:
        raise DamagedFileError("one of its DNG opcodes ends early")
    values = np.frombuffer(opcode.parameters, ">f4", count, _Area.BYTES + 4).astype(np.float32)
    area = _Area.of(opcode)
    by_row = opcode.number in (DELTA_PER_ROW, SCALE_PER_ROW)
    for plane in area.plane_numbers(planes):
        target = planes[(*area.slices(planes), plane)]
        lines = target if by_row else target.T
        count = min(len(values), len(lines))
        if opcode.number in (DELTA_PER_ROW, DELTA_PER_COLUMN):
            lines[:count] += values[:count, None]
        else:
            lines[:count] *= values[:count, None]
        np.minimum(target, 1, out=target)


_APPLY = {
    GAIN_MAP: _gain_map,
    MAP_TABLE: _map_table,
    MAP_POLYNOMIAL: _map_polynomial,
    DELTA_PER_ROW: _per_line,
    DELTA_PER_COLUMN: _per_line,
    SCALE_PER_ROW: _per_line,
    SCALE_PER_COLUMN: _per_line,
}


def _unpack(code: str, data: bytes, place: int = 0) -> tuple[int, ...]:
    if place + struct.calcsize(code) > len(data):
        raise DamagedFileError("one of its DNG opcodes ends early")
    return struct.unpack_from(code, data, place)
