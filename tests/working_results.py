"""Results that no network put together, for tests of what is done to results."""

from __future__ import annotations

import numpy as np

from lgbpn_cli.denoise.working import ResultPixels, photo_of_array
from lgbpn_cli.photos.photo import Photo


def result_holding(image: np.ndarray) -> ResultPixels:
    """A result that holds a copy of `image`, (h, w, 3) float32."""
    result = ResultPixels(photo_of_array(image))
    result[slice(None), slice(None)] = image
    return result


def from_working(clean: np.ndarray, photo: Photo) -> Photo:
    """The photo with its pixels replaced by `clean`, (h, w, 3) in 0..1."""
    result = ResultPixels(photo)
    result[slice(None), slice(None)] = clean
    return result.as_photo()
