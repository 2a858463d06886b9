"""What file names say: which endings are photos, and the type and ending of a photo's result."""

from __future__ import annotations

from pathlib import Path

RAW_SUFFIXES: frozenset[str] = frozenset({
    ".3fr", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25",
    ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raf", ".raw", ".rw2", ".rwl",
    ".sr2", ".srf", ".srw", ".x3f",
})  # fmt: skip
"""Lower-case endings of camera raw files. Many look like a TIFF or a JPEG: the name decides."""
HEIF_SUFFIXES: frozenset[str] = frozenset({".heic", ".heif", ".hif"})
ENDINGS: dict[str, tuple[str, ...]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".mpo"),
    "png": (".png",),
    "tiff": (".tif", ".tiff"),
    "webp": (".webp",),
    "avif": (".avif",),
    "jxl": (".jxl",),
    "dng": (".dng",),
    "cfa-dng": (".dng",),
}
"""Endings of the types that can be written; the first one is the usual."""
READ_ONLY: dict[str, frozenset[str]] = {
    "raw": RAW_SUFFIXES,
    "heif": HEIF_SUFFIXES,
    "jp2": frozenset({".jp2", ".j2k", ".j2c", ".jpf", ".jpx"}),
    "bmp": frozenset({".bmp", ".dib"}),
    "tga": frozenset({".tga"}),
}
"""Endings of the types that are read and never written."""
PHOTO_SUFFIXES: frozenset[str] = frozenset(
    frozenset[str]().union(*READ_ONLY.values())
    | {ending for endings in ENDINGS.values() for ending in endings}
)
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
DEFAULT_TYPES = {"raw": "dng", "heif": "jpeg", "jp2": "png", "bmp": "png", "tga": "png"}
"""What becomes of the kinds that are read but cannot be written; all others keep their type."""
PRESERVE = "preserve"


def result_type(source_format: str, wanted: str) -> str:
    """Return the type to write ('jpeg', 'dng' ...) for a photo of this format when `--format` is `wanted`."""
    return DEFAULT_TYPES.get(source_format, source_format) if wanted == PRESERVE else wanted


def result_suffix(source_suffix: str, wanted: str) -> str:
    """Return the file-name ending of a result, from the source's; an ending that fits is kept as it is."""
    lower = source_suffix.lower()
    kind = next((kind for kind, endings in READ_ONLY.items() if lower in endings), "")
    if wanted == PRESERVE and not kind:
        return source_suffix
    endings = ENDINGS[result_type(kind, wanted)]
    return source_suffix if lower in endings else endings[0]


def type_for(source: Path, target: Path) -> str:
    """Return the type that a target's own name asks for: `preserve` where it ends like the source."""
    wanted = type_of_suffix(target.suffix)
    return PRESERVE if wanted in ("", type_of_suffix(source.suffix)) else wanted


def type_of_suffix(suffix: str) -> str:
    """Return the type a file name's ending stands for, whichever of its spellings; empty for none."""
    lower = suffix.lower()
    return next((kind for kind, endings in ENDINGS.items() if lower in endings), "")
