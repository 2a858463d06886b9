"""What memory a photo takes before and after it is denoised, copies included: by its decoder and by its encoder.

The bytes a sample, which each codec names, were measured as the most that this program occupied while it wrote photos
of 6 megapixels, above what the photo itself takes; `benchmarks/speed.py reading --peaks` measures them again.
"""

from __future__ import annotations

from lgbpn_cli.photos.codecs import CODECS
from lgbpn_cli.photos.photo import Photo


def around_bytes(photo: Photo) -> int:
    """Return the most memory that reading a photo takes, or writing its result in the photo's type and size."""
    return max(photo.reading_bytes, writing_bytes(photo))


def writing_bytes(photo: Photo) -> int:
    """Return the most memory that is taken once a photo's result is there: by both, and by what encodes it."""
    pixels = photo.pixels
    codec = CODECS.get(photo.format)  # none for an array
    shallow, deep = (0.0, 0.0) if codec is None or codec.new is None else codec.new.encoder_bytes
    return 2 * pixels.nbytes + int(pixels.size * (shallow if photo.bit_depth == 8 else deep))
