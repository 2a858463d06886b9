"""ICC profiles as they come with photos: what they say of light, and a profile that fits a changed picture.

The layout is that of ICC.1:2022: a header of 128 bytes, a table of tags, and their data.
"""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, ImageCms

from lgbpn_cli.photos.metadata.icc import HEADER_BYTES, SPACES, SRGB_CURVE, icc_profile, pack_profile

LINEAR_LIGHTNESS = 68.0
"""CIE lightness of a grey halfway up from which a profile counts as linear: 76 at gamma 1.0, 61 at 1.8, 53 at 2.2."""
CURVE_TAGS = (b"rTRC", b"gTRC", b"bTRC", b"kTRC")
PRIMARY_TAGS = (b"rXYZ", b"gXYZ", b"bXYZ")
CURVE_ENTRIES = 1024
MAX_TAGS = 200
"""More than any real profile has."""
VERSION_4 = 4


def is_linear(profile: bytes | None, *, otherwise: bool = False) -> bool:
    """Return whether samples with this profile are proportional to light; `otherwise` where it cannot be told.

    Asked of a colour engine, so that curves, tables and whole look-up profiles are all understood.
    """
    if profile is None:
        return otherwise
    mode = {b"RGB ": "RGB", b"GRAY": "L"}.get(profile[16:20])
    if mode is None:
        return otherwise
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("LAB"), mode, "LAB")
        grey = Image.new(mode, (1, 1), (128, 128, 128) if mode == "RGB" else 128)
        lab = np.asarray(ImageCms.applyTransform(grey, transform))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return otherwise
    return float(lab[0, 0, 0]) * 100 / 255 > LINEAR_LIGHTNESS


def named_transfer(profile: bytes | None) -> int | None:
    """Return the transfer function, a number of ITU-T H.273, that a profile names beside its curves; None for none."""
    code = _tags(profile).get(b"cicp", b"")
    return code[9] if len(code) >= 12 else None


def with_srgb_curve(profile: bytes | None) -> bytes | None:
    """Return a profile of the same primaries for light that went through sRGB's curve; sRGB's own for None.

    None where the profile keeps its colours in tables, in which no curve can be changed.
    """
    if profile is None:
        return icc_profile(SPACES["srgb"])
    tags = _tags(profile)
    grey = profile[16:20] == b"GRAY"
    if not grey and not all(name in tags for name in PRIMARY_TAGS):
        return None
    light = np.linspace(0, 1, CURVE_ENTRIES)
    decoded = np.where(
        light <= 0.04045, light / SRGB_CURVE.slope, ((light + 0.055) / 1.055) ** SRGB_CURVE.power
    )
    entries = np.rint(decoded * 65535).astype(">u2").tobytes()
    curve = b"curv" + bytes(4) + struct.pack(">I", CURVE_ENTRIES) + entries
    kept = {name: data for name, data in tags.items() if name in (b"wtpt", b"cprt", b"chad", *PRIMARY_TAGS)}
    kept[b"desc"] = _description(profile[8], f"{_name(tags)} with sRGB's curve".lstrip())
    return pack_profile(
        kept | dict.fromkeys(CURVE_TAGS[3:] if grey else CURVE_TAGS[:3], curve), profile[:HEADER_BYTES]
    )


def fitted(profile: bytes | None, channels: int) -> bytes | None:
    """Return the profile for a picture of so many channels: one of grey for grey, one of colours for colours.

    Anything else, and what cannot be told from it, comes back as it is.
    """
    tags = _tags(profile)
    if profile is None or not tags:
        return profile
    header = bytearray(profile[:HEADER_BYTES])
    kept = {name: data for name, data in tags.items() if name in (b"wtpt", b"cprt", b"chad", b"desc")}
    if channels == 1 and header[16:20] == b"RGB " and b"gTRC" in tags:
        header[16:20] = b"GRAY"
        return pack_profile(kept | {b"kTRC": tags[b"gTRC"]}, bytes(header))
    if channels == 3 and header[16:24] == b"GRAYXYZ " and b"kTRC" in tags:
        header[16:20] = b"RGB "
        primaries = {name: _tags(icc_profile(SPACES["srgb"]))[name] for name in PRIMARY_TAGS}
        return pack_profile(kept | primaries | dict.fromkeys(CURVE_TAGS[:3], tags[b"kTRC"]), bytes(header))
    return profile


def _tags(profile: bytes | None) -> dict[bytes, bytes]:
    """Return the data of each tag; nothing where the table makes no sense."""
    if profile is None or len(profile) < HEADER_BYTES + 4 or profile[36:40] != b"acsp":
        return {}
    (count,) = struct.unpack_from(">I", profile, HEADER_BYTES)
    if count > MAX_TAGS or len(profile) < HEADER_BYTES + 4 + 12 * count:
        return {}
    found = {}
    for index in range(count):
        name, offset, length = struct.unpack_from(">4sII", profile, HEADER_BYTES + 4 + 12 * index)
        found[name] = profile[offset : offset + length]
    return found


def _name(tags: dict[bytes, bytes]) -> str:
    data = tags.get(b"desc", b"")
    if data[:4] == b"desc" and len(data) > 12:
        (length,) = struct.unpack_from(">I", data, 8)
        return data[12 : 12 + length].rstrip(b"\0").decode("ascii", "replace")
    if data[:4] == b"mluc" and len(data) >= 28:
        length, offset = struct.unpack_from(">II", data, 20)
        return data[offset : offset + length].decode("utf-16-be", "replace")
    return ""


def _description(version: int, text: str) -> bytes:
    if version >= VERSION_4:
        data = text.encode("utf-16-be")
        return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(data), 28) + data
    data = text.encode("ascii", "replace") + b"\0"
    # Behind the text, the same for Unicode and Macintosh, both empty.
    return b"desc" + bytes(4) + struct.pack(">I", len(data)) + data + bytes(8 + 3 + 67)
