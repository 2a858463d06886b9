"""What memory a decoder will need for a photo, told from its header, before any of it is taken.

The bytes a pixel, which each codec names, were measured as the most that this program occupied while it read photos of
6 to 24 megapixels; `benchmarks/speed.py reading` measures them again.
"""

from __future__ import annotations

from lgbpn_cli.photos.codec import Size
from lgbpn_cli.photos.faults import DamagedFileError

LARGEST_NOTHING_PX = 10_000_000
MOST_PIXELS_A_BYTE = 10_000
"""No photo comes near; a picture of one colour does."""


def check_size(size: Size, file_bytes: int, max_pixels: int, max_bytes: int | None) -> None:
    """Return if a photo may be decoded within `max_bytes` (None: any number), from what its header claims.

    What has more than `max_pixels` is left to its reader. Raises DamagedFileError.
    """
    if size.pixels > max_pixels:
        return
    if size.pixels > LARGEST_NOTHING_PX and size.pixels > MOST_PIXELS_A_BYTE * file_bytes:
        raise DamagedFileError(
            f"a file of {file_bytes} bytes cannot hold a photo of {size.pixels / 1e6:.0f} megapixels",
            "It is empty, or made to exhaust memory: skip it.",
        )
    if max_bytes is not None and size.needed_bytes > max_bytes:
        raise DamagedFileError(
            f"reading its {size.pixels / 1e6:.0f} megapixels needs about {_amount(size.needed_bytes)} of memory, and "
            f"{_amount(max_bytes)} is available",
            "Close other programs, allow more memory, or skip it.",
        )


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
