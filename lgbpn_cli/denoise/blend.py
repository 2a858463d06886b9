"""Another mixture of a photo and its result, without the network."""

from __future__ import annotations

from dataclasses import replace

from lgbpn_cli.denoise.controls import luma_weights, mix
from lgbpn_cli.denoise.grain import lay_grain
from lgbpn_cli.denoise.working import ResultPixels, WorkingPixels
from lgbpn_cli.errors import UnsupportedPhotoError
from lgbpn_cli.look import Look
from lgbpn_cli.photos.photo import Photo


def blend_photos(photo: Photo, full: Photo, look: Look, seed: int) -> Photo:
    """Return the photo with as much of `full`, its result at full strength, as the look says, and with its grain.

    Both have the same pages of the same size, and lie the same way up; UnsupportedPhotoError if they do not. A share
    that is auto is all of `full`.
    """
    alike = photo.pixels.shape == full.pixels.shape and photo.orientation == full.orientation
    if not alike or len(photo.further) != len(full.further):
        cause = f"it has another size, or lies another way up, than {full.path}"
        raise UnsupportedPhotoError(photo.path, cause, "Denoise it again, to the same type.")
    luma, chroma = (1.0 if share is None else share for share in (look.luma, look.chroma))
    result = ResultPixels(photo)
    mix(
        WorkingPixels(photo),
        WorkingPixels(full),
        result,
        luma=luma,
        chroma=chroma,
        weights=luma_weights(photo),
    )
    pages = tuple(
        blend_photos(page, other, look, seed) for page, other in zip(photo.further, full.further, strict=True)
    )
    return replace(lay_grain(result, look.grain, seed).as_photo(), further=pages)
