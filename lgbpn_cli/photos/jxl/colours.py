"""Names of colours for a JPEG XL: bits of its header for a profile that says the same as a known colour space."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from lgbpn_cli.photos.jxl.header import CUSTOM, ENUM, FIXED
from lgbpn_cli.photos.metadata.icc import SPACES, ColourSpace, icc_profile

SRGB_BITS = (1,)
NUMBERS = {"srgb": (1, 13), "display-p3": (11, 13), "rec2020": (9, 1)}
"""Primaries and transfer function."""
D65_WHITE, RELATIVE_INTENT = 1, 1
MOST_APART = 2
"""Largest difference of colours that count as the same, in Lab's bytes."""


def colour_bits_of(profile: bytes | None, channels: int) -> tuple[int, ...] | None:
    """Return the header bits for a profile (None: sRGB) and 1 or 3 channels; None where no known space is the same."""
    name = "srgb" if profile is None else _known_space(profile, channels)
    if name is None:
        return None
    grey = channels == 1
    if name == "srgb" and not grey:
        return SRGB_BITS
    begin = [0, 0, *_number(int(grey), ENUM), *_number(D65_WHITE, ENUM)]
    if name in NUMBERS:
        primaries, transfer = NUMBERS[name]
        named = [*([] if grey else _number(primaries, ENUM)), 0, *_number(transfer, ENUM)]
    else:
        space = SPACES[name]
        points = [value for point in (space.red, space.green, space.blue) for value in point]
        custom = [bit for value in points for bit in _number(2 * round(value * 1e6), FIXED)]
        gamma = round(1e7 / space.curve.power)
        named = [*([] if grey else [*_number(CUSTOM, ENUM), *custom]), 1, *_plain(gamma, 24)]
    return (*begin, *named, *_number(RELATIVE_INTENT, ENUM))


def profile_colour_bits(channels: int) -> tuple[int, ...]:
    """Return the header bits that say that the colours of 1 or 3 channels are told by a profile."""
    return (0, 1, *_number(int(channels == 1), ENUM))


def _known_space(profile: bytes, channels: int) -> str | None:
    found = _lab(profile, channels)
    for name in ("srgb", "display-p3", "adobe-rgb", "rec2020"):
        space: ColourSpace = SPACES[name]
        expected = _lab(icc_profile(space, channels), channels)
        # Signed values wrap round in bytes.
        if found is not None and expected is not None:
            apart = (found - expected + 128) % 256 - 128
            if np.abs(apart).max() <= MOST_APART:
                return name
    return None


def _lab(profile: bytes, channels: int) -> np.ndarray | None:
    """Return what a set of colours or greys is in Lab; None for a profile that cannot be used."""
    steps = np.linspace(0, 255, 6).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    picture = Image.fromarray(steps[None] if channels == 1 else colours)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("LAB"), picture.mode, "LAB")
        return np.asarray(ImageCms.applyTransform(picture, transform)).astype(int)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _number(value: int, choices: tuple[tuple[int, int], ...]) -> list[int]:
    """Return the bits of a number with four kinds of beginnings."""
    index = next(index for index, (begin, bits) in enumerate(choices) if begin <= value < begin + (1 << bits))
    begin, bits = choices[index]
    return [*_plain(index, 2), *_plain(value - begin, bits)]


def _plain(value: int, bits: int) -> list[int]:
    return [value >> shift & 1 for shift in range(bits)]
