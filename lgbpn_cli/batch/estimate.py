"""How large photos are, from their headers alone: what a dry run needs to say how long a run would take."""

from __future__ import annotations

from pathlib import Path

from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.header import opened_header


def megapixels_of(path: Path) -> float | None:
    """The size of the photo in megapixels without decoding it; None where the header does not tell."""
    try:
        with opened_header(path) as header:
            return header.size.pixels / 1e6 or None
    except (*CODEC_ERRORS, DamagedFileError, UnsupportedFileError):
        return None  # the run itself will name the cause
