"""Which file names are those of camera raw files."""

from __future__ import annotations

RAW_ENDINGS = (
    ".3fr", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25",
    ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raf", ".raw", ".rw2", ".rwl",
    ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip
"""Lower-case endings. Many such files look like a TIFF or a JPEG: the name decides."""


def is_raw_name(name: str) -> bool:
    """Return whether a file of this name is taken as a camera raw file."""
    return name.lower().endswith(RAW_ENDINGS)
