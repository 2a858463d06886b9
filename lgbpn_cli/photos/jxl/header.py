"""The header of a JPEG XL picture: size, depth and colours, as bits (ISO/IEC 18181-1, annexes B to E).

Where its colours are named instead of told by a profile, the bits that name them can be moved into another picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.photos.faults import DamagedFileError

CODESTREAM = b"\xff\x0a"
HEADER_BYTES = 4096
"""More than any header has, names of extra channels included."""
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width to height."""
SIZES = ((1, 9), (1, 13), (1, 18), (1, 30))
ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
FIXED = ((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
GREY, XYB = 1, 2
CUSTOM = 2
WHITES = {1: (0.3127, 0.3290), 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
PRIMARIES = {
    1: (0.639998686, 0.330010138, 0.300003784, 0.600003357, 0.150002046, 0.059997204),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
ALPHA, SPOT_COLOUR, COLOUR_FILTER = 0, 2, 5


@dataclass(frozen=True)
class JxlHeader:
    """What the header says, and where in its bits the colours are named."""

    width: int
    height: int
    bits: int
    floating: bool
    orientation: int
    extra_channels: int
    animated: bool
    lossy: bool
    """Stored in the codec's own colours, from which those named are made."""
    has_profile: bool
    """Colours are told by a profile, which is compressed."""
    chromaticities: tuple[float, ...] | None
    """x and y of white, red, green and blue; None for sRGB's."""
    transfer: int | None
    """A number of ITU-T H.273; None where `gamma` tells it."""
    gamma: float | None
    colour_bits: tuple[int, ...]
    """The bits that name the colours."""
    colour_place: int
    """Where these begin, in bits."""


class _Bits:
    """The header's bits, from the lowest of each byte on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int) -> int:
        value = 0
        for index in range(count):
            byte, shift = divmod(self.place, 8)
            if byte >= len(self.data):
                raise DamagedFileError("it ends inside its header: the file is truncated")
            value |= (self.data[byte] >> shift & 1) << index
            self.place += 1
        return value

    def choice(self, *choices: tuple[int, int]) -> int:
        """Return one of four kinds of number: a beginning, and the bits that are added to it."""
        begin, bits = choices[self.take(2)]
        return begin + self.take(bits)


def read_header(codestream: bytes) -> JxlHeader:
    """Return the header of a picture. Raises DamagedFileError."""
    if not codestream.startswith(CODESTREAM):
        raise DamagedFileError("it holds no JPEG XL picture")
    bits = _Bits(codestream[:HEADER_BYTES])
    bits.take(16)
    width, height = _size(bits)
    if bits.take(1):  # all that follows is as usual
        place = bits.place
        return JxlHeader(width, height, 8, False, 1, 0, False, True, False, None, 13, None, (1,), place)
    orientation, animated = _extra_fields(bits) if bits.take(1) else (1, False)
    depth, floating = _depth(bits)
    bits.take(1)
    extra_channels = bits.choice((0, 0), (1, 0), (2, 4), (1, 12))
    for _ in range(extra_channels):
        _skip_extra_channel(bits)
    lossy = bool(bits.take(1))
    begin = bits.place
    has_profile, chromaticities, transfer, gamma = _colours(bits)
    named = _Bits(codestream[:HEADER_BYTES])
    named.place = begin
    return JxlHeader(
        width, height, depth, floating, orientation, extra_channels, animated, lossy, has_profile, chromaticities,
        transfer, gamma, tuple(named.take(1) for _ in range(bits.place - begin)), begin,
    )  # fmt: skip


def with_colours(
    codestream: bytes, colour_bits: tuple[int, ...], profile_bits: tuple[int, ...] = ()
) -> bytes:
    """Return the picture with other names for its colours; its pixels, behind the header, stay byte for byte.

    `profile_bits` hold a profile, where the names say that there is one.
    Raises DamagedFileError for a picture whose header does not end with the names of its colours and usual values.
    """
    header = read_header(codestream)
    bits = _Bits(codestream[:HEADER_BYTES])
    before = [bits.take(1) for _ in range(header.colour_place)]
    bits.place += len(header.colour_bits)
    # No extensions (two bits), and the usual transformation (one bit).
    behind = [bits.take(1) for _ in range(3)]
    if behind != [0, 0, 1] or header.has_profile:
        raise DamagedFileError("its header is of an unusual kind")
    rest = codestream[(bits.place + 7) // 8 :]
    wanted = [*before, *colour_bits, *behind, *profile_bits]
    wanted += [0] * (-len(wanted) % 8)
    packed = bytes(
        sum(bit << shift for shift, bit in enumerate(wanted[place : place + 8]))
        for place in range(0, len(wanted), 8)
    )
    return packed + rest


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = (bits.take(5) + 1) * 8 if small else bits.choice(*SIZES)
    ratio = bits.take(3)
    if ratio:
        across, down = RATIOS[ratio]
        return height * across // down, height
    return ((bits.take(5) + 1) * 8 if small else bits.choice(*SIZES)), height


def _extra_fields(bits: _Bits) -> tuple[int, bool]:
    """Return orientation, and whether there is more than one picture."""
    orientation = bits.take(3) + 1
    if bits.take(1):
        _size(bits)
    if bits.take(1):
        raise DamagedFileError("its header holds a preview, which lgbpn does not read")
    animated = bool(bits.take(1))
    if animated:
        bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))
        bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))
        bits.choice((0, 0), (0, 3), (0, 16), (0, 32))
        bits.take(1)
    return orientation, animated


def _depth(bits: _Bits) -> tuple[int, bool]:
    floating = bool(bits.take(1))
    if not floating:
        return bits.choice((8, 0), (10, 0), (12, 0), (1, 6)), False
    depth = bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return depth, True


def _skip_extra_channel(bits: _Bits) -> None:
    if bits.take(1):
        return
    kind = bits.choice(*ENUM)
    _depth(bits)
    bits.choice((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.choice((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == ALPHA:
        bits.take(1)
    elif kind == SPOT_COLOUR:
        bits.take(64)
    elif kind == COLOUR_FILTER:
        bits.choice((1, 0), (0, 2), (3, 4), (19, 8))


def _colours(bits: _Bits) -> tuple[bool, tuple[float, ...] | None, int | None, float | None]:
    """Return whether there is a profile, chromaticities, transfer function and gamma."""
    if bits.take(1):
        return False, None, 13, None
    has_profile = bool(bits.take(1))
    space = bits.choice(*ENUM)
    if has_profile or space == XYB:
        return has_profile, None, None, None
    white_code = bits.choice(*ENUM)
    white = _points(bits, 1) if white_code == CUSTOM else WHITES.get(white_code, WHITES[1])
    primaries: tuple[float, ...] = PRIMARIES[1]
    primaries_code = 1
    if space != GREY:
        primaries_code = bits.choice(*ENUM)
        primaries = (
            _points(bits, 3) if primaries_code == CUSTOM else PRIMARIES.get(primaries_code, PRIMARIES[1])
        )
    gamma = 1e7 / max(1, bits.take(24)) if bits.take(1) else None
    transfer = None if gamma is not None else bits.choice(*ENUM)
    bits.choice(*ENUM)
    usual = white_code == 1 and primaries_code == 1
    return False, None if usual else (*white, *primaries), transfer, gamma


def _points(bits: _Bits, count: int) -> tuple[float, ...]:
    """Return x and y of so many points; odd numbers stand for what is below zero."""
    values = [bits.choice(*FIXED) for _ in range(2 * count)]
    return tuple((-(value + 1) // 2 if value % 2 else value // 2) / 1e6 for value in values)
