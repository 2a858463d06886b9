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
    """Return the most memory that is taken once a photo's result is there: by it, and by what encodes it."""
    return bytes_to_write(photo.format, photo.pixels.size, photo.pixels.itemsize)


def bytes_to_write(kind: str, samples: int, sample_bytes: int) -> int:
    """Return the same for so many samples of this size that become a file of this kind."""
    codec = CODECS.get(kind)  # none for an array
    encoder = 0 if codec is None or codec.new is None else codec.new.encoder_bytes(samples, sample_bytes)
    return samples * sample_bytes + encoder
