"""What file names say: which endings are photos, and the type and ending of a photo's result."""

from __future__ import annotations

from pathlib import Path

from lgbpn_cli.photos.codecs import CODECS

PHOTO_SUFFIXES: frozenset[str] = frozenset(ending for codec in CODECS.values() for ending in codec.endings)
"""Lower-case file-name endings that are taken as photos when a folder is searched."""
UNREAD_PICTURES = {
    ".ai": "Illustrator", ".dcm": "DICOM", ".eps": "PostScript", ".exr": "OpenEXR",
    ".fits": "FITS", ".gif": "GIF", ".hdp": "JPEG XR", ".hdr": "Radiance HDR", ".ico": "icon",
     ".jxr": "JPEG XR",
    ".kra": "Krita", ".pbm": "netpbm", ".pcx": "PCX", ".pgm": "netpbm", ".pnm": "netpbm", ".ppm": "netpbm",
    ".psb": "Photoshop", ".psd": "Photoshop", ".qoi": "QOI", ".svg": "SVG",
    ".wdp": "JPEG XR", ".xcf": "GIMP",
}  # fmt: skip
"""Endings of pictures that cannot be read, by what they are called: left out of folders by name."""
PRESERVE = "preserve"


def result_type(source_format: str, wanted: str) -> str:
    """Return the type to write ('jpeg', 'dng' ...) for a photo of this format when `--format` is `wanted`."""
    return (CODECS[source_format].becomes or source_format) if wanted == PRESERVE else wanted


def type_by_name(source_format: str, source_suffix: str, wanted: str) -> str:
    """Return the type to write for a photo in a file of this ending, which may be another type's.

    A file that keeps its type and its ending stays what it is; any other becomes what its result's ending says.
    """
    ending = result_suffix(source_suffix, wanted)
    if wanted != PRESERVE or (ending == source_suffix and not CODECS[source_format].becomes):
        return result_type(source_format, wanted)
    return type_of_suffix(ending) or result_type(source_format, wanted)


def result_suffix(source_suffix: str, wanted: str) -> str:
    """Return the file-name ending of a result, from the source's; an ending that fits is kept as it is."""
    lower = source_suffix.lower()
    read_only = next((each.name for each in CODECS.values() if each.becomes and lower in each.endings), "")
    if wanted == PRESERVE and not read_only:
        return source_suffix
    endings = CODECS[result_type(read_only, wanted)].endings
    return source_suffix if lower in endings else endings[0]


def type_for(source: Path, target: Path) -> str:
    """Return the type that a target's own name asks for: `preserve` where it ends like the source."""
    wanted = type_of_suffix(target.suffix)
    return PRESERVE if wanted in ("", type_of_suffix(source.suffix)) else wanted


def type_of_suffix(suffix: str) -> str:
    """Return the type a file name's ending stands for, whichever of its spellings; empty for none."""
    lower = suffix.lower()
    return next((each.name for each in CODECS.values() if each.new and lower in each.endings), "")
