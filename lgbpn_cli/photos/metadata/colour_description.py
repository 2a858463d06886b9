"""What a photo's samples mean: whichever way its file says so, as one ICC profile, which every type of file can hold.

Numbers for primaries and transfer functions: ITU-T H.273. EXIF's way: Exif 2.32 and DCF 2.0, which tell Adobe RGB by a
colour space of "uncalibrated" and the interoperability index R03. PNG's order of precedence: PNG, third edition.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.metadata.exif import EXIF_POINTER, INTEROP_POINTER, RATIONAL, Tag, read_tags, split_exif
from lgbpn_cli.photos.metadata.given_profile import named_transfer
from lgbpn_cli.photos.metadata.icc import D65, SPACES, Chromaticity, ColourSpace, Curve, icc_profile
from lgbpn_cli.photos.tiff.directory import INTEGER_CODES, read_directory_at

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer functions for high dynamic range, which the network has not learned and no other type would show alike."""
NAMED_SPACES = {1: "srgb", 9: "rec2020", 12: "display-p3"}
FURTHER_PRIMARIES: dict[int, tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity]] = {
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), (0.310, 0.316)),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
"""Red, green, blue and white."""
NAMED_CURVES = {
    4: Curve(power=2.2),
    5: Curve(power=2.8),
    8: Curve(power=1.0),
    13: SPACES["srgb"].curve,
}
"""Television's curves (1, 6, 14, 15) are not among them: in photos they stand for what is usual with the primaries."""
UNSPECIFIED = 2
SRGB_GAMMA, GAMMA_TOLERANCE = 2.2, 0.02
"""A plain gamma this near 2.2 is the customary way to say sRGB."""
CHROMATICITY_TOLERANCE = 0.002
LEAST_GAMMA, LARGEST_GAMMA = 0.2, 5.0
WHITE_POINT, PRIMARIES = 318, 319
CHROMATICITIES = 8
"""x and y of white and three primaries."""
COLOUR_SPACE, GAMMA, INTEROP_INDEX = 0xA001, 0xA500, 1
SRGB, ADOBE_RGB, UNCALIBRATED = 1, 2, 0xFFFF
ADOBE_RGB_INDEX = b"R03"


@dataclass(frozen=True)
class ColourDescription:
    """All that a file says of its colours, in its own words; nothing at all means sRGB."""

    numbers: tuple[int, int] | None = None
    """Primaries and transfer function of ITU-T H.273 (cICP, nclx) that come before a profile."""
    icc: bytes | None = None
    numbers_below: tuple[int, int] | None = None
    """The same where a profile comes before them."""
    is_srgb: bool = False
    """Said to be sRGB in so many words, which comes before all below."""
    chromaticities: tuple[float, ...] | None = None
    """x and y of white, red, green and blue."""
    gamma: float | None = None
    """The power that decodes samples."""
    exif: bytes | None = None

    def profile(self, channels: int) -> bytes | None:
        """Return the ICC profile for a picture of 1 or 3 channels; None stands for sRGB, and for nothing known.

        Raises UnsupportedFileError for colours of high dynamic range.
        """
        for transfer in (
            *(pair[1] for pair in (self.numbers, self.numbers_below) if pair),
            named_transfer(self.icc),
        ):
            if transfer in HDR_TRANSFERS:
                raise UnsupportedFileError(f"a photo with HDR colours ({HDR_TRANSFERS[transfer]})")
        if self.numbers is not None and self.numbers[0] != UNSPECIFIED:
            return _made(_space_of_numbers(*self.numbers), channels)
        if self.icc is not None:
            return self.icc
        if self.is_srgb:
            return None
        if self.numbers_below is not None and self.numbers_below[0] != UNSPECIFIED:
            return _made(_space_of_numbers(*self.numbers_below), channels)
        if self.chromaticities is not None or self.gamma is not None:
            return _made(_space_of_measures(self.chromaticities, self.gamma), channels)
        return _made(None if self.exif is None else _space_of_exif(self.exif), channels)


def _made(space: ColourSpace | None, channels: int) -> bytes | None:
    return None if space is None or space == SPACES["srgb"] else icc_profile(space, channels)


def _space_of_numbers(primaries: int, transfer: int) -> ColourSpace | None:
    if primaries in FURTHER_PRIMARIES:
        red, green, blue, white = FURTHER_PRIMARIES[primaries]
        space = ColourSpace(
            f"RGB of H.273 primaries {primaries}", red, green, blue, white, SPACES["srgb"].curve
        )
    else:
        space = SPACES[NAMED_SPACES.get(primaries, "srgb")]
    curve = NAMED_CURVES.get(transfer, space.curve)
    if curve == space.curve:
        return space
    return replace(space, curve=curve, description=f"{space.description}, {_curve_name(curve)}")


def _space_of_measures(chromaticities: tuple[float, ...] | None, gamma: float | None) -> ColourSpace | None:
    """Return the space of measured primaries and gamma; None where they make no sense."""
    space = SPACES["srgb"]
    if chromaticities is not None:
        pairs = list(zip(chromaticities[::2], chromaticities[1::2], strict=True))
        if not all(0 <= x <= 1 and 0.001 <= y <= 1 for x, y in pairs) or _area(pairs[1:]) < 0.01:
            return None
        white, red, green, blue = pairs
        space = _known(pairs) or ColourSpace(
            "RGB of measured primaries", red, green, blue, white, space.curve
        )
    if gamma is None:
        return space
    near = abs(gamma - (SRGB_GAMMA if space == SPACES["srgb"] else space.curve.power)) < GAMMA_TOLERANCE
    if near and (space == SPACES["srgb"] or space.curve.toe == 0):
        return space
    if not LEAST_GAMMA <= gamma <= LARGEST_GAMMA:
        return None
    curve = Curve(power=gamma)
    return replace(space, curve=curve, description=f"{space.description}, {_curve_name(curve)}")


def _known(pairs: list[Chromaticity]) -> ColourSpace | None:
    for space in SPACES.values():
        own = (space.white, space.red, space.green, space.blue)
        distances = [
            abs(a - b) for one, other in zip(pairs, own, strict=True) for a, b in zip(one, other, strict=True)
        ]
        if max(distances) < CHROMATICITY_TOLERANCE:
            return space
    return None


def _area(corners: list[Chromaticity]) -> float:
    (ax, ay), (bx, by), (cx, cy) = corners
    return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2


def _curve_name(curve: Curve) -> str:
    if curve == SPACES["srgb"].curve:
        return "sRGB's curve"
    return "linear" if curve.power == 1 else f"gamma {curve.power:.4g}"


def _space_of_exif(exif: bytes) -> ColourSpace | None:
    order, first = split_exif(exif)
    inner = _directory_behind(exif, order, first, EXIF_POINTER)
    code = _integer(order, inner, COLOUR_SPACE)
    index = _tag(_directory_behind(exif, order, inner, INTEROP_POINTER), INTEROP_INDEX)
    if code == ADOBE_RGB or (
        code == UNCALIBRATED and index is not None and index.data.startswith(ADOBE_RGB_INDEX)
    ):
        return SPACES["adobe-rgb"]
    gamma = fractions(order, inner, GAMMA)
    measures = fractions(order, first, WHITE_POINT) + fractions(order, first, PRIMARIES)
    if code == UNCALIBRATED and len(gamma) == 1 and len(measures) == CHROMATICITIES:
        return _space_of_measures(measures, gamma[0])
    return None


def _directory_behind(exif: bytes, order: str, tags: list[Tag], pointer: int) -> list[Tag]:
    offset = _integer(order, tags, pointer)
    if offset is None:
        return []
    file = io.BytesIO(exif)
    try:
        return read_tags(file, read_directory_at(file, len(exif), order, False, offset))
    except DamagedFileError:
        return []


def _tag(tags: list[Tag], number: int) -> Tag | None:
    return next((tag for tag in tags if tag.tag == number), None)


def _integer(order: str, tags: list[Tag], number: int) -> int | None:
    tag = _tag(tags, number)
    code = INTEGER_CODES.get(tag.type) if tag is not None else None
    return None if tag is None or code is None else int(struct.unpack_from(order + code, tag.data)[0])


def fractions(order: str, tags: list[Tag], number: int) -> tuple[float, ...]:
    """Return the values of a tag of unsigned fractions; none where it is missing or of another type."""
    tag = _tag(tags, number)
    if tag is None or tag.type != RATIONAL or tag.count > CHROMATICITIES:
        return ()
    values = struct.unpack(f"{order}{2 * tag.count}I", tag.data)
    return tuple(a / b if b else 0.0 for a, b in zip(values[::2], values[1::2], strict=True))
