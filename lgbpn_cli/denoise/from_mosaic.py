"""A camera raw file denoised on its mosaic: the raw network's light becomes the photo's pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.denoise.controls import luma_weights, take_shares
from lgbpn_cli.denoise.grain import lay_grain
from lgbpn_cli.denoise.mean_of_mosaic import keep_mean_of_mosaic
from lgbpn_cli.denoise.working import ResultPixels, WorkingPixels
from lgbpn_cli.image.types import Window
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.photos.encoding_cost import around_bytes
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.demosaic import demosaic
from lgbpn_cli.photos.raw.noise import with_shot_noise

if TYPE_CHECKING:
    from lgbpn_cli.models.load import Model


def answer_to_mosaic(
    photo: Photo, raw_model: Model, settings: InferenceConfig, watch: Watch, *, copies: bool = False
) -> ResultPixels:
    """Return what the raw network makes of a camera raw file's mosaic, with its mean light, which may be copied."""
    from lgbpn_cli.inference.mosaic import BayerMosaic, run_raw_network

    if photo.mosaic is None or photo.camera is None:
        raise TypeError("the photo has no mosaic")
    mosaic, gains = photo.mosaic.mosaic, photo.camera.gains
    noise = with_shot_noise(photo.mosaic.noise.levels, mosaic.samples)
    clean = ResultPixels(replace(photo, mosaic=None))
    run_raw_network(
        BayerMosaic(mosaic.samples, mosaic.pattern, noise, gains),
        raw_model,
        settings,
        into=_Light(clean),
        around_bytes=around_bytes(photo) + (clean.nbytes if copies else 0),
        watch=watch,
    )
    keep_mean_of_mosaic(mosaic, clean.as_photo())  # the very samples, which `clean` holds
    return clean


def finish_mosaic(photo: Photo, clean: ResultPixels, settings: InferenceConfig) -> Photo:
    """Return the photo with the network's answer, which is changed in its place, as the settings want it to look.

    Where they leave some of the noise, it comes from the mosaic demosaiced without being denoised.
    """
    if photo.mosaic is None or photo.camera is None:
        raise TypeError("the photo has no mosaic")
    look = settings.shares
    if {look.luma, look.chroma} - {None, 1.0}:
        noisy = WorkingPixels(replace(photo, pixels=demosaic(photo.mosaic.mosaic, photo.camera.gains)))
        clean = take_shares(noisy, clean, look, luma_weights(photo))
    return lay_grain(clean, look.grain, settings.seed).as_photo()


class _Light:
    """Takes the light of a camera's colours, black 0 and white 1, not balanced, and puts it into a result."""

    def __init__(self, result: ResultPixels) -> None:
        self._result = result
        self.nbytes = 2 * result.nbytes  # the picture that is only looked at is as large

    def __setitem__(self, window: Window, light: np.ndarray) -> None:
        self._result.put_light(window, light)
