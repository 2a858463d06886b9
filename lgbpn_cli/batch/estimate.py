"""How large photos are, from their headers alone: what a dry run needs to say how long a run would take."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from lgbpn_cli.photos.pillow_limit import pillow_without_limit
from lgbpn_cli.photos.raw.reader import raw_megapixels
from lgbpn_cli.photos.suffixes import RAW_SUFFIXES


def megapixels_of(path: Path) -> float | None:
    """The size of the photo in megapixels without decoding it; None where the header does not tell."""
    if path.suffix.lower() in RAW_SUFFIXES:
        return raw_megapixels(path)
    try:
        with warnings.catch_warnings(action="ignore"), pillow_without_limit(), Image.open(path) as image:
            return image.width * image.height / 1e6
    except (OSError, ValueError, SyntaxError, RuntimeError):
        # What Pillow raises for damaged files; the run itself will name the cause.
        return None
