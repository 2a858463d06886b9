"""What memory a photo takes before and after it is denoised, copies included: by its decoder and by its encoder.

The bytes a sample were measured as the most that this program occupied while it wrote photos of 6 megapixels, above
what the photo itself takes; `benchmarks/reading.py --peaks` measures them again.
"""

from __future__ import annotations

from lgbpn_cli.photos.photo import Photo

BYTES_A_SAMPLE = {"jpeg": 2.4, "png": 1.5, "tiff": 0.5, "webp": 6.5, "avif": 14.0, "jxl": 10.0}
"""By the type of the result, of 8 bits."""
DEEP_BYTES_A_SAMPLE = {"png": 2.3, "tiff": 5.0, "avif": 15.2, "jxl": 10.5, "dng": 0.5, "cfa-dng": 0.5}
"""The same of 16 bits and more."""


def around_bytes(photo: Photo) -> int:
    """Return the most memory that reading a photo takes, or writing its result in the photo's type and size."""
    return max(photo.reading_bytes, writing_bytes(photo))


def writing_bytes(photo: Photo) -> int:
    """Return the most memory that is taken once a photo's result is there: by both, and by what encodes it."""
    pixels = photo.pixels
    encoders = BYTES_A_SAMPLE if photo.bit_depth == 8 else DEEP_BYTES_A_SAMPLE
    return 2 * pixels.nbytes + int(pixels.size * encoders.get(photo.format, 0.0))
