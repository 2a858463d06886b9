"""Colour profiles in a JPEG XL picture: read by libjxl, written as bits of its header (ISO/IEC 18181-1, annexes C, E).

A profile lies there as commands that build it, packed by an entropy coder. What is written here is the plainest of
both: its bytes as they are, each in a code of eight bits. A few hundred bytes more than libjxl's own do not matter.
"""

from __future__ import annotations

import numpy as np

from lgbpn_cli.image.bands import bands
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.metadata.icc import SPACES, SRGB_CURVE, icc_profile

HEADER_BYTES = 128
"""Of a profile: told as differences from a usual one."""
INSERT = 1
"""The command that takes so many bytes as they are."""
LENGTHS_BEFORE_8, LENGTHS_AFTER_8 = 10, 7
"""Lengths of codes that are named before and behind that of 8 bits, all of which do not occur."""
WIDE = SPACES["prophoto"]
"""Holds all colours that lossy pictures are turned into here."""
BAND_ROWS = 256


def profile_of(data: bytes) -> bytes:
    """Return the profile of a JPEG XL file that has one, in whose terms its decoded samples are.

    Raises DamagedFileError, and UnsupportedFileError where the library for it is not there.
    """
    try:
        import pyjpegxl
    except ImportError as error:
        cause = "a JPEG XL with a colour profile of its own, which needs pyjpegxl to be read"
        raise UnsupportedFileError(
            cause, "Run `pip install pyjpegxl`, or convert it to PNG or TIFF first."
        ) from error
    try:
        profile = pyjpegxl.probe(data).icc
    except CODEC_ERRORS as error:
        raise DamagedFileError(f"its colour profile cannot be read ({error})") from error
    if not profile:
        raise DamagedFileError("its colour profile cannot be read")
    return bytes(profile)


def decode_wide(data: bytes) -> np.ndarray:
    """Return the samples of a lossy file with a profile, (h, w, c) uint16, in the colours of `wide_profile`.

    Its picture is stored in colours of JPEG XL's own, from which libjxl makes linear sRGB, with values below 0 and
    above 1 where colours are more saturated than that; in 8 bits all of these would be lost, and shadows, too.
    Raises what libjxl's library raises.
    """
    import pyjpegxl

    _, light = pyjpegxl.decode_to_numpy(data, dtype="float32")
    samples = np.empty(light.shape, np.uint16)
    colours = 1 if light.shape[2] <= 2 else 3
    matrix = WIDE.from_linear_srgb.astype(np.float32) if colours == 3 else np.eye(1, dtype=np.float32)
    curve = WIDE.curve if colours == 3 else SRGB_CURVE
    for rows in bands(len(light), BAND_ROWS):
        band = np.array(light[rows])
        band[..., :colours] = curve.encode(np.clip(band[..., :colours] @ matrix.T, 0, 1))
        samples[rows] = np.rint(np.clip(band, 0, 1) * 65535)
    return samples


def wide_profile(channels: int) -> bytes | None:
    """Return the profile of what `decode_wide` returns; None stands for sRGB's greys."""
    return icc_profile(WIDE) if channels == 3 else None


def profile_bits(profile: bytes) -> tuple[int, ...]:
    """Return the bits that follow a header whose colours are told by this profile."""
    data = bytes([*_varint(len(profile)), *_built(profile)])
    bits = [*_size(len(data)), *_code_of_bytes()]
    for byte in data:
        bits += [byte >> shift & 1 for shift in reversed(range(8))]
    return tuple(bits)


def _built(profile: bytes) -> bytes:
    """Return the commands that build a profile, and what they take."""
    behind = profile[HEADER_BYTES:]
    # No list of tags: they are bytes like all others.
    commands = bytes([0, INSERT, *_varint(len(behind))]) if behind else b""
    return bytes([*_varint(len(commands)), *commands]) + _header_differences(profile) + behind


def _header_differences(profile: bytes) -> bytes:
    expected = bytearray(HEADER_BYTES)
    expected[:4] = len(profile).to_bytes(4, "big")
    expected[8] = 4
    expected[12:24] = b"mntrRGB XYZ "
    expected[36:40] = b"acsp"
    expected[68:80] = bytes.fromhex("0000f6d6000100000000d32d")
    expected[80:84] = profile[4:8]
    platforms = {b"A": b"APPL", b"M": b"MSFT", b"SG": b"SGI ", b"SU": b"SUNW"}
    for begin, platform in platforms.items():
        if profile[40:44].startswith(begin):
            expected[40 + len(begin) : 44] = platform[len(begin) :]
    header = profile[:HEADER_BYTES]
    return bytes((found - usual) & 0xFF for found, usual in zip(header, expected, strict=False))


def _code_of_bytes() -> list[int]:
    """Return what announces a code in which each of 256 values has eight bits, whatever came before it."""
    no_repeats, one_code_for_all = [0], [1, 0, 0]
    prefix_codes, numbers_as_they_are, values = [1], [1, 1, 1, 1], [1, *_plain(7, 4), *_plain(127, 7)]
    none, some = [0, 0], [0, 1]
    lengths = [0, 0, *LENGTHS_BEFORE_8 * none, *some, *LENGTHS_AFTER_8 * none]
    return [*no_repeats, *one_code_for_all, *prefix_codes, *numbers_as_they_are, *values, *lengths]


def _size(count: int) -> list[int]:
    """Return a number in the header's way: its lowest twelve bits, and eight more as long as there are some."""
    bits = [*_plain(3, 2), *_plain(count & 0xFFF, 12)]
    count >>= 12
    while count:
        bits += [1, *_plain(count & 0xFF, 8)]
        count >>= 8
    return [*bits, 0]


def _varint(count: int) -> list[int]:
    """Return a number as bytes of seven bits, the lowest first."""
    found = []
    while count > 0x7F:
        found.append(count & 0x7F | 0x80)
        count >>= 7
    return [*found, count]


def _plain(value: int, bits: int) -> list[int]:
    return [value >> shift & 1 for shift in range(bits)]
